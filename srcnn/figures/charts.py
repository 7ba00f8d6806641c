"""What all charts share: panels in a grid, axes with few ticks, and numbers in readable units."""

import math
from collections.abc import Iterable, Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from srcnn.figures.canvas import Canvas
from srcnn.figures.style import FIGURE_WIDTH

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_ABOVE, _BELOW, _BESIDE, _BETWEEN = 50, 110, 140, 40  # around a panel: title, axes, next panel
_TICK_LABELS = 105  # between a panel and the label of its y axis


def make_panels(
    count: int, columns: int, height: int, beside: int = _BESIDE
) -> tuple[Canvas, list[Axes]]:
    """Make a canvas with rows of panels, `beside` pixels left of each for its y axis."""
    pitch, row = FIGURE_WIDTH // columns, _ABOVE + height + _BELOW
    canvas = Canvas(-(-count // columns) * row)
    corners = ((i % columns * pitch + beside, i // columns * row + _ABOVE) for i in range(count))
    width = pitch - beside - _BETWEEN
    panels = [canvas.add_axes(*corner, width, height) for corner in corners]
    for panel in panels:
        panel.yaxis.set_label_coords(-_TICK_LABELS / width, 0.5)
    return canvas, panels


def set_up_panel(panel: Axes, title: str) -> None:
    """Set the title, light grid lines, and integer ticks on x."""
    panel.set_title(title)
    panel.grid(axis="y")
    panel.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
    panel.yaxis.set_major_locator(MaxNLocator(5))


def readable_unit(values: Iterable[float]) -> tuple[float, str]:
    """The power of 1000 in which the largest value is easy to read, and its name ("" for 1)."""
    largest = max(values, default=0.0)
    if not largest or 0.01 <= largest < 1000:
        return 1.0, ""
    power = 3 * math.floor(math.log10(largest) / 3)
    return 10.0**power, f"10{str(power).translate(_SUPERSCRIPTS)}"


def decimals_for(value: float) -> int:
    """Decimals that show a number ≥ 0 with three significant digits."""
    return max(0, 2 - math.floor(math.log10(value))) if value else 0


def axis_label(name: str, *notes: str) -> str:
    """A name with its notes in brackets, such as its unit; empty ones are left out."""
    text = ", ".join(filter(None, notes))
    return f"{name} ({text})" if text else name


def axis_limits(values: Sequence[float], margin: float) -> tuple[float, float]:
    """The range of the values, extended on both sides by `margin`, a fraction of the range."""
    low, high = min(values), max(values)
    span = high - low or abs(high) or 1.0
    return low - margin * span, high + margin * span
