"""What the stage train writes after each epoch: the training curve, and the grid's peaks."""

import math
from pathlib import Path

from srcnn.errors import InputError
from srcnn.utils.files import read_csv

Curve = dict[str, list[float]]
"""Columns by name, a value for each epoch."""

Peaks = dict[str, list[float]]
"""By image, the peak in dB after each epoch, in the order of the epochs."""


def read_curve(path: Path) -> Curve:
    """Columns by name of what the stage train writes, a value per epoch.

    Raises:
        InputError: the file is missing or damaged.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file (the stage train makes it)")
    try:
        rows = read_csv(path)
        return {name: [float(row[name]) for row in rows] for name in rows[0]}
    except (IndexError, TypeError, ValueError) as error:
        raise InputError(f"{path}: not a training curve ({error}); train anew") from None


def read_peaks(path: Path) -> Peaks:
    """Read metrics/grid/x{scale}_{loss}.csv, as the stage train writes it.

    Returns:
        no image at all where the val crops were too small to tell.

    Raises:
        InputError: the file is missing or damaged, or a peak is no number.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file (the stage train makes it)")
    peaks: dict[str, dict[int, float]] = {}
    try:
        for row in read_csv(path):
            peaks.setdefault(row["image"], {})[int(row["epoch"])] = float(row["peak"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: not the columns epoch, image, peak ({error}); train anew"
        ) from None
    for image, by_epoch in peaks.items():
        for epoch, peak in by_epoch.items():
            if not math.isfinite(peak):
                raise InputError(
                    f"{path}: the peak of image {image} in epoch {epoch} is no number; "
                    "lower train.lr and train anew"
                )
    return {image: [peak for _, peak in sorted(peaks[image].items())] for image in peaks}
