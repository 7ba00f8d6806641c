"""Labels beside the points of a chart: they cover no point, line, legend or other label."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.transforms import Bbox

from srcnn.figures.style import GREY, SMALL_SIZE
from srcnn.figures.text import PIXELS_PER_POINT, text_width

_GAP = 10  # pixels between point and label
_TEXT = SMALL_SIZE * PIXELS_PER_POINT * 1.2  # height of a label
_MARKER = 4.8  # pixels that a marker occupies per point of its size, with a little room
_LINE = 8  # pixels that a line keeps free around each of the places below
_PLACES = 100  # on each segment of a line
_ARROW, _BETTER, _INSET = 60, "better", 30


def label_points(panel: Axes, labels: Sequence[tuple[float, float, str]]) -> None:
    """Label points, and draw an arrow to lower x and lower y ("better") in a free corner.

    Args:
        panel: with everything drawn that the labels must not cover, and final axis limits.
        labels: x, y and text of each point. The first labels get the best positions.
    """
    occupied = list(_occupied(panel))
    occupied.append(_draw_arrow(panel, occupied))
    for x, y, text in labels:
        across, up = panel.transData.transform((x, y))
        box = _first_free(_beside(across, up, text_width(text, SMALL_SIZE)), occupied, panel)
        occupied.append(box)
        at = _fractions(panel, box.x0, box.y0 + _TEXT / 4)
        panel.text(*at, text, size=SMALL_SIZE, transform=panel.transAxes)


def _occupied(panel: Axes) -> Iterator[Bbox]:
    """The markers, lines and legend of a panel, in pixels of the figure."""
    for line in panel.lines:
        path = line.get_path().transformed(line.get_transform())
        for x, y in np.asarray(path.vertices):
            yield _square(x, y, line.get_markersize() * _MARKER)
        if line.get_linestyle() != "None":
            for x, y in np.asarray(path.interpolated(_PLACES).vertices):
                yield _square(x, y, _LINE)
    if legend := panel.get_legend():
        yield legend.get_window_extent()


def _square(x: float, y: float, side: float) -> Bbox:
    return Bbox.from_bounds(x - side / 2, y - side / 2, side, side)


def _first_free(boxes: Iterable[Bbox], occupied: Sequence[Bbox], panel: Axes) -> Bbox:
    """The first box inside the panel that overlaps nothing; if there is none, the first box."""
    boxes = list(boxes)
    for box in boxes:
        is_inside = np.array_equal(Bbox.union([box, panel.bbox]).extents, panel.bbox.extents)
        if is_inside and not box.count_overlaps(occupied):
            return box
    return boxes[0]


def _beside(x: float, y: float, width: float) -> Iterator[Bbox]:
    """Positions of a label: right of the point, left, above and below, then further up and down."""
    far = 5 * _MARKER / 2  # half a marker of the size that the charts use
    right, left, level = x + far + _GAP, x - far - _GAP - width, y - _TEXT / 2
    corners = [(right, level), (left, level), (x - width / 2, y + far)]
    corners.append((x - width / 2, y - far - _TEXT))
    for lines in (1, -1, 2, -2, 3, -3):
        corners += [(right, level + lines * _TEXT), (left, level + lines * _TEXT)]
    for corner in corners:
        yield Bbox.from_bounds(*corner, width, _TEXT)


def _draw_arrow(panel: Axes, occupied: Sequence[Bbox]) -> Bbox:
    """Draw the arrow in the first free corner, and return the space that it occupies."""
    width, height = _ARROW + text_width(_BETTER, SMALL_SIZE), _ARROW + _TEXT
    left, right = panel.bbox.x0 + _INSET, panel.bbox.x1 - _INSET - width
    bottom, top = panel.bbox.y0 + _INSET, panel.bbox.y1 - _INSET - height
    corners = [(left, top), (right, bottom), (right, top), (left, bottom)]
    boxes = [Bbox.from_bounds(*corner, width, height) for corner in corners]
    box = _first_free(boxes, occupied, panel)
    panel.annotate(
        _BETTER,
        _fractions(panel, box.x0, box.y0),
        _fractions(panel, box.x0 + _ARROW, box.y0 + _ARROW),
        xycoords="axes fraction",
        color=GREY,
        size=SMALL_SIZE,
        arrowprops={"arrowstyle": "->", "color": GREY, "linewidth": 0.8, "shrinkA": 0},
    )
    return box


def _fractions(panel: Axes, x: float, y: float) -> tuple[float, float]:
    """A position in pixels of the figure as fractions of the panel."""
    return (x - panel.bbox.x0) / panel.bbox.width, (y - panel.bbox.y0) / panel.bbox.height
