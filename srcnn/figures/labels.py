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
    """Label points, given as x, y and text; the first ones get the best positions.

    Also draws an arrow to lower x and lower y ("better") in a free corner. Everything that the
    labels must not cover must be drawn before, and the axis limits must be final.
    """
    occupied = list(_occupied(panel))
    occupied.append(_draw_arrow(panel, occupied))
    for x, y, text in labels:
        across, up = panel.transData.transform((x, y))
        box = _first_free(_beside(across, up, text_width(text, SMALL_SIZE)), occupied, panel)
        occupied.append(box)
        left, bottom = panel.transAxes.inverted().transform((box.x0, box.y0 + _TEXT / 4))
        panel.text(left, bottom, text, size=SMALL_SIZE, transform=panel.transAxes)


def _occupied(panel: Axes) -> Iterator[Bbox]:
    """The markers, lines and legend of a panel, in pixels of the figure."""
    for line in panel.lines:
        path = line.get_path().transformed(line.get_transform())
        drawn = [(path, line.get_markersize() * _MARKER)]
        if line.get_linestyle() != "None":
            drawn.append((path.interpolated(_PLACES), _LINE))
        for points, side in drawn:
            for x, y in np.asarray(points.vertices):
                yield Bbox.from_bounds(x - side / 2, y - side / 2, side, side)
    if legend := panel.get_legend():
        yield legend.get_window_extent()


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
    space = Bbox.from_bounds(0, 0, _ARROW + text_width(_BETTER, SMALL_SIZE), _ARROW + _TEXT)
    inside = panel.bbox.padded(-_INSET)
    corners = (space.anchored(corner, inside) for corner in ("NW", "SE", "NE", "SW"))
    box = _first_free(corners, occupied, panel)
    arrow = {"arrowstyle": "->", "color": GREY, "linewidth": 0.8, "shrinkA": 0}
    head, tail = panel.transAxes.inverted().transform([box.p0, box.p0 + _ARROW])
    panel.annotate(
        _BETTER, head, tail, xycoords="axes fraction", color=GREY, size=SMALL_SIZE, arrowprops=arrow
    )
    return box
