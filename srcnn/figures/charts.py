"""What the charts share: panels in columns, axes with few marks, numbers in a readable unit."""

import math
from collections.abc import Iterable, Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from srcnn.figures.canvas import Canvas
from srcnn.figures.style import WIDTH

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_ABOVE, _BELOW, _BESIDE = 50, 110, 140
"""Pixels around a panel: for its title, for the marks and the name of x, for the marks of y."""


def panels(
    count: int, columns: int, height: int, beside: int = _BESIDE
) -> tuple[Canvas, list[Axes]]:
    """A page with panels of equal size, row by row.

    Args:
        count: of the panels.
        columns: how many side by side.
        height: of a panel's axes, in pixels.
        beside: pixels left of a panel, for the marks and the name of its y.
    """
    pitch, row = WIDTH // columns, _ABOVE + height + _BELOW
    page = Canvas(-(-count // columns) * row)
    places = ((i % columns * pitch + beside, i // columns * row + _ABOVE) for i in range(count))
    return page, [page.chart(*place, pitch - beside - 40, height) for place in places]


def start(panel: Axes, title: str) -> None:
    """Title, a light grid, and whole numbers on x."""
    panel.set_title(title)
    panel.grid(axis="y")
    panel.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
    panel.yaxis.set_major_locator(MaxNLocator(5))


def unit_of(values: Iterable[float]) -> tuple[float, str]:
    """A power of a thousand in which the largest value reads well, and its name, none for 1."""
    largest = max(values, default=0.0)
    if not largest or 0.01 <= largest < 1000:
        return 1.0, ""
    power = 3 * math.floor(math.log10(largest) / 3)
    return 10.0**power, f"10{str(power).translate(_SUPERSCRIPTS)}"


def decimals_of(value: float) -> int:
    """Decimals that give a number of at least 0 three significant digits."""
    return max(0, 2 - math.floor(math.log10(value))) if value else 0


def named(name: str, unit: str) -> str:
    """The name of an axis, with its unit where there is one."""
    return f"{name} ({unit})" if unit else name


def limits(values: Sequence[float], room: float) -> tuple[float, float]:
    """Ends of an axis: the values' range, and on both sides `room` as a share of it."""
    low, high = min(values), max(values)
    span = high - low or abs(high) or 1.0
    return low - room * span, high + room * span
