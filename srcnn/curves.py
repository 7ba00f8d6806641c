"""Training curves: loss and val PSNR by epoch, for every scale and loss."""

from collections.abc import Mapping
from pathlib import Path

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator

from srcnn.errors import InputError
from srcnn.files import read_csv
from srcnn.images import RGB8
from srcnn.page import DPI, GREY, STYLE, WIDTH, draw

Curve = dict[str, list[float]]

COLOURS = {"mse": "#0072b2", "perceptual": "#d55e00"}
NAMES = {"mse": "MSE loss", "perceptual": "perceptual loss"}
_ROW, _PAD = 210, 7 / DPI


def read_curve(path: Path) -> Curve:
    """Columns by name of what the stage train writes, a value per epoch.

    Raises:
        InputError: the file is missing.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file (the stage train makes it)")
    rows = read_csv(path)
    return {name: [float(row[name]) for row in rows] for name in rows[0]}


def draw_curves(curves: Mapping[tuple[int, str], Curve]) -> RGB8:
    """A row per scale: PSNR of both models, then the loss of each, in training and on val.

    Args:
        curves: by scale and loss.
    """
    scales = list(dict.fromkeys(scale for scale, _ in curves))
    size = WIDTH / DPI, _ROW * len(scales) / DPI
    with style.context([*STYLE, {"axes.spines.top": False, "axes.spines.right": False}]):
        layout = ConstrainedLayoutEngine(w_pad=_PAD, h_pad=_PAD)
        figure = Figure(figsize=size, dpi=DPI, layout=layout)
        panels = figure.subplots(len(scales), 3, squeeze=False)
        for scale, (psnr, *losses) in zip(scales, panels, strict=True):
            _start(psnr, f"×{scale}: PSNR on crops of val (RGB, dB)")
            for panel, (loss, name) in zip(losses, NAMES.items(), strict=True):
                curve = curves[scale, loss]
                best = curve["val_loss"].index(min(curve["val_loss"]))
                _line(psnr, curve, "val_psnr_rgb", COLOURS[loss], NAMES[loss], best)
                _start(panel, f"×{scale}: {name} (Eq. {1 if loss == 'mse' else 3})")
                _line(panel, curve, "loss", GREY, "training")
                _line(panel, curve, "val_loss", COLOURS[loss], "val", best)
                panel.legend(frameon=False)
            psnr.legend(frameon=False)
        for panel in panels[-1]:
            panel.set_xlabel("epoch (dot: the one that is kept)")
        return draw(figure)


def _start(panel: Axes, title: str) -> None:
    panel.set_title(title, loc="left", fontsize=12, fontweight="bold")
    panel.grid(axis="y", color="#e5e7eb")
    panel.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10], integer=True))
    panel.tick_params(color=GREY, labelcolor=GREY)


def _line(
    panel: Axes, curve: Curve, column: str, colour: str, label: str, kept: int | None = None
) -> None:
    panel.plot(curve["epoch"], curve[column], color=colour, label=label, linewidth=1.6)
    if kept is not None:
        panel.plot(curve["epoch"][kept], curve[column][kept], "o", color=colour, markersize=6)
