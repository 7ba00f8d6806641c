"""Labels beside the points of a chart: they cover no point, line, legend or other label."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from srcnn.figures.style import GREY, SMALL_SIZE
from srcnn.figures.text import PIXELS_PER_POINT, text_width

_GAP = 10  # pixels between point and label
_TEXT = SMALL_SIZE * PIXELS_PER_POINT * 1.2  # height of a label
_MARKER = 4.8  # pixels that a marker occupies per point of its size, with a little room
_LINE = 8  # pixels that a line keeps free around each of the places below
_PLACES = 100  # on each segment of a line
_ARROW, _BETTER, _MARGIN = 60, "better", 30


class Box(NamedTuple):
    """A rectangle in pixels from the lower left corner of a panel."""

    left: float
    bottom: float
    width: float
    height: float

    def overlaps(self, other: "Box") -> bool:
        """Whether the two share a pixel."""
        return (
            self.left < other.left + other.width
            and other.left < self.left + self.width
            and self.bottom < other.bottom + other.height
            and other.bottom < self.bottom + self.height
        )

    def is_inside(self, width: float, height: float) -> bool:
        """Whether a panel of this size contains the box."""
        right, top = self.left + self.width, self.bottom + self.height
        return self.left >= 0 and self.bottom >= 0 and right <= width and top <= height


def label_points(panel: Axes, labels: Sequence[tuple[float, float, str]]) -> None:
    """Label points, and draw an arrow to lower x and lower y ("better") in a free corner.

    Args:
        panel: with everything drawn that the labels must not cover, and final axis limits.
        labels: x, y and text of each point. The first labels get the best positions.
    """
    area = panel.bbox.width, panel.bbox.height
    occupied = list(_occupied(panel))
    occupied.append(_draw_arrow(panel, area, occupied))
    for x, y, text in labels:
        right, up = panel.transData.transform((x, y))
        places = _beside(right - panel.bbox.x0, up - panel.bbox.y0, text_width(text, SMALL_SIZE))
        box = first_free(places, occupied, area)
        occupied.append(box)
        at = box.left / area[0], (box.bottom + _TEXT / 4) / area[1]
        panel.text(*at, text, size=SMALL_SIZE, transform=panel.transAxes)


def first_free(boxes: Iterable[Box], occupied: Sequence[Box], area: tuple[float, float]) -> Box:
    """The first box inside the panel that overlaps nothing; if there is none, the first box."""
    boxes = list(boxes)
    for box in boxes:
        if box.is_inside(*area) and not any(box.overlaps(other) for other in occupied):
            return box
    return boxes[0]


def _occupied(panel: Axes) -> Iterator[Box]:
    """The markers, lines and legend of a panel."""
    corner = np.array([panel.bbox.x0, panel.bbox.y0])
    for line in panel.lines:
        path = line.get_path().transformed(line.get_transform())
        for x, y in np.asarray(path.vertices) - corner:
            yield _square(x, y, line.get_markersize() * _MARKER)
        if line.get_linestyle() != "None":
            for x, y in np.asarray(path.interpolated(_PLACES).vertices) - corner:
                yield _square(x, y, _LINE)
    if legend := panel.get_legend():
        frame = legend.get_window_extent()
        yield Box(frame.x0 - corner[0], frame.y0 - corner[1], frame.width, frame.height)


def _square(x: float, y: float, side: float) -> Box:
    return Box(x - side / 2, y - side / 2, side, side)


def _beside(x: float, y: float, width: float) -> Iterator[Box]:
    """Positions of a label: right of the point, left, above and below, then further up and down."""
    far = 5 * _MARKER / 2  # half a marker of the size that the charts use
    right, left, level = x + far + _GAP, x - far - _GAP - width, y - _TEXT / 2
    yield Box(right, level, width, _TEXT)
    yield Box(left, level, width, _TEXT)
    yield Box(x - width / 2, y + far, width, _TEXT)
    yield Box(x - width / 2, y - far - _TEXT, width, _TEXT)
    for lines in (1, -1, 2, -2, 3, -3):
        yield Box(right, level + lines * _TEXT, width, _TEXT)
        yield Box(left, level + lines * _TEXT, width, _TEXT)


def _draw_arrow(panel: Axes, area: tuple[float, float], occupied: Sequence[Box]) -> Box:
    """Draw the arrow in the first free corner, and return the space that it occupies."""
    width, height = _ARROW + text_width(_BETTER, SMALL_SIZE), _ARROW + _TEXT
    left, bottom = _MARGIN, _MARGIN
    right, top = area[0] - width - _MARGIN, area[1] - height - _MARGIN
    corners = [(left, top), (right, bottom), (right, top), (left, bottom)]
    box = first_free([Box(*corner, width, height) for corner in corners], occupied, area)
    panel.annotate(
        _BETTER,
        (box.left / area[0], box.bottom / area[1]),
        ((box.left + _ARROW) / area[0], (box.bottom + _ARROW) / area[1]),
        xycoords="axes fraction",
        color=GREY,
        size=SMALL_SIZE,
        arrowprops={"arrowstyle": "->", "color": GREY, "linewidth": 0.8, "shrinkA": 0},
    )
    return box
