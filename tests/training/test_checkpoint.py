import math
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from srcnn.errors import InputError
from srcnn.images.image_io import write_png
from srcnn.models.tensors import Weights, write_tensors
from srcnn.training.checkpoint import Checkpoint, State

Capture = pytest.CaptureFixture[str]

ABOUT: dict[str, Any] = {
    "epoch": 3,
    "best": math.inf,
    "totals": {"mse": 1 / 3, "block1_conv2": 5e-324},
    "rows": [{"epoch": 1, "loss": 0.1}, {"epoch": 2, "loss": 1.7976931348623157e308}],
    "word": "über „Grüße“\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / ".training/x2_mse"


@pytest.fixture
def checkpoint(folder: Path) -> Checkpoint:
    return Checkpoint(folder, ["a run", 2])


def tensors(seed: int = 0) -> Weights:
    """A small tensor of each kind that a run has, and of further kinds."""
    generator = torch.Generator().manual_seed(seed)
    image = torch.randn(1, 2, 3, 2, generator=generator)
    return {
        "model/weight": torch.nn.Parameter(torch.randn(2, 3, 2, 2, generator=generator)),
        "model/channels_last": image.to(memory_format=torch.channels_last),
        "adam.0/step": torch.tensor(7.0),
        "adam.0/exp_avg": torch.tensor([math.nan, math.inf, -math.inf, -0.0, 1e-45]),
        "double": torch.randn(3, dtype=torch.float64, generator=generator),
        "half": torch.randn(3, generator=generator).half(),
        "long": torch.tensor([-(2**63), 2**63 - 1]),
        "bool": torch.tensor([True, False]),
        "empty": torch.zeros(0, 4),
    }


def state(seed: int = 0, **changes: Any) -> State:
    return {**tensors(seed), **ABOUT, **changes}


def bits(tensor: Tensor) -> tuple[torch.dtype, tuple[int, ...], tuple[int, ...], bytes]:
    shape = tuple(tensor.shape)
    return tensor.dtype, shape, tensor.stride(), tensor.detach().numpy().tobytes()


def comparable(values: State) -> State:
    return {n: bits(value) if isinstance(value, Tensor) else value for n, value in values.items()}


def assert_loads(checkpoint: Checkpoint, expected: State) -> None:
    loaded = checkpoint.load()
    assert loaded is not None
    assert comparable(loaded) == comparable(expected)


def contents(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.iterdir()]


def assert_renamed(checkpoint: Checkpoint, damaged: bytes, capsys: Capture) -> None:
    """The file is not loaded, a line names it, its bytes are kept, and a new one can be saved."""
    capsys.readouterr()
    assert checkpoint.load() is None
    printed = capsys.readouterr().out
    assert str(checkpoint.path) in printed
    assert printed.endswith("\n")
    assert printed[:-1].isprintable()
    assert not checkpoint.path.exists()
    assert contents(checkpoint.folder) == [damaged]
    checkpoint.save(state())
    assert_loads(checkpoint, state())
    assert capsys.readouterr().out == ""


def test_one_process_at_a_time_locks_the_folder(folder: Path) -> None:
    first, second = Checkpoint(folder, 1), Checkpoint(folder, 2)
    first.lock()
    with pytest.raises(InputError, match="another process is training this model"):
        second.lock()
    first.remove()
    assert not folder.exists()
    second.lock()
    del second
    first.lock()  # an ended process keeps no lock


def test_a_checkpoint_is_read_back_to_the_bit(checkpoint: Checkpoint, folder: Path) -> None:
    checkpoint.save(state())
    assert_loads(checkpoint, state())
    assert_loads(Checkpoint(folder, ["a run", 2]), state())


@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda of: st.lists(of) | st.dictionaries(st.text(), of),
        max_leaves=8,
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_metadata_is_read_back_unchanged(checkpoint: Checkpoint, value: Any) -> None:
    checkpoint.save({"value": value})
    assert checkpoint.load() == {"value": value}


def test_the_latest_checkpoint_is_loaded(checkpoint: Checkpoint, folder: Path) -> None:
    for seed in range(3):
        checkpoint.save(state(seed, epoch=seed))
    assert_loads(checkpoint, state(2, epoch=2))
    assert len(contents(folder)) == 1


def test_loaded_tensors_survive_the_next_save(checkpoint: Checkpoint) -> None:
    checkpoint.save(state(1))
    loaded = checkpoint.load()
    assert loaded is not None
    checkpoint.save(state(2))
    assert bits(loaded["double"]) == bits(tensors(1)["double"])


def test_saving_does_not_change_the_run(checkpoint: Checkpoint) -> None:
    kept = state()
    checkpoint.save(kept)
    assert comparable(kept) == comparable(state())
    assert kept["model/weight"].requires_grad


def test_a_new_run_has_no_checkpoint(checkpoint: Checkpoint, capsys: Capture) -> None:
    assert checkpoint.load() is None
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("run", [["a run", 3], ["another", 2], ["a run"], ["a run", 2.0]])
def test_the_checkpoint_of_another_run_is_ignored_with_a_message(
    checkpoint: Checkpoint, folder: Path, run: object, capsys: Capture
) -> None:
    checkpoint.save(state())
    other = Checkpoint(folder, run)
    assert other.load() is None
    printed = capsys.readouterr().out
    assert str(folder) in printed
    assert printed.count("\n") == 1
    other.save(state(1))
    assert_loads(other, state(1))
    assert_loads(checkpoint, state())


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 100, -200, -60, -1])
def test_a_truncated_checkpoint_is_renamed(
    checkpoint: Checkpoint, length: int, capsys: Capture
) -> None:
    checkpoint.save(state())
    damaged = checkpoint.path.read_bytes()[:length]
    checkpoint.path.write_bytes(damaged)
    assert_renamed(checkpoint, damaged, capsys)


def test_a_checkpoint_that_ends_in_zeros_is_renamed(
    checkpoint: Checkpoint, capsys: Capture
) -> None:
    checkpoint.save(state())
    whole = checkpoint.path.read_bytes()
    for start in (0, len(whole) // 2, len(whole) - 60):
        damaged = whole[:start] + bytes(len(whole) - start)
        assert damaged != whole
        checkpoint.path.write_bytes(damaged)
        assert_renamed(checkpoint, damaged, capsys)
        checkpoint.remove()
        checkpoint.save(state())


def test_a_checkpoint_with_extra_bytes_is_renamed(checkpoint: Checkpoint, capsys: Capture) -> None:
    checkpoint.save(state())
    damaged = checkpoint.path.read_bytes() + b"\0"
    checkpoint.path.write_bytes(damaged)
    assert_renamed(checkpoint, damaged, capsys)


def test_one_flipped_bit_anywhere_is_detected(
    checkpoint: Checkpoint, folder: Path, capsys: Capture
) -> None:
    checkpoint.save({"double": tensors()["double"], "rows": [{"loss": 1.5}]})
    whole = checkpoint.path.read_bytes()
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        checkpoint.path.write_bytes(damaged)
        assert checkpoint.load() is None, f"byte {place} of {len(whole)}"
        assert not checkpoint.path.exists()
        printed = capsys.readouterr().out
        assert str(checkpoint.path) in printed
        assert printed[:-1].isprintable()
    assert contents(folder) == [bytes(damaged)]


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
def test_changed_bytes_are_detected(checkpoint: Checkpoint, data: st.DataObject) -> None:
    checkpoint.save(state())
    whole = checkpoint.path.read_bytes()
    changed = bytearray(whole)
    start = data.draw(st.integers(0, len(changed) - 1))
    new = data.draw(st.binary(min_size=1, max_size=9))
    changed[start : start + len(new)] = new
    checkpoint.path.write_bytes(changed)
    loaded = Checkpoint(checkpoint.folder, ["a run", 2]).load()
    assert (loaded is not None) == (changed == whole)


def test_tensors_from_another_program_are_renamed(checkpoint: Checkpoint, capsys: Capture) -> None:
    write_tensors(tensors(), checkpoint.path, {})
    assert_renamed(checkpoint, checkpoint.path.read_bytes(), capsys)


@pytest.mark.parametrize("content", [b"epoch,loss\n1,0.5\n", b"\xff" * 200, b"{}", b"\0" * 8, b""])
def test_a_file_of_another_kind_is_renamed(
    checkpoint: Checkpoint, folder: Path, content: bytes, capsys: Capture
) -> None:
    folder.mkdir(parents=True)
    checkpoint.path.write_bytes(content)
    assert_renamed(checkpoint, content, capsys)


def test_an_image_in_place_of_a_checkpoint_is_renamed(
    checkpoint: Checkpoint, capsys: Capture
) -> None:
    write_png(checkpoint.path.with_suffix(".png"), np.zeros((4, 4, 3), np.uint8))
    checkpoint.path.with_suffix(".png").rename(checkpoint.path)
    assert_renamed(checkpoint, checkpoint.path.read_bytes(), capsys)


def test_a_finished_run_leaves_no_checkpoint(
    checkpoint: Checkpoint, folder: Path, capsys: Capture
) -> None:
    checkpoint.save(state())
    os.truncate(checkpoint.path, 100)
    assert checkpoint.load() is None
    checkpoint.save(state())
    checkpoint.remove()
    assert not folder.exists()
    capsys.readouterr()
    assert checkpoint.load() is None
    assert capsys.readouterr().out == ""
    checkpoint.remove()
    checkpoint.save(state(1))
    assert_loads(checkpoint, state(1))


def test_a_kill_during_a_save_keeps_the_previous_checkpoint(
    checkpoint: Checkpoint, folder: Path
) -> None:
    checkpoint.save(state())
    # The system kills a process that writes more than its limit.
    code = """
import resource, signal, sys
from pathlib import Path
import torch
from srcnn.training.checkpoint import Checkpoint
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
Checkpoint(Path(sys.argv[1]), ["a run", 2]).save({"a": torch.rand(100_000)})
"""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    killed = subprocess.run([sys.executable, "-c", code, folder], env=environment, check=False)
    assert killed.returncode == -signal.SIGXFSZ
    assert len(contents(folder)) == 2, "the test does not apply"
    assert_loads(checkpoint, state())
    checkpoint.save(state(1))
    assert_loads(checkpoint, state(1))
    checkpoint.remove()
    assert not folder.exists()
