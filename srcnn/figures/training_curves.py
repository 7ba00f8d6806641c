"""The training curves: loss and validation PSNR by epoch, for every scale and loss."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from srcnn.figures.canvas import Canvas
from srcnn.figures.charts import axis_label, make_panels, readable_unit, set_up_panel
from srcnn.figures.style import GREY, figure_style, loss_equation, method_colours, short_name

_HEIGHT = 380


@figure_style()
def draw_curves(curves: Mapping[tuple[int, str], pd.DataFrame]) -> Canvas:
    """For each scale, the PSNR of all models, then each loss; `curves` by scale and loss."""
    scales = list(dict.fromkeys(scale for scale, _ in curves))
    colours = method_colours(dict.fromkeys(loss for _, loss in curves))
    canvas, panels = make_panels((1 + len(colours)) * len(scales), 3, _HEIGHT)
    remaining = iter(panels)
    for scale in scales:
        psnr = next(remaining)
        set_up_panel(psnr, f"×{scale}: PSNR on val crops (RGB, dB)")
        for loss, colour in colours.items():
            curve, panel, name = curves[scale, loss], next(remaining), short_name(loss)
            epochs, kept = curve["epoch"], [int(curve["val_loss"].argmin())]
            dot: dict[str, Any] = {"color": colour, "marker": "o", "markevery": kept}
            psnr.plot(epochs, curve["val_psnr_rgb"], label=name, **dot)
            losses = curve[["loss", "val_loss"]]
            unit, unit_name = readable_unit(losses.to_numpy().flat)
            title = f"×{scale}: {name}, {loss_equation(loss)}"
            set_up_panel(panel, axis_label(title, unit_name))
            panel.plot(epochs, losses["loss"] / unit, color=GREY, label="training")
            panel.plot(epochs, losses["val_loss"] / unit, label="val", **dot)
            panel.legend()
        psnr.legend()
    for panel in panels[-3:]:
        panel.set_xlabel("epoch (dot: the weights that are kept)")
    return canvas
