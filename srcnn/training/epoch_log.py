"""What a training run prints and writes: header, a line per epoch, other logs and the curves."""

import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import pandas as pd
from lightning_fabric.loggers.logger import Logger
from lightning_fabric.loggers.tensorboard import TensorBoardLogger
from tqdm import tqdm

from srcnn.errors import InputError
from srcnn.models.device import device_name, left_unused
from srcnn.training.fabric import in_bfloat16
from srcnn.training.grid_artefacts import GRID
from srcnn.training.objective import PixelTerm, Row
from srcnn.training.trainer import Trainer
from srcnn.utils.files import name_errors
from srcnn.utils.tables import write_csv
from srcnn.utils.text import signed


class EpochLog:
    """Prints the lines of a run, with a title such as `×2 with mse`, and passes rows to Fabric."""

    def __init__(self, trainer: Trainer, title: str):
        self.trainer, fabric = trainer, trainer.fabric
        self.logged = 0  # rows that Fabric's loggers have
        for name, ratio in trainer.objective.ratios.items():
            fabric.print(f"loss.balance: {name} is divided by {ratio:.4g}")
        precision = "bfloat16" if in_bfloat16(fabric) else "float32"
        device = f"{device_name(fabric.device)}, in {precision}"
        fabric.print(f"training {title} on {device}: {trainer.plan.epochs} epochs")
        if unused := left_unused(fabric.device):
            names = ", ".join(unused)
            fabric.print(f"portable: true leaves {names} unused; false uses the whole machine")
        notes = list(trainer.crops.notes())
        if trainer.selection:
            notes += trainer.selection.notes(choose=True)
        for note in notes:
            fabric.print(note)
        self.start = time.monotonic()

    def add(self, row: Row) -> float:
        """Print the line of an epoch and log its row; a resumed run first logs earlier rows.

        Returns the seconds since the last epoch, or since the start.
        """
        now = time.monotonic()
        seconds, self.start = now - self.start, now
        fabric, rows = self.trainer.fabric, self.trainer.progress.rows
        fabric.print(self.line(row, seconds), flush=True)
        for new in rows[self.logged :]:
            fabric.log_dict({n: new[n] for n in new if n != "epoch"}, step=int(new["epoch"]))
        self.logged = len(rows)
        for logger in fabric.loggers:
            logger.save()
        return seconds

    def line(self, row: Row, seconds: float) -> str:
        """The line of an epoch that took so many seconds."""
        trainer, epochs = self.trainer, self.trainer.plan.epochs
        patches = trainer.patches.patch_count
        speed = trainer.epoch_share * patches / seconds
        left = patches * (epochs - row["epoch"]) / speed if speed else 0.0
        terms = {n.removeprefix("weighted_"): row[n] for n in row if n.startswith("weighted_")}
        parts = [f"{name} {row[name]:.4g}" for name in terms if name != "mse"]
        text = ", ".join([f"MSE {row['mse']:.6f}", *parts])
        if terms:
            text += f"; weighted {' + '.join(f'{value:.6f}' for value in terms.values())}"
        gain = gain_over_interpolation(row)
        return (
            f"epoch {row['epoch']:.0f}/{epochs}: loss {row['loss']:.6f} ({text}), "
            f"val loss {row['val_loss']:.6f}, val PSNR {row['val_psnr_rgb']:.2f} dB "
            f"({signed(gain, '.2f')} dB vs. interpolation); {speed:.0f} patches/s, "
            f"{100 * trainer.waited / seconds:.1f} % waiting for patches; "
            f"{tqdm.format_interval(left)} left"
        )


def gain_over_interpolation(row: Row) -> float:
    """PSNR of the network minus that of its own interpolation, in dB, on the val crops."""
    return row["val_psnr_rgb"] - row["val_psnr_interpolated"]


def warn_if_worse(trainer: Trainer, title: str) -> None:
    """Print a line if the kept network is worse than its own interpolation, by PSNR on val."""
    row = trainer.kept
    if gain_over_interpolation(row) < 0:
        pixels_only = all(isinstance(term, PixelTerm) for term in trainer.objective.terms)
        advice = (
            "training failed; lower train.lr"
            if pixels_only
            else "a small drop can be the price of the perceptual loss; if it is large, training "
            "diverged, so lower train.lr"
        )
        trainer.fabric.print(
            f"warning: {title}: the network's val PSNR, {row['val_psnr_rgb']:.2f} dB, is below "
            f"that of its own interpolation, {row['val_psnr_interpolated']:.2f} dB: {advice} "
            f"(now {trainer.plan.lr:g})"
        )


def make_loggers(kind: str, name: str) -> list[Logger]:
    """Fabric's loggers for the value of `train.log`; they write into logs/`name`.

    Raises:
        InputError: the package is not installed.
    """
    try:
        if kind == "tensorboard":
            return [TensorBoardLogger("logs", name)]
        if kind == "dvclive":
            logger = import_module("dvclive.fabric").DVCLiveLogger
            return [logger(dir=f"logs/{name}", save_dvc_exp=False, dvcyaml=None)]
    except ImportError:
        raise InputError(
            f"train.log: {kind} is not installed; pip install {kind}, or set it to lines"
        ) from None
    return []


def log_seconds(name: str, epoch: int, seconds: float) -> None:
    """Add the time of an epoch to logs/`name`_seconds.csv, which the first epoch starts again.

    It is no output of the stage: outputs have the same bytes in every run. Of an epoch that a
    resumed run completes, it is the time since the resumption.
    """
    path = Path(f"logs/{name}_seconds.csv")
    path.parent.mkdir(exist_ok=True)
    header, mode = ("epoch,seconds\n", "w") if epoch == 1 else ("", "a")
    with name_errors(path), path.open(mode, encoding="utf-8") as file:
        file.write(f"{header}{epoch},{seconds:.2f}\n")


def write_curves(rows: Sequence[Row], name: str) -> None:
    """Write metrics/training (a row per epoch) and metrics/grid (a row per epoch and image).

    In the latter, `peak` is the level of the strongest grid; a column for each grid follows.
    """
    table = pd.DataFrame(rows)
    is_grid = table.columns.str.startswith(GRID)
    write_csv(table.loc[:, ~is_grid], Path("metrics/training", name), float_format="%.6g")
    found = [
        {"epoch": int(row["epoch"]), "image": image, "grid": grid, "level": row[column]}
        for row in rows
        for column in row
        if column.startswith(GRID)
        for image, _, grid in [column.removeprefix(GRID).rpartition("/")]
    ]
    long = pd.DataFrame(found, columns=["epoch", "image", "grid", "level"])
    grids = long.pivot(index=["epoch", "image"], columns="grid", values="level")
    grids = grids[list(long["grid"].unique())]
    grids.insert(0, "peak", grids.max(axis=1))
    write_csv(grids.reset_index(), Path("metrics/grid", name), float_format="%.4g")
