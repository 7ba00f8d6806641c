import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from lightning_fabric.loggers import tensorboard
from lightning_fabric.loggers.logger import Logger

from srcnn.errors import InputError
from srcnn.images.pairs import Pair
from srcnn.training import epoch_log
from srcnn.training.epoch_log import (
    EpochLog,
    log_seconds,
    make_loggers,
    warn_if_worse,
    write_curves,
)
from srcnn.training.fabric import launch_fabric
from srcnn.training.objective import Objective, PixelTerm, Term
from srcnn.training.validation import Crops

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


def log(
    epochs: int = 10,
    epoch_share: float = 1.0,
    waited: float = 0.0,
    ratios: dict[str, float] | None = None,
    selection: Crops | None = None,
    rows: list[dict[str, float]] | None = None,
    loggers: Sequence[Logger] = (),
) -> EpochLog:
    """The log of a run with 1000 patches per epoch."""
    trainer: Any = SimpleNamespace(
        fabric=launch_fabric("32", loggers=loggers),
        progress=SimpleNamespace(rows=rows or []),
        objective=Objective(ratios=ratios or {}),
        plan=SimpleNamespace(epochs=epochs),
        patches=SimpleNamespace(patch_count=1000),
        epoch_share=epoch_share,
        waited=waited,
        crops=SimpleNamespace(notes=lambda: ["left out of validation (tiny): 0007"]),
        selection=selection,
    )
    return EpochLog(trainer, "×2 with mse")


def line(row: dict[str, float] = ROW, seconds: float = 20.0, **options: Any) -> str:
    """The line of an epoch that took so many seconds."""
    text = log(**options).line(row, seconds)
    assert text.isprintable()
    return text


def test_a_line_has_the_epoch_its_losses_and_the_gain_over_interpolation() -> None:
    text = line()
    assert text.startswith("epoch 3/10: ")
    assert "loss 0.004711" in text
    assert "MSE 0.004711" in text
    assert "val loss 0.005822" in text
    assert "27.61 dB" in text
    assert "+0.25" in text
    assert "perceptual" not in text
    assert "weighted" not in text


def test_a_network_worse_than_interpolation_has_a_minus() -> None:
    assert "−1.36" in line(ROW | {"val_psnr_rgb": 26.0})


def test_a_perceptual_run_has_the_raw_and_the_weighted_terms() -> None:
    terms = {"perceptual": 1.2345, "weighted_mse": 0.000471, "weighted_perceptual": 0.098765}
    text = line(ROW | terms)
    assert "MSE 0.004711" in text
    assert "perceptual 1.23" in text
    assert "0.000471 + 0.098765" in text


def test_a_line_has_the_speed_the_share_of_waiting_and_the_time_left() -> None:
    text = line(seconds=20, waited=1)
    assert "50 patches/s" in text
    assert "5.0 %" in text
    assert "02:20 left" in text


def test_a_resumed_epoch_counts_only_its_own_patches() -> None:
    text = line(seconds=5, epoch_share=0.25, waited=1)
    assert "50 patches/s" in text
    assert "20.0 %" in text
    assert "02:20 left" in text


def test_the_time_of_an_epoch_begins_with_the_line_before(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(epoch_log, "time", SimpleNamespace(monotonic=lambda: clock.now))
    lines = log()
    capsys.readouterr()
    clock.now += 40
    lines.add(ROW)
    assert "25 patches/s" in capsys.readouterr().out
    clock.now += 10
    lines.add(ROW | {"epoch": 4})
    text = capsys.readouterr().out
    assert "100 patches/s" in text
    assert "01:00 left" in text


@pytest.mark.parametrize(
    ("seconds", "epochs_left", "interval"),
    [(1, 9, "00:09"), (59.4, 1, "00:59"), (83, 3, "04:09"), (2483, 3, "2:04:09"), (20, 0, "00:00")],
)
def test_the_time_left_is_in_minutes_and_hours(
    seconds: float, epochs_left: int, interval: str
) -> None:
    assert line(epochs=3 + epochs_left, seconds=seconds).endswith(f" {interval} left")


def test_the_header_has_the_ratios_the_model_and_the_device(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log(ratios={"block2_conv2": 1307.4})
    first, second = capsys.readouterr().out.splitlines()[:2]
    assert first == "loss.balance: block2_conv2 is divided by 1307"
    assert second.startswith("training ×2 with mse on ")
    assert second.endswith(", in float32: 10 epochs")


def test_the_header_names_images_that_are_left_out_of_validation(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log()
    assert "left out of validation (tiny): 0007\n" in capsys.readouterr().out


def test_the_header_does_not_call_the_choice_of_the_epoch_validation(
    make_pair: Callable[..., Pair], capsys: pytest.CaptureFixture[str]
) -> None:
    large = [make_pair(name, 80, 80) for name in ("0001", "0002")]
    log(selection=Crops([*large, make_pair("0003", 40, 40)], 2, 4, 10**9))
    log(selection=Crops([large[0], make_pair("0003", 40, 40)], 2, 4, 10**9))
    lines = [line for line in capsys.readouterr().out.splitlines() if "0003" in line]
    assert lines == [
        "left out of the choice of the epoch (smaller than 64 pixels): 0003",
        "tiny or of one colour, so that the choice of the epoch means little: 0003",
    ]


@pytest.mark.parametrize(
    ("psnr", "terms", "advice"),
    [
        (2.36, [PixelTerm()], "training failed; lower train.lr (now 10)"),
        (27.3, [PixelTerm(), Term("perceptual", 0.9)], "a small drop can be the price"),
        (27.4, [PixelTerm()], ""),
    ],
)
def test_a_network_that_ends_below_its_own_interpolation_is_reported(
    psnr: float, terms: list[Term], advice: str, capsys: pytest.CaptureFixture[str]
) -> None:
    trainer: Any = SimpleNamespace(
        fabric=launch_fabric("32"),
        objective=Objective(terms),
        plan=SimpleNamespace(lr=10.0),
        kept=ROW | {"val_psnr_rgb": psnr},
    )
    warn_if_worse(trainer, "×4 with mse")
    printed = capsys.readouterr().out
    assert advice in printed
    assert printed.count("\n") == bool(advice)
    if advice:
        assert printed.startswith("warning: ×4 with mse: ")
        assert f"{psnr:.2f} dB" in printed
        assert "27.36 dB" in printed


def test_curves_are_written_without_the_grid_peaks_and_those_to_their_own_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = [{"epoch": n, "loss": 0.0123456789} for n in (1, 2, 3)]
    for row in rows[::2]:
        row |= {"grid/cat/scale": 1.23456, "grid/cat/thirds": -2.0, "grid/tom/scale": 0.5}
    write_curves(rows, "x2_mse.csv")
    curve, peaks = (Path("metrics", f, "x2_mse.csv").read_text() for f in ("training", "grid"))
    assert curve == "epoch,loss\n1,0.0123457\n2,0.0123457\n3,0.0123457\n"
    one, three = (f"{n},cat,1.235,1.235,-2\n{n},tom,0.5,0.5,\n" for n in (1, 3))
    assert peaks == f"epoch,image,peak,scale,thirds\n{one}{three}"


def test_without_grid_peaks_their_file_has_only_the_header(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    write_curves([{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.25}], "x2_mse.csv")
    assert Path("metrics/grid/x2_mse.csv").read_text() == "epoch,image,peak\n"


@pytest.mark.parametrize("kind", ["tensorboard", "dvclive"])
def test_a_missing_package_is_reported_in_one_line(
    monkeypatch: pytest.MonkeyPatch, kind: str, one_line: OneLine
) -> None:
    for name in ("_TENSORBOARD_AVAILABLE", "_TENSORBOARDX_AVAILABLE"):
        monkeypatch.setattr(tensorboard, name, False)
    monkeypatch.setitem(sys.modules, "dvclive.fabric", None)
    with pytest.raises(InputError) as caught:
        make_loggers(kind, "x2_mse")
    message = one_line(caught)
    assert "train.log" in message
    assert f"pip install {kind}" in message


def test_lines_need_no_logger() -> None:
    assert make_loggers("lines", "x2_mse") == []


class Rows(Logger):
    """Keeps rows by epoch, and which of them are saved."""

    name = version = None

    def __init__(self) -> None:
        self.rows: list[tuple[int | None, dict[str, float]]] = []
        self.saved = 0

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self.rows.append((step, metrics))

    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError

    def save(self) -> None:
        self.saved = len(self.rows)


def test_a_logger_gets_each_epoch_once_and_after_a_resume_the_earlier_ones_too() -> None:
    rows, logger = [ROW | {"epoch": epoch} for epoch in (1, 2, 3)], Rows()
    lines = log(rows=rows, loggers=[logger])
    lines.add(rows[-1])
    assert [step for step, _ in logger.rows] == [1, 2, 3]
    rows.append(ROW | {"epoch": 4, "loss": 0.5})
    lines.add(rows[-1])
    assert [step for step, _ in logger.rows] == [1, 2, 3, 4]
    assert logger.saved == 4
    assert logger.rows[-1][1] == {n: v for n, v in rows[-1].items() if n != "epoch"}


class Writer:
    """A SummaryWriter that keeps what is added."""

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


def test_each_start_of_a_run_writes_its_own_tensorboard_log(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    fake: Any = ModuleType("torch.utils.tensorboard")
    fake.SummaryWriter = Writer
    monkeypatch.setattr(Writer, "made", [], raising=False)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", fake)
    monkeypatch.setattr(tensorboard, "_TENSORBOARD_AVAILABLE", True)
    for start in range(2):
        log(rows=[ROW], loggers=make_loggers("tensorboard", "x2_mse")).add(ROW)
        writer = Writer.made[start]
        assert writer.folder == f"logs/x2_mse/version_{start}"
        assert writer.scalars == [(name, ROW[name], 3) for name in ROW if name != "epoch"]
        assert writer.written == len(writer.scalars)
        (tmp_path / writer.folder).mkdir(parents=True)


def test_dvclive_writes_into_logs_only(monkeypatch: pytest.MonkeyPatch) -> None:
    fake: Any = ModuleType("dvclive.fabric")
    fake.DVCLiveLogger = SimpleNamespace
    monkeypatch.setitem(sys.modules, "dvclive", ModuleType("dvclive"))
    monkeypatch.setitem(sys.modules, "dvclive.fabric", fake)
    (logger,) = make_loggers("dvclive", "x2_mse")
    assert vars(logger) == {"dir": "logs/x2_mse", "save_dvc_exp": False, "dvcyaml": None}


def test_the_times_of_a_run_are_logged_and_the_next_run_starts_the_log_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for epoch, seconds in ((1, 9.0), (2, 9.0), (3, 9.0), (1, 2.5), (2, 0.25)):
        log_seconds("x2_mse", epoch, seconds)
    text = (tmp_path / "logs/x2_mse_seconds.csv").read_text()
    assert text == "epoch,seconds\n1,2.50\n2,0.25\n"
