import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from srcnn.errors import InputError
from srcnn.training import epoch_log as telling
from srcnn.training.epoch_log import EpochLines, tensorboard

OneLine = Callable[[Any], str]

ROW = {
    "epoch": 3,
    "lr": 1e-3,
    "loss": 0.004711,
    "mse": 0.004711,
    "val_loss": 0.005822,
    "val_mse": 0.005822,
    "val_psnr_rgb": 27.61,
    "val_psnr_interpolated": 27.36,
}


class Clock:
    """A clock that stands still unless it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(telling, "time", SimpleNamespace(monotonic=clock))
    return clock


def line(
    clock: Clock,
    row: dict[str, float] = ROW,
    *,
    epochs: int = 10,
    seconds: float = 20.0,
    share: float = 1.0,
    waited: float = 0.0,
) -> str:
    """The line of an epoch of 1000 patches that took so many seconds."""
    lines = EpochLines(epochs, 1000)
    clock.now += seconds
    text = lines.line(row, share, waited)
    assert text.isprintable()
    return text


def test_a_line_has_the_epoch_its_losses_and_the_gain_over_interpolation(clock: Clock) -> None:
    text = line(clock)
    assert text.startswith("epoch 3/10: ")
    assert "loss 0.004711" in text
    assert "MSE 0.004711" in text
    assert "val loss 0.005822" in text
    assert "27.61 dB" in text
    assert "+0.25" in text
    assert "perceptual" not in text
    assert "weighted" not in text


def test_a_network_worse_than_interpolation_is_told_by_a_minus(clock: Clock) -> None:
    assert "-1.36" in line(clock, ROW | {"val_psnr_rgb": 26.0})


def test_a_perceptual_run_has_the_raw_and_the_weighted_terms(clock: Clock) -> None:
    terms = {"perceptual": 1.2345, "weighted_mse": 0.000471, "weighted_perceptual": 0.098765}
    text = line(clock, ROW | terms)
    assert "MSE 0.004711" in text
    assert "perceptual 1.23" in text
    assert "0.000471 + 0.098765" in text


def test_the_pace_and_the_share_of_waiting_are_those_of_the_epoch(clock: Clock) -> None:
    text = line(clock, seconds=20, waited=1)
    assert "50 patches/s" in text
    assert "5.0 %" in text
    assert "2:20 min to go" in text


def test_an_epoch_of_which_a_part_was_done_before_has_the_same_pace(clock: Clock) -> None:
    text = line(clock, seconds=5, share=0.25, waited=1)
    assert "50 patches/s" in text
    assert "20.0 %" in text
    assert "2:20 min to go" in text


def test_the_time_of_an_epoch_begins_with_the_line_before(clock: Clock) -> None:
    lines = EpochLines(10, 1000)
    clock.now += 40
    assert "25 patches/s" in lines.line(ROW, 1.0, 0.0)
    clock.now += 10
    text = lines.line(ROW | {"epoch": 4}, 1.0, 0.0)
    assert "100 patches/s" in text
    assert "1:00 min to go" in text


@pytest.mark.parametrize(
    ("seconds", "left", "told"),
    [
        (1, 9, "9 s"),
        (59.4, 1, "59 s"),
        (59.6, 1, "1:00 min"),
        (83, 3, "4:09 min"),
        (3599.7, 1, "1:00:00 h"),
        (2483, 3, "2:04:09 h"),
        (36000, 10, "100:00:00 h"),
        (20, 0, "0 s"),
    ],
)
def test_the_time_to_go_is_in_seconds_minutes_or_hours(
    clock: Clock, seconds: float, left: int, told: str
) -> None:
    assert line(clock, epochs=3 + left, seconds=seconds).endswith(f" {told} to go")


def test_a_missing_tensorboard_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, one_line: OneLine
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(InputError) as caught:
        tensorboard(tmp_path)
    message = one_line(caught)
    assert "train.log" in message
    assert "pip install tensorboard" in message


class Writer:
    """What it is told, and how much of it is on disk."""

    made: list["Writer"]

    def __init__(self, log_dir: str):
        self.folder = log_dir
        self.scalars: list[tuple[str, float, int]] = []
        self.written = 0
        self.made.append(self)

    def add_scalar(self, tag: str, scalar_value: float, global_step: int) -> None:
        self.scalars.append((tag, scalar_value, global_step))

    def flush(self) -> None:
        self.written = len(self.scalars)


def test_tensorboard_is_given_all_columns_by_epoch(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake: Any = ModuleType("torch.utils.tensorboard")
    fake.SummaryWriter = Writer
    monkeypatch.setattr(Writer, "made", [], raising=False)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", fake)
    add = tensorboard(tmp_path)
    for epoch in (1, 2):
        add(ROW | {"epoch": epoch})
        (writer,) = Writer.made
        assert writer.written == len(writer.scalars)
    assert writer.folder == str(tmp_path)
    expected = [
        (name, value, epoch) for epoch in (1, 2) for name, value in ROW.items() if name != "epoch"
    ]
    assert sorted(writer.scalars) == sorted(expected)
    assert all(type(epoch) is int for _, _, epoch in writer.scalars)
