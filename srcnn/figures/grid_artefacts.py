"""Grid artefacts by epoch: how much the grid of the upsampling stands out in the error."""

from collections.abc import Mapping

import pandas as pd

from srcnn.figures.canvas import Canvas
from srcnn.figures.charts import make_panels, set_up_panel
from srcnn.figures.style import GREY, figure_style, method_colours, short_name

_HEIGHT, _BESIDE = 480, 170


@figure_style()
def draw_grid_artefacts(peaks: Mapping[tuple[int, str], pd.DataFrame]) -> Canvas:
    """A panel per scale: mean and standard deviation over the val crops, by epoch and loss.

    `peaks`, in dB by scale and loss, comes from `srcnn.analysis.training_curves.read_peaks`.
    """
    scales = list(dict.fromkeys(scale for scale, _ in peaks))
    colours = method_colours(dict.fromkeys(loss for _, loss in peaks))
    canvas, panels = make_panels(len(scales), 2, _HEIGHT, _BESIDE)
    for panel, scale in zip(panels, scales, strict=True):
        set_up_panel(panel, f"×{scale}")
        panel.set_xlabel("epoch (band: ± 1 standard deviation over the val crops)")
        panel.set_ylabel(f"{scale}-pixel grid in the error (dB)")
        measured = {loss: peaks[scale, loss] for loss in colours if not peaks[scale, loss].empty}
        for loss, table in measured.items():
            mean, spread, colour = table.mean(axis=1), table.std(axis=1, ddof=0), colours[loss]
            band = mean - spread, mean + spread
            panel.fill_between(table.index, *band, color=colour, alpha=0.15, linewidth=0)
            label = short_name(loss)
            panel.plot(table.index, mean, color=colour, label=label, marker="o", markersize=2)
        if measured:
            panel.axhline(0, color=GREY, linewidth=0.5)
            panel.legend(loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0, ncols=2)
        else:
            panel.set(xticks=[], yticks=[])
            text = f"Not measured: the val crops are smaller than {16 * scale} pixels."
            panel.text(0.5, 0.5, text, color=GREY, ha="center", transform=panel.transAxes)
    return canvas
