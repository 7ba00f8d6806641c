"""The look that all figures share: sizes, fonts, colours, and how each method is called."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from matplotlib import style

DPI = 300
WIDTH, MARGIN = 2076, 24
"""Pixels across every figure and around it: 180 mm in print, two columns of a page."""

FONT = "DejaVu Sans"
TITLE, TEXT, SMALL = 8.5, 7.0, 6.5
"""Sizes of type in points."""

INK, GREY, FAINT = "#000000", "#4d4d4d", "#e0e0e0"
MARK = "#f0e442"
"""Of frames around windows; no method has it."""

NAMES = {
    "hr": "Ground truth",
    "nearest": "Nearest",
    "bilinear": "Bilinear",
    "bicubic": "Bicubic",
    "lanczos": "Lanczos",
    "mse": "SRCNN, MSE loss",
    "perceptual": "SRCNN, perceptual loss",
}

# Okabe and Ito's, which the colour-blind tell apart too; of variants four of Tol's muted ones.
_COLOURS = {
    "nearest": "#e69f00",
    "bilinear": "#cc79a7",
    "bicubic": "#009e73",
    "lanczos": "#56b4e9",
    "mse": "#0072b2",
    "perceptual": "#d55e00",
}
_OTHERS = "#332288", "#117733", "#882255", "#999933"

_LOOK: list[Any] = [
    "default",
    {
        "axes.axisbelow": True,
        "axes.edgecolor": GREY,
        "axes.labelsize": TEXT,
        "axes.linewidth": 0.5,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlelocation": "left",
        "axes.titlepad": 5,
        "axes.titlesize": TEXT,
        "axes.titleweight": "bold",
        "figure.dpi": DPI,
        "font.family": FONT,
        "font.size": TEXT,
        "grid.color": FAINT,
        "grid.linewidth": 0.5,
        "legend.fontsize": SMALL,
        "legend.frameon": False,
        "lines.linewidth": 1.0,
        "lines.markersize": 3.5,
        "pdf.fonttype": 42,
        "text.color": INK,
        "text.parse_math": False,  # a method's name is no formula
        "xtick.color": GREY,
        "xtick.labelsize": SMALL,
        "xtick.major.size": 2,
        "xtick.major.width": 0.5,
        "ytick.color": GREY,
        "ytick.labelsize": SMALL,
        "ytick.major.size": 2,
        "ytick.major.width": 0.5,
    },
]

look = partial(style.context, _LOOK)
"""`with look():` and `@look()` draw alike everywhere, whatever the user's own settings are."""


def name_of(method: str) -> str:
    """What figures call a method; one that is not known is a variant."""
    return NAMES.get(method, f"SRCNN, {method}")


def short_name(method: str) -> str:
    """A method's name where it goes without saying that it is SRCNN: `MSE loss`."""
    return name_of(method).removeprefix("SRCNN, ")


def equation_of(loss: str) -> str:
    """The paper's equation that a loss is."""
    return "Eq. 1" if loss == "mse" else "Eq. 3"


def colours_of(methods: Iterable[str]) -> dict[str, str]:
    """Colours by method, each the same in every figure; variants take theirs in turn."""
    methods = list(methods)
    variants = [method for method in methods if method not in NAMES]
    others = {name: _OTHERS[i % len(_OTHERS)] for i, name in enumerate(variants)}
    return {method: _COLOURS.get(method) or others[method] for method in methods}
