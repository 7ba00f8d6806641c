"""Charts by epoch, for every scale and loss: loss and validation PSNR, and grid artefacts."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from srcnn.analysis.claims import VISIBLE_GRID
from srcnn.analysis.results import kept_epoch
from srcnn.figures.canvas import Canvas
from srcnn.figures.charts import axis_label, make_panels, readable_unit, set_up_panel
from srcnn.figures.style import (
    GREY,
    SMALL_SIZE,
    figure_style,
    loss_equation,
    method_colours,
    short_name,
)


@figure_style()
def draw_curves(curves: Mapping[tuple[int, str], pd.DataFrame]) -> Canvas:
    """For each scale, the PSNR of all models, then each loss; `curves` by scale and loss."""
    scales = list(dict.fromkeys(scale for scale, _ in curves))
    colours = method_colours(dict.fromkeys(loss for _, loss in curves))
    canvas, panels = make_panels(
        (1 + len(colours)) * len(scales), columns=3, height=380, beside=200
    )
    remaining = iter(panels)
    for scale in scales:
        psnr = next(remaining)
        set_up_panel(psnr, f"×{scale}: PSNR of val crops")
        psnr.set_ylabel("PSNR of RGB values\n(dB, higher is better)")
        for loss, colour in colours.items():
            curve, panel, name = curves[scale, loss], next(remaining), short_name(loss)
            epochs, kept = curve["epoch"], [kept_epoch(curve)]
            dot: dict[str, Any] = {"color": colour, "marker": "o", "markevery": kept}
            psnr.plot(epochs, curve["val_psnr_rgb"], label=name, **dot)
            losses = curve[["loss", "val_loss"]]
            unit, unit_name = readable_unit(losses.to_numpy().flat)
            set_up_panel(panel, f"×{scale}: {name}, {loss_equation(loss)}")
            measured = "mean squared error" if loss == "mse" else "pixel and VGG errors"
            panel.set_ylabel(axis_label(f"{measured}\n", unit_name, "lower is better"))
            panel.plot(epochs, losses["loss"] / unit, color=GREY, label="training")
            panel.plot(epochs, losses["val_loss"] / unit, label="val", **dot)
            panel.legend()
        low, high = psnr.get_ylim()
        psnr.set_ylim(low - 0.13 * len(colours) * (high - low), high)  # room for the legend
        psnr.legend(loc="lower right")
    for panel in panels[-3:]:
        panel.set_xlabel("epoch (dot: the weights that are kept)")
    return canvas


@figure_style()
def draw_grid_artefacts(peaks: Mapping[tuple[int, str], pd.DataFrame]) -> Canvas:
    """A panel per scale: mean and deviation of the strongest grid's level in dB, by epoch."""
    scales = list(dict.fromkeys(scale for scale, _ in peaks))
    colours = method_colours(dict.fromkeys(loss for _, loss in peaks))
    canvas, panels = make_panels(len(scales), columns=2, height=480, beside=200)
    for panel, scale in zip(panels, scales, strict=True):
        set_up_panel(panel, f"×{scale}")
        panel.set_xlabel("epoch (band: ± 1 standard deviation over the val images)")
        panel.set_ylabel("strongest grid in what SRCNN adds\n(dB, lower is better)")
        measured = {loss: peaks[scale, loss] for loss in colours if not peaks[scale, loss].empty}
        for loss, table in measured.items():
            mean, spread, colour = table.mean(axis=1), table.std(axis=1, ddof=0), colours[loss]
            band = mean - spread, mean + spread
            panel.fill_between(table.index, *band, color=colour, alpha=0.15, linewidth=0)
            label = short_name(loss)
            panel.plot(table.index, mean, color=colour, label=label, marker="o", markersize=2)
        if measured:
            panel.axhline(VISIBLE_GRID, color=GREY, linewidth=0.5, linestyle="--")
            panel.annotate(
                f"visible above {VISIBLE_GRID:g} dB",
                (0, VISIBLE_GRID),
                (2, -2),
                panel.get_yaxis_transform(),
                "offset points",
                color=GREY,
                size=SMALL_SIZE,
                va="top",
            )
            panel.legend(loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0, ncols=2)
        else:
            panel.set(xticks=[], yticks=[])
            text = "Not measured: the val images are too small."
            panel.text(0.5, 0.5, text, color=GREY, ha="center", transform=panel.transAxes)
    return canvas
