"""The style of all figures: sizes, fonts, colours, and the names of the methods."""

from collections.abc import Iterable
from functools import partial
from itertools import cycle
from typing import Any

from matplotlib import style

DPI = 300
FIGURE_WIDTH, FIGURE_MARGIN = 2076, 24  # pixels: together 180 mm in print, two columns of a page
FONT = "DejaVu Sans"
TITLE_SIZE, TEXT_SIZE, SMALL_SIZE = 8.5, 7.0, 6.5  # points
BLACK, GREY, LIGHT_GREY = "#000000", "#4d4d4d", "#e0e0e0"
FRAME_COLOUR = "#f0e442"  # of frames around windows; no method has this colour

# The colours are from the palette of Okabe and Ito, which colour-blind readers can tell apart.
_METHODS = {
    "hr": ("Ground truth", BLACK),
    "nearest": ("Nearest", "#e69f00"),
    "bilinear": ("Bilinear", "#cc79a7"),
    "bicubic": ("Bicubic", "#009e73"),
    "lanczos": ("Lanczos", "#56b4e9"),
    "mse": ("SRCNN, MSE loss", "#0072b2"),
    "perceptual": ("SRCNN, perceptual loss", "#d55e00"),
    # The networks that the paper's first author published; these colours are of Tol's palette.
    "authors_mse": ("Authors, MSE loss", "#44aa99"),
    "authors_perceptual": ("Authors, perceptual loss", "#cc6677"),
    "authors_mse_permute": ("Authors, MSE loss, permute", "#aa4499"),
    "authors_perceptual_permute": ("Authors, perceptual loss, permute", "#ddcc77"),
}
METHOD_NAMES = {method: name for method, (name, _) in _METHODS.items()}
_VARIANT_COLOURS = "#332288", "#117733", "#882255", "#999933"  # from the muted palette of Tol

_TICKS = {"color": GREY, "labelsize": SMALL_SIZE, "major.size": 2, "major.width": 0.5}
_STYLE: list[Any] = [
    "default",
    {
        "axes.axisbelow": True,
        "axes.edgecolor": GREY,
        "axes.linewidth": 0.5,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlelocation": "left",
        "axes.titlepad": 5,
        "axes.titlesize": TEXT_SIZE,
        "axes.titleweight": "bold",
        "figure.dpi": DPI,
        "font.family": FONT,
        "font.size": TEXT_SIZE,
        "grid.color": LIGHT_GREY,
        "grid.linewidth": 0.5,
        "legend.fontsize": SMALL_SIZE,
        "legend.frameon": False,
        "lines.linewidth": 1.0,
        "lines.markersize": 3.5,
        "pdf.fonttype": 42,
        "text.parse_math": False,  # a method's name is not a formula
        **{f"{axis}tick.{name}": value for axis in "xy" for name, value in _TICKS.items()},
    },
]

figure_style = partial(style.context, _STYLE)
"""`with figure_style():` and `@figure_style()` replace the user's own Matplotlib settings."""


def method_name(method: str) -> str:
    """The name of a method in figures; an unknown method is a variant."""
    return METHOD_NAMES.get(method, f"SRCNN, {method}")


def short_name(method: str) -> str:
    """The name of a method without "SRCNN": `MSE loss`."""
    return method_name(method).removeprefix("SRCNN, ")


def loss_equation(loss: str) -> str:
    """The number of the paper's equation for a loss."""
    return "Eq. 1" if loss == "mse" else "Eq. 3"


def method_colours(methods: Iterable[str]) -> dict[str, str]:
    """The colour of each method, the same in every figure; variants share four in turn."""
    variant_colours = cycle(_VARIANT_COLOURS)
    return {
        method: _METHODS[method][1] if method in _METHODS else next(variant_colours)
        for method in methods
    }
