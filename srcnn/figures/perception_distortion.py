"""The perception–distortion plane: how far each method is from the truth, and how far it looks."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from srcnn.analysis.results import Results
from srcnn.figures.canvas import Canvas
from srcnn.figures.charts import axis_label, axis_limits, make_panels, readable_unit
from srcnn.figures.labels import label_points
from srcnn.figures.style import figure_style, method_colours, method_name

_HEIGHT, _BESIDE = 640, 180


@figure_style()
def draw_plane(scales: Sequence[Results]) -> Canvas:
    """A panel per scale: each method's mean MSE and mean LPIPS over the val images."""
    page, charts = make_panels(len(scales), 2, _HEIGHT, _BESIDE)
    for panel, results in zip(charts, scales, strict=True):
        means, count = results.means(), len(results.names)
        points = dict(zip(means.index, zip(means["mse"], means["lpips"], strict=True), strict=True))
        unit, unit_name = readable_unit(x for x, _ in points.values())
        points = {method: (x / unit, y) for method, (x, y) in points.items()}
        panel.set_title(f"×{results.scale}, mean of {count} val image{'s' if count > 1 else ''}")
        panel.set_xlabel(axis_label("MSE, RGB in [0, 1]", unit_name))
        panel.set_ylabel("LPIPS")
        panel.set_xlim(axis_limits([x for x, _ in points.values()], 0.2))
        panel.set_ylim(axis_limits([y for _, y in points.values()], 0.15))
        panel.grid()
        panel.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        panel.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        _mark(panel, points)
    return page


def _mark(panel: Axes, points: dict[str, tuple[float, float]]) -> None:
    """Draw a point for each method, with its name."""
    colours = method_colours(points)
    for method, point in points.items():
        panel.plot(*point, "o", color=colours[method], markersize=5)
    label_points(panel, [(*point, method_name(method)) for method, point in points.items()])
