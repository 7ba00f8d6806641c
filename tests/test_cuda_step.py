from pathlib import Path

import numpy as np
import pytest
import torch

from srcnn.errors import Stopped
from srcnn.images.pairs import Pair
from srcnn.models.srcnn import SRCNN
from srcnn.models.vgg import VGGFeatures
from srcnn.training.checkpoint import Checkpoint
from srcnn.training.fabric import launch_fabric
from srcnn.training.objective import Objective, PerceptualTerm, PixelTerm
from srcnn.training.patches import Patches
from srcnn.training.step import Plan, TrainingStep
from srcnn.training.trainer import Trainer
from srcnn.training.validation import Crops

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")

LAYER = "block2_conv2"


def pair(name: str, seed: int) -> Pair:
    hr = np.random.default_rng(seed).integers(0, 256, (60, 72, 3), dtype=np.uint8)
    return Pair(name, hr, hr[::2, ::2].copy())


def trainer(folder: Path, perceptual: bool, *, use_graph: bool = True, **plan: float) -> Trainer:
    fabric = launch_fabric("auto")
    torch.manual_seed(0)
    model = SRCNN(2)
    model.start_from_interpolation()
    model.to(memory_format=torch.channels_last)
    vgg = VGGFeatures(None, "vgg16", [LAYER]).to(fabric.device)
    vgg.to(memory_format=torch.channels_last)
    patches = Patches(
        [pair("a", 1), pair("b", 2)],
        2,
        model.halo,
        patch_size=32,
        patches_per_image=21,  # the last of eleven batches has two patches
        batch_size=4,
        geometry=True,
        colour=True,
        seed=0,
    )
    objective = (
        Objective([PixelTerm(weight=0.1), PerceptualTerm(vgg, {LAYER: 1.0}, 0.9)])
        if perceptual
        else Objective()
    )
    crops = Crops([pair("c", 3)], 2, model.halo, 10_000)
    options = Plan(3, 1e-3, "one_cycle", **plan)  # type: ignore[arg-type]
    step = TrainingStep(fabric, model, objective, patches, options, use_graph=use_graph)
    return Trainer(step, crops, Checkpoint(folder, 1))


@pytest.mark.parametrize(
    "plan", [{}, {"clip_norm": 0.01, "micro_batch": 3}], ids=["plain", "parts"]
)
@pytest.mark.parametrize("perceptual", [False, True], ids=["mse", "perceptual"])
def test_a_captured_step_gives_the_bytes_of_a_step_without_graph(
    tmp_path: Path, perceptual: bool, plan: dict[str, float]
) -> None:
    captured, plain = (
        trainer(tmp_path / str(use_graph), perceptual, use_graph=use_graph, **plan)
        for use_graph in (True, False)
    )
    rows = [list(each.run()) for each in (captured, plain)]
    assert plain.step.captured is None
    assert captured.step.captured is not None
    assert captured.step.captured.graph is not None
    assert rows[0] == rows[1]
    for ours, theirs in zip(captured.model.parameters(), plain.model.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_a_stopped_run_continues_to_the_same_bytes(tmp_path: Path) -> None:
    whole, stopped = (trainer(tmp_path / name, perceptual=False) for name in ("a", "b"))
    expected = list(whole.run())
    rows = stopped.run()
    next(rows)
    stopped.stop_requested = True
    with pytest.raises(Stopped):
        next(rows)
    again = trainer(tmp_path / "b", perceptual=False)
    list(again.run())
    assert again.progress.rows == expected
    for ours, theirs in zip(again.model.parameters(), whole.model.parameters(), strict=True):
        assert torch.equal(ours, theirs)
