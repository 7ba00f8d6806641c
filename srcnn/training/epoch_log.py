"""What a training run says while it runs: a line per epoch, and a log for TensorBoard."""

import time
from collections.abc import Callable
from pathlib import Path

from srcnn.errors import InputError
from srcnn.training.objective import Row


class EpochLines:
    """A line per epoch, with the pace of this run.

    Args:
        epochs: of the whole run.
        patches: of an epoch.
    """

    def __init__(self, epochs: int, patches: int):
        self.epochs, self.patches = epochs, patches
        self.before = time.monotonic()

    def line(self, row: Row, share: float, waited: float) -> str:
        """What there is to say of an epoch.

        Args:
            row: of the loss curve.
            share: of the epoch's patches that this run trained on.
            waited: seconds that it waited for patches.
        """
        now = time.monotonic()
        seconds, self.before = now - self.before, now
        pace = share * self.patches / seconds
        rest = self.patches * (self.epochs - row["epoch"]) / pace if pace else 0.0
        terms = f"MSE {row['mse']:.6f}"
        if "perceptual" in row:
            terms += f", perceptual {row['perceptual']:.4g}"
            weighted = (f"{row[name]:.6f}" for name in row if name.startswith("weighted_"))
            terms += f"; weighted {' + '.join(weighted)}"
        gain = row["val_psnr_rgb"] - row["val_psnr_interpolated"]
        return (
            f"epoch {row['epoch']:.0f}/{self.epochs}: loss {row['loss']:.6f} ({terms}), "
            f"val loss {row['val_loss']:.6f}, val PSNR {row['val_psnr_rgb']:.2f} dB "
            f"({gain:+.2f} to interpolation); {pace:.0f} patches/s, "
            f"{100 * waited / seconds:.1f} % waiting for them; {_clock(rest)} to go"
        )


def _clock(seconds: float) -> str:
    """A duration as 9 s, 4:09 min or 2:04:09 h."""
    hours, rest = divmod(round(seconds), 3600)
    minutes, rest = divmod(rest, 60)
    if hours:
        return f"{hours}:{minutes:02d}:{rest:02d} h"
    return f"{minutes}:{rest:02d} min" if minutes else f"{rest} s"


def tensorboard(folder: Path) -> Callable[[Row], None]:
    """A function that adds a row of the loss curve to TensorBoard's log in `folder`.

    Raises:
        InputError: TensorBoard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise InputError(
            "train.log: tensorboard is not installed; pip install tensorboard, or set it to lines"
        ) from None
    writer = SummaryWriter(str(folder))

    def add(row: Row) -> None:
        for name, value in row.items():
            if name != "epoch":
                writer.add_scalar(name, value, int(row["epoch"]))
        writer.flush()

    return add
