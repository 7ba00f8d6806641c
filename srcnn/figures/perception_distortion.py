"""The perception–distortion plane: how far each method is from the truth, and how far it looks."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from srcnn.analysis.results import Results
from srcnn.figures.canvas import Canvas
from srcnn.figures.charts import limits, named, panels, unit_of
from srcnn.figures.style import GREY, SMALL, colours_of, look, name_of
from srcnn.figures.text import POINT, width_of

_HEIGHT, _BESIDE = 640, 180
_DOT, _GAP, _TEXT = 24, 20, SMALL * POINT * 1.2
_ARROW, _BETTER, _MARGIN = 60, "better", 30


class Box(NamedTuple):
    """A rectangle in pixels of a panel, from its lower left."""

    left: float
    bottom: float
    width: float
    height: float

    def meets(self, other: "Box") -> bool:
        """Whether the two have a pixel in common."""
        return (
            self.left < other.left + other.width
            and other.left < self.left + self.width
            and self.bottom < other.bottom + other.height
            and other.bottom < self.bottom + self.height
        )

    def inside(self, width: float, height: float) -> bool:
        """Whether all of it is in the panel."""
        right, top = self.left + self.width, self.bottom + self.height
        return self.left >= 0 and self.bottom >= 0 and right <= width and top <= height


@look()
def draw_plane(scales: Sequence[Results]) -> Canvas:
    """A panel per scale: each method's mean MSE and mean LPIPS over the val images."""
    page, charts = panels(len(scales), 2, _HEIGHT, _BESIDE)
    for panel, results in zip(charts, scales, strict=True):
        points, count = _means(results), len(results.names)
        unit, unit_name = unit_of(x for x, _ in points.values())
        points = {method: (x / unit, y) for method, (x, y) in points.items()}
        panel.set_title(f"×{results.scale}, mean of {count} val image{'s' if count > 1 else ''}")
        panel.set_xlabel(named("MSE, RGB in [0, 1]", unit_name))
        panel.set_ylabel("LPIPS")
        panel.set_xlim(limits([x for x, _ in points.values()], 0.2))
        panel.set_ylim(limits([y for _, y in points.values()], 0.15))
        panel.grid()
        panel.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        panel.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        _mark(panel, points)
    return page


def _means(results: Results) -> dict[str, tuple[float, float]]:
    """Mean MSE and mean LPIPS by method."""
    rows: dict[str, list[tuple[float, float]]] = {}
    for (_, method), row in results.scores.items():
        rows.setdefault(method, []).append((row["mse"], row["lpips"]))
    return {
        method: (sum(x for x, _ in values) / len(values), sum(y for _, y in values) / len(values))
        for method, values in rows.items()
    }


def _mark(panel: Axes, points: dict[str, tuple[float, float]]) -> None:
    """Draw the points, and where they cover nothing, their names and an arrow to what is better."""
    corner, area = panel.bbox.min, (panel.bbox.width, panel.bbox.height)
    dots, colours = {}, colours_of(points)
    for name, point in points.items():
        panel.plot(*point, "o", color=colours[name], markersize=5)
        x, y = panel.transData.transform(point) - corner
        dots[name] = Box(x - _DOT / 2, y - _DOT / 2, _DOT, _DOT)
    taken = list(dots.values())
    taken.append(point_to_better(panel, area, taken))
    for name, dot in dots.items():
        box = first_free(beside(dot, width_of(name_of(name), SMALL)), taken, area)
        taken.append(box)
        at = box.left / area[0], (box.bottom + _TEXT / 4) / area[1]
        panel.text(*at, name_of(name), size=SMALL, transform=panel.transAxes)


def point_to_better(panel: Axes, area: tuple[float, float], taken: Sequence[Box]) -> Box:
    """Draw the arrow in the first corner that is free; the room it takes."""
    width, height = _ARROW + width_of(_BETTER, SMALL), _ARROW + _TEXT
    left, bottom = _MARGIN, _MARGIN
    right, top = area[0] - width - _MARGIN, area[1] - height - _MARGIN
    corners = [(left, top), (right, bottom), (right, top), (left, bottom)]
    box = first_free([Box(*corner, width, height) for corner in corners], taken, area)
    panel.annotate(
        _BETTER,
        (box.left / area[0], box.bottom / area[1]),
        ((box.left + _ARROW) / area[0], (box.bottom + _ARROW) / area[1]),
        xycoords="axes fraction",
        color=GREY,
        size=SMALL,
        arrowprops={"arrowstyle": "->", "color": GREY, "linewidth": 0.8, "shrinkA": 0},
    )
    return box


def beside(dot: Box, width: float) -> Iterable[Box]:
    """Places for a dot's name: right, left, above and below, then further up and down."""
    right, left = dot.left + dot.width + _GAP / 2, dot.left - _GAP / 2 - width
    level = dot.bottom + (dot.height - _TEXT) / 2
    yield Box(right, level, width, _TEXT)
    yield Box(left, level, width, _TEXT)
    middle = dot.left + (dot.width - width) / 2
    yield Box(middle, dot.bottom + dot.height, width, _TEXT)
    yield Box(middle, dot.bottom - _TEXT, width, _TEXT)
    for lines in (1, -1, 2, -2, 3, -3):
        yield Box(right, level + lines * _TEXT, width, _TEXT)
        yield Box(left, level + lines * _TEXT, width, _TEXT)


def first_free(boxes: Iterable[Box], taken: Sequence[Box], area: tuple[float, float]) -> Box:
    """The first in the panel that meets nothing; the first of all where there is none."""
    boxes = list(boxes)
    for box in boxes:
        if box.inside(*area) and not any(box.meets(other) for other in taken):
            return box
    return boxes[0]
