"""Training curves: loss and val PSNR by epoch, for every scale and loss."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes

from srcnn.figures.canvas import Canvas
from srcnn.figures.charts import named, panels, start, unit_of
from srcnn.figures.style import GREY, colours_of, equation_of, look, short_name

_HEIGHT = 380


@look()
def draw_curves(curves: Mapping[tuple[int, str], pd.DataFrame]) -> Canvas:
    """For each scale the PSNR of all models, then the loss of each, in training and on val.

    Args:
        curves: by scale and loss.
    """
    scales = list(dict.fromkeys(scale for scale, _ in curves))
    colours = colours_of(dict.fromkeys(loss for _, loss in curves))
    count = 1 + len(colours)
    page, charts = panels(count * len(scales), 3, _HEIGHT)
    for row, scale in enumerate(scales):
        psnr, *losses = charts[count * row : count * (row + 1)]
        start(psnr, f"×{scale}: PSNR on crops of val (RGB, dB)")
        for panel, (loss, colour) in zip(losses, colours.items(), strict=True):
            curve, name = curves[scale, loss], short_name(loss)
            unit, unit_name = unit_of([*curve["loss"], *curve["val_loss"]])
            best = int(curve["val_loss"].argmin())
            _line(psnr, curve, "val_psnr_rgb", 1, colour, name, best)
            start(panel, named(f"×{scale}: {name}, {equation_of(loss)}", unit_name))
            _line(panel, curve, "loss", unit, GREY, "training")
            _line(panel, curve, "val_loss", unit, colour, "val", best)
            panel.legend()
        psnr.legend()
    for panel in charts[-3:]:
        panel.set_xlabel("epoch (dot: the one that is kept)")
    return page


def _line(
    panel: Axes,
    curve: pd.DataFrame,
    column: str,
    unit: float,
    colour: str,
    label: str,
    kept: int | None = None,
) -> None:
    values = curve[column] / unit
    panel.plot(curve["epoch"], values, color=colour, label=label)
    if kept is not None:
        panel.plot(curve["epoch"][kept], values[kept], "o", color=colour)
