"""Training on a simulated Apple GPU, which has no float64."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from srcnn.errors import InputError
from srcnn.images.pairs import Pair
from srcnn.models import authors, device
from srcnn.models.authors import AuthorsSRCNN
from srcnn.models.srcnn import SRCNN
from srcnn.training import fabric, step, validation
from srcnn.training.checkpoint import Checkpoint
from srcnn.training.fabric import launch_fabric
from srcnn.training.objective import Objective
from srcnn.training.patches import Patches
from srcnn.training.step import Plan, TrainingStep
from srcnn.training.trainer import Trainer
from srcnn.training.validation import Crops
from srcnn.utils import machine

MakePair = Callable[..., Pair]
OneLine = Callable[[Any], str]
APPLE = torch.device("mps")


class WithoutFloat64(TorchDispatchMode):
    """Refuses to turn other numbers into float64, as Apple's GPU does, except in `to_float64`."""

    is_on_cpu = False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if not self.is_on_cpu and has_float64(result) and not has_float64((args, kwargs)):
            raise TypeError(f"{func} makes float64")
        return result

    def to_float64(self, tensor: Tensor) -> Tensor:
        """`device.to_float64`, which copies the tensor of an Apple GPU to the CPU."""
        self.is_on_cpu = True
        try:
            return device.to_float64(tensor)
        finally:
            self.is_on_cpu = False


def has_float64(values: object) -> bool:
    return any(isinstance(v, Tensor) and v.dtype == torch.float64 for v in tree_leaves(values))


@pytest.fixture
def without_float64(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No tensor becomes float64, except by `to_float64`."""
    mode = WithoutFloat64()
    for module in (authors, fabric, step, validation):
        monkeypatch.setattr(module, "to_float64", mode.to_float64)
    with mode:
        yield


def test_float64_is_on_the_cpu_for_an_apple_gpu_and_on_any_other_device() -> None:
    with FakeTensorMode():
        moved = device.to_float64(torch.empty(2, device=APPLE))
    assert (moved.device.type, moved.dtype) == ("cpu", torch.float64)
    for name in ("cpu", "cuda"):
        assert device.float64_device(torch.device(name)) == torch.device(name)


@pytest.mark.usefixtures("without_float64")
def test_float64_is_refused_in_these_tests() -> None:
    with pytest.raises(TypeError, match="makes float64"):
        torch.zeros(2).double()
    with pytest.raises(TypeError, match="makes float64"):
        torch.zeros(2, dtype=torch.float64)


@pytest.mark.usefixtures("without_float64")
@pytest.mark.parametrize("code", ["paper", "authors_view"])
def test_training_validation_and_checkpoints_need_no_float64_on_the_device(
    tmp_path: Path, make_pair: MakePair, code: Any
) -> None:
    pairs = [make_pair("0001", 32, 40)]
    model = SRCNN(2) if code == "paper" else AuthorsSRCNN(2, code)
    patches = Patches(
        pairs,
        2,
        model.halo,
        patch_size=24,
        patches_per_image=2,
        batch_size=1,
        geometry=False,
        colour=False,
        seed=0,
    )
    plan = Plan(1, 1e-3, "constant", clip_norm=1.0)
    crops = Crops(pairs, 2, model.halo, 10_000, whole=not model.is_local)

    def start() -> Trainer:
        steps = TrainingStep(launch_fabric(), model, Objective(), patches, plan)
        trainer = Trainer(steps, crops, Checkpoint(tmp_path, 1))
        trainer.save_interval = 0.0  # save after each batch
        return trainer

    (row,) = start().run()
    (again,) = start().run()  # from the last checkpoint, with no batch left
    assert row["loss"] == again["loss"] > 0
    assert row["val_psnr_rgb"] > 0


def test_the_gpu_of_apple_is_used_unless_the_arithmetic_is_pinned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr(machine, "cpu_name", lambda: "Apple M2")
    assert device.best_device() == APPLE
    assert device.device_name(APPLE) == "Apple M2, GPU"
    assert not device.bf16_is_fast(APPLE)
    assert device.peak_memory(APPLE) > 0
    monkeypatch.setattr(device, "is_pinned", lambda: True)
    monkeypatch.setattr("torch.set_num_threads", lambda number: None)
    assert device.best_device() == torch.device("cpu")
    assert "a GPU" in device.left_unused(torch.device("cpu"))


@pytest.mark.parametrize(
    ("precision", "processes", "named"),
    [
        ("bf16", (1, 1), "train.precision"),
        ("32", (2, 1), "train.devices"),
        ("32", (1, 2), "train.nodes"),
    ],
)
def test_what_an_apple_gpu_cannot_do_is_refused(
    monkeypatch: pytest.MonkeyPatch,
    one_line: OneLine,
    precision: str,
    processes: tuple[int, int],
    named: str,
) -> None:
    monkeypatch.setattr(fabric, "best_device", lambda **_: APPLE)
    with pytest.raises(InputError) as caught:
        launch_fabric(precision, *processes)
    assert named in one_line(caught)
    assert "Apple GPU" in one_line(caught)


def test_the_authors_network_returns_to_the_gpu_from_float64(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A fake CUDA device stands for Apple's, which this torch may lack; its float64 is on the CPU.
    monkeypatch.setattr(device, "float64_device", lambda _: torch.device("cpu"))
    with FakeTensorMode(), torch.device("cuda"):
        assert AuthorsSRCNN(2, "authors_view")(torch.empty(1, 3, 20, 20)).device.type == "cuda"
