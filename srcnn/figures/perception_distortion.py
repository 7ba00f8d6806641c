"""The perception–distortion plane: MSE, the distance to the truth, against LPIPS."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, StrMethodFormatter
from matplotlib.transforms import Bbox

from srcnn.analysis.results import Results
from srcnn.figures.canvas import Canvas
from srcnn.figures.charts import axis_label, axis_limits, make_panels, readable_unit
from srcnn.figures.style import GREY, SMALL_SIZE, figure_style, method_colours, method_name
from srcnn.figures.text import PIXELS_PER_POINT, text_width

HEIGHT, BESIDE = 640, 180  # pixels: a panel's height, and the space left of it for its y axis
_FAR = 20  # the MSE axis is logarithmic if max / min exceeds this

# Labels beside points; lengths in pixels.
_GAP = 10  # between point and label
_TEXT = SMALL_SIZE * PIXELS_PER_POINT * 1.2  # height of a label
_TOUCHING = 4  # the first positions of a label, which touch its point
_MARKER = 4.8  # that a marker occupies per point of its size, with a little room
_LINE, _PLACES = 8, 100  # that a line keeps free around each of its places, per segment
_ARROW, _BETTER, _INSET = 60, "better", 30


@figure_style()
def draw_plane(scales: Sequence[Results]) -> Canvas:
    """A panel per scale: each method's mean MSE and mean LPIPS over the val images."""
    canvas, panels = make_panels(len(scales), 2, HEIGHT, BESIDE)
    for panel, results in zip(panels, scales, strict=True):
        means, count = results.means(), len(results.names)
        unit = set_axes(panel, list(means["mse"]), list(means["lpips"]))
        panel.set_title(f"×{results.scale}, mean of {count} val image{'s' if count > 1 else ''}")
        labels = []
        for method, colour in method_colours(means.index).items():
            mse, lpips = means.loc[method, "mse"] / unit, means.loc[method, "lpips"]
            panel.plot(mse, lpips, "o", color=colour, markersize=5)
            labels.append((mse, lpips, method_name(method)))
        label_points(panel, labels)
    return canvas


def set_axes(panel: Axes, mse: Sequence[float], lpips: Sequence[float]) -> float:
    """Set up the axes for points; returns the unit by which the MSE of each must be divided."""
    unit, unit_name = readable_unit(mse)
    errors = [error / unit for error in mse]
    panel.set_xlabel(axis_label("mean squared error per RGB value", unit_name, "lower is better"))
    panel.set_ylabel("LPIPS (lower looks closer to the original)")
    panel.set(xlim=axis_limits(errors, 0.2), ylim=axis_limits(lpips, 0.15))
    panel.grid()
    for axis in (panel.xaxis, panel.yaxis):
        axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    if 0 < min(errors) * _FAR < max(errors):
        low, high = axis_limits([math.log10(error) for error in errors], 0.2)
        subs = (1,) if max(errors) > min(errors) * _FAR**2 else (1, 2, 5)
        panel.set(xscale="log", xlim=(10**low, 10**high))
        panel.xaxis.set_major_locator(LogLocator(subs=subs))
        panel.xaxis.set_minor_locator(NullLocator())
        panel.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    return unit


def label_points(panel: Axes, labels: Sequence[tuple[float, float, str]]) -> None:
    """Label points, given as x, y and text, without covering anything that is drawn already.

    The first points get the best positions. A thin line connects a point with a label that does not
    touch it. An arrow ("better") points to lower x and lower y.
    """
    occupied = list(_occupied(panel))
    occupied.append(_draw_arrow(panel, occupied))
    for x, y, text in labels:
        across, up = panel.transData.transform((x, y))
        boxes = _beside(across, up, text_width(text, SMALL_SIZE))
        box = _first_free(boxes, occupied, panel)
        occupied.append(box)
        if boxes.index(box) >= _TOUCHING:
            _connect(panel, (across, up), box)
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


def _first_free(boxes: Sequence[Bbox], occupied: Sequence[Bbox], panel: Axes) -> Bbox:
    """The first box inside the panel that overlaps nothing; if there is none, the first box."""
    for box in boxes:
        is_inside = np.array_equal(Bbox.union([box, panel.bbox]).extents, panel.bbox.extents)
        if is_inside and not box.count_overlaps(occupied):
            return box
    return boxes[0]


def _beside(x: float, y: float, width: float) -> list[Bbox]:
    """Positions of a label: right of the point, left, above and below, then further up and down."""
    far = 5 * _MARKER / 2  # half a marker of the size that the charts use
    right, left, level = x + far + _GAP, x - far - _GAP - width, y - _TEXT / 2
    above, below = (x - width / 2, y + far), (x - width / 2, y - far - _TEXT)
    corners = [(right, level), (left, level), above, below]
    for lines in (1, -1, 2, -2, 3, -3):
        corners += [(right, level + lines * _TEXT), (left, level + lines * _TEXT)]
    return [Bbox.from_bounds(*corner, width, _TEXT) for corner in corners]


def _connect(panel: Axes, point: tuple[float, float], box: Bbox) -> None:
    """Draw a line from a point to the nearest place of its label, both in pixels."""
    ends = np.array([point, np.clip(point, box.p0, box.p1)])
    across, up = panel.transAxes.inverted().transform(ends).T
    panel.plot(across, up, color=GREY, linewidth=0.8, zorder=3, transform=panel.transAxes)


def _draw_arrow(panel: Axes, occupied: Sequence[Bbox]) -> Bbox:
    """Draw the arrow in the first free corner, and return the space that it occupies."""
    space = Bbox.from_bounds(0, 0, _ARROW + text_width(_BETTER, SMALL_SIZE), _ARROW + _TEXT)
    inside = panel.bbox.padded(-_INSET)
    corners = [space.anchored(corner, inside) for corner in ("NW", "SE", "NE", "SW")]
    box = _first_free(corners, occupied, panel)
    arrow = {"arrowstyle": "->", "color": GREY, "linewidth": 0.8, "shrinkA": 0}
    head, tail = panel.transAxes.inverted().transform([box.p0, box.p0 + _ARROW])
    panel.annotate(
        _BETTER, head, tail, xycoords="axes fraction", color=GREY, size=SMALL_SIZE, arrowprops=arrow
    )
    return box
