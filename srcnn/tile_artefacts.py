"""Tile artefacts by epoch: how far the grid of the enlargement stands out in the error."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from srcnn.charts import panels, start
from srcnn.errors import InputError
from srcnn.files import read_csv
from srcnn.page import Page
from srcnn.style import GREY, LOSSES, colour_of, look

Peaks = dict[int, list[float]]

_HEIGHT = 480


def read_peaks(path: Path) -> Peaks:
    """Peaks in dB of all val crops by epoch, as the stage train writes them; there may be none.

    Raises:
        InputError: the file is missing.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file (the stage train makes it)")
    peaks: Peaks = {}
    for row in read_csv(path):
        peaks.setdefault(int(row["epoch"]), []).append(float(row["peak"]))
    return peaks


@look()
def draw_tiles(peaks: Mapping[tuple[int, str], Peaks]) -> Page:
    """A panel per scale: by epoch and loss, the mean over the val crops and its spread.

    Args:
        peaks: by scale and loss.
    """
    scales = list(dict.fromkeys(scale for scale, _ in peaks))
    page, charts = panels(len(scales), 2, _HEIGHT, beside=170)
    for panel, scale in zip(charts, scales, strict=True):
        start(panel, f"×{scale}")
        panel.set_xlabel("epoch (band: ± one standard deviation of the val crops)")
        panel.set_ylabel(f"grid of {scale} pixels in the error (dB)")
        drawn = {loss: peaks[scale, loss] for loss in LOSSES if peaks[scale, loss]}
        for loss, by_epoch in drawn.items():
            _band(panel, by_epoch, loss)
        if drawn:
            panel.axhline(0, color=GREY, linewidth=0.5)
            panel.legend(loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0, ncols=2)
        else:
            panel.set(xticks=[], yticks=[])
            nothing = f"Not measured: the val crops are smaller than {16 * scale} pixels."
            panel.text(0.5, 0.5, nothing, color=GREY, ha="center", transform=panel.transAxes)
    return page


def _band(panel: Axes, peaks: Peaks, loss: str) -> None:
    epochs, colour = list(peaks), colour_of(loss)
    mean, spread = (
        np.array([measure(values) for values in peaks.values()]) for measure in (np.mean, np.std)
    )
    panel.fill_between(epochs, mean - spread, mean + spread, color=colour, alpha=0.15, linewidth=0)
    panel.plot(epochs, mean, color=colour, label=LOSSES[loss], marker="o", markersize=2)
