"""Tile artefacts by epoch: how far the grid of the enlargement stands out in the error."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes

from srcnn.figures.canvas import Canvas
from srcnn.figures.charts import panels, start
from srcnn.figures.style import GREY, colours_of, look, short_name

_HEIGHT = 480


@look()
def draw_tiles(peaks: Mapping[tuple[int, str], pd.DataFrame]) -> Canvas:
    """A panel per scale: by epoch and loss, the mean over the val crops and its spread.

    Args:
        peaks: by scale and loss, of `srcnn.analysis.training_curves.read_peaks`.
    """
    scales = list(dict.fromkeys(scale for scale, _ in peaks))
    colours = colours_of(dict.fromkeys(loss for _, loss in peaks))
    page, charts = panels(len(scales), 2, _HEIGHT, beside=170)
    for panel, scale in zip(charts, scales, strict=True):
        start(panel, f"×{scale}")
        panel.set_xlabel("epoch (band: ± one standard deviation of the val crops)")
        panel.set_ylabel(f"grid of {scale} pixels in the error (dB)")
        drawn = {loss: peaks[scale, loss] for loss in colours if not peaks[scale, loss].empty}
        for loss, by_image in drawn.items():
            _band(panel, by_image, short_name(loss), colours[loss])
        if drawn:
            panel.axhline(0, color=GREY, linewidth=0.5)
            panel.legend(loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0, ncols=2)
        else:
            panel.set(xticks=[], yticks=[])
            nothing = f"Not measured: the val crops are smaller than {16 * scale} pixels."
            panel.text(0.5, 0.5, nothing, color=GREY, ha="center", transform=panel.transAxes)
    return page


def _band(panel: Axes, peaks: pd.DataFrame, label: str, colour: str) -> None:
    epochs, mean, spread = peaks.index, peaks.mean(axis=1), peaks.std(axis=1, ddof=0)
    panel.fill_between(epochs, mean - spread, mean + spread, color=colour, alpha=0.15, linewidth=0)
    panel.plot(epochs, mean, color=colour, label=label, marker="o", markersize=2)
