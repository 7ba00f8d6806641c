"""Readers of what the stage train writes after each epoch: the training curve, and grid peaks."""

from pathlib import Path

import numpy as np
import pandas as pd

from srcnn.errors import InputError
from srcnn.utils.tables import read_csv


def read_curve(path: Path) -> pd.DataFrame:
    """Read metrics/training/x{scale}_{loss}.csv: a row for each epoch, all columns float.

    Raises:
        InputError: the file is missing, damaged or without rows.
    """
    curve = read_csv(path, "train", float)
    if curve.empty:
        raise InputError(f"{path}: no epochs; run the stage train again")
    return curve


def read_peaks(path: Path) -> pd.DataFrame:
    """Read metrics/grid/x{scale}_{loss}.csv: peaks in dB, a row per epoch, a column per image.

    It is empty if the val crops are too small for a spectrum.

    Raises:
        InputError: the file is missing or damaged, or a peak is missing or not a number.
    """
    rows = read_csv(path, "train", {"epoch": int, "image": str, "peak": float})
    rows = rows.drop_duplicates(["epoch", "image"], keep="last")
    peaks = rows.pivot(index="epoch", columns="image", values="peak")
    for (epoch, image), peak in peaks.stack().items():
        if not np.isfinite(peak):
            raise InputError(
                f"{path}: the peak of image {image} in epoch {epoch} is not a number; "
                "lower train.lr and train again"
            )
    return peaks
