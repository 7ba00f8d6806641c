"""What a swept setting gains and costs: a table, and curves between perception and distortion."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, StrMethodFormatter

from srcnn.figures.canvas import Canvas
from srcnn.figures.charts import axis_label, axis_limits, make_panels, readable_unit
from srcnn.figures.labels import label_points
from srcnn.figures.style import BLACK, figure_style, method_colours, method_name

METRICS = ("mse", "psnr_rgb", "psnr_y", "ssim_y", "lpips")
METHODS = ("bicubic", "mse", "perceptual")
"""Two to compare with, and the one that is swept."""

PAPER = {"loss.lambda1": 0.1, "loss.lambda2": 0.9}
"""The paper's weights."""

Row = Mapping[str, Any]
"""Of one experiment, scale and method: these three, PAPER's and the swept settings, METRICS."""

_SHORT = {"loss.lambda1": "λ1", "loss.lambda2": "λ2"}
_COLUMNS = {"mse": ("MSE", ".5f"), "psnr_rgb": ("PSNR RGB", ".2f"), "lpips": ("LPIPS", ".4f")}
_WIDTH = 14  # characters of a column
_HEIGHT, _BESIDE = 640, 180
_MARKERS = "os^DvPX"
_FAR = 20  # MSEs that are this many times apart are on a logarithmic axis


class Point(NamedTuple):
    """What a model scores: mean MSE, mean LPIPS, the setting's values, whether the paper's."""

    x: float
    y: float
    values: tuple[Any, ...]
    of_paper: bool


class Curve(NamedTuple):
    """A method's points in the order of the setting's values, at given values of the others."""

    method: str
    others: str
    points: tuple[Point, ...]


def sweep_table(rows: Sequence[Row]) -> str:
    """Lines of text: what each experiment's perceptual model scores, below what it compares with.

    A method to compare with that depends on what is swept has a line for each experiment too.
    """
    scales = sorted({row["scale"] for row in rows})
    lines: dict[tuple[str, str], dict[int, str]] = {}
    for row in sorted(rows, key=lambda row: METHODS.index(row["method"])):
        cells = (format(row[key], form).rjust(_WIDTH) for key, (_, form) in _COLUMNS.items())
        lines.setdefault((row["method"], row["experiment"]), {})[row["scale"]] = "".join(cells)
    missing = "–".rjust(_WIDTH) * len(_COLUMNS)
    found: dict[tuple[str, str], str] = {}
    for (method, name), by_scale in lines.items():
        scores = "".join(by_scale.get(scale, missing) for scale in scales)
        found.setdefault((name if method == "perceptual" else method, scores), name)
    several = [first for first, _ in found]
    labels = [
        first
        if first == name
        else method_name(first)
        if several.count(first) == 1
        else f"{method_name(first)} of {name}"
        for (first, _), name in found.items()
    ]
    heads = "".join(f"×{s} {head}".rjust(_WIDTH) for s in scales for head, _ in _COLUMNS.values())
    width = max(map(len, labels))
    text = [f"{label:{width}}{scores}" for label, (_, scores) in zip(labels, found, strict=True)]
    return "\n".join([" " * width + heads, *text])


def curves(rows: Sequence[Row], settings: Sequence[str]) -> list[Curve]:
    """The curves of one scale; of a method to compare with, the same one is there once.

    Args:
        rows: of one scale.
        settings: those that are swept, the first of them along the curves.
    """
    along, *others = settings
    groups: dict[tuple[str, str], dict[tuple[float, float], list[Row]]] = {}
    for row in sorted(rows, key=lambda row: METHODS.index(row["method"])):
        key = ", ".join(f"{_short(setting)} = {row[setting]}" for setting in others)
        at = groups.setdefault((row["method"], key), {})
        at.setdefault((row["mse"], row["lpips"]), []).append(row)
    found: dict[Any, Curve] = {}
    for (method, key), at in groups.items():
        points = [
            Point(
                *place,
                tuple(dict.fromkeys(row[along] for row in here)),
                method == "perceptual"
                and any(all(row[name] == PAPER[name] for name in PAPER) for row in here),
            )
            for place, here in at.items()
        ]
        if _are_numbers(points):
            points.sort(key=lambda point: min(point.values))
        same = (method, key if method == "perceptual" else tuple(at))
        found.setdefault(same, Curve(method, key, tuple(points)))
    return list(found.values())


def _are_numbers(points: Sequence[Point]) -> bool:
    return all(type(value) in (int, float) for point in points for value in point.values)


def _short(setting: str) -> str:
    return _SHORT.get(setting, setting)


@figure_style()
def draw_sweep(rows: Sequence[Row], settings: Sequence[str]) -> Canvas:
    """A panel per scale: mean MSE and mean LPIPS over the val images, a line along a setting.

    Args:
        rows: of all scales.
        settings: those that are swept, the first of them along the lines; there is a line for
            each combination of the others.
    """
    scales = sorted({row["scale"] for row in rows})
    page, charts = make_panels(len(scales), 2, _HEIGHT, _BESIDE)
    for panel, scale in zip(charts, scales, strict=True):
        panel.set_title(f"×{scale}: {method_name('perceptual')}, by {_short(settings[0])}")
        _draw(panel, curves([row for row in rows if row["scale"] == scale], settings))
    return page


def _draw(panel: Axes, lines: Sequence[Curve]) -> None:
    """Draw the curves of one scale."""
    unit, name = readable_unit(point.x for curve in lines for point in curve.points)
    _set_axes(panel, [point for curve in lines for point in curve.points], unit, name)
    for method, colour in method_colours(METHODS).items():
        of_method = [curve for curve in lines if curve.method == method]
        for number, curve in enumerate(of_method):
            (line,) = panel.plot(
                [point.x / unit for point in curve.points],
                [point.y for point in curve.points],
                marker=_MARKERS[number % len(_MARKERS)],
                linestyle="-" if _are_numbers(curve.points) else "none",
                markersize=5,
                color=_shade(colour, number, len(of_method)),
            )
            if method == "perceptual" and curve.others:
                line.set_label(curve.others)
    for point in {point for curve in lines for point in curve.points if point.of_paper}:
        (ring,) = panel.plot(point.x / unit, point.y, "o", markersize=8)
        ring.set(markerfacecolor="none", markeredgecolor=BLACK)
    _label(panel, lines, unit)


def _set_axes(panel: Axes, points: Sequence[Point], unit: float, unit_name: str) -> None:
    """Name the axes and give the points room, also where one lies far from the others."""
    panel.set_xlabel(axis_label("MSE, RGB in [0, 1]", unit_name))
    panel.set_ylabel("LPIPS")
    panel.set_ylim(axis_limits([point.y for point in points], 0.15))
    panel.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    errors = [point.x / unit for point in points]
    if 0 < min(errors) * _FAR < max(errors):
        few = max(errors) > min(errors) * _FAR**2
        panel.set_xscale("log")
        low, high = axis_limits([math.log10(error) for error in errors], 0.2)
        panel.set_xlim(10**low, 10**high)
        panel.xaxis.set_major_locator(LogLocator(subs=(1,) if few else (1, 2, 5)))
        panel.xaxis.set_minor_locator(NullLocator())
        panel.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    else:
        panel.set_xlim(axis_limits(errors, 0.2))
        panel.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    panel.grid()


def _shade(colour: str, number: int, count: int) -> str:
    """One of `count` shades, from a lighter one to a darker; the colour itself if it is alone."""
    if count == 1:
        return colour
    share = number / (count - 1)
    light, dark = 0.5 * np.array(to_rgb(colour)) + 0.5, 0.6 * np.array(to_rgb(colour))
    red, green, blue = (1 - share) * light + share * dark
    return to_hex((red, green, blue))


def _label(panel: Axes, lines: Sequence[Curve], unit: float) -> None:
    """Add the legend, and label each point with its setting's values or its method's name."""
    if any(curve.others for curve in lines):
        panel.legend(loc="best")
    labels: dict[tuple[float, float], str] = {}
    for curve in lines:
        for point in curve.points:
            text = ", ".join(map(str, point.values)) + (" (paper)" if point.of_paper else "")
            if curve.method != "perceptual" and len(curve.points) == 1:
                text = method_name(curve.method)
            if text not in labels.values() or curve.method == "perceptual":
                labels[point.x / unit, point.y] = text
    label_points(panel, [(*place, text) for place, text in labels.items()])
