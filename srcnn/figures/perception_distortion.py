"""The perception–distortion plane: MSE, the distance to the truth, against LPIPS."""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator, StrMethodFormatter

from srcnn.analysis.results import Results
from srcnn.figures.canvas import Canvas
from srcnn.figures.charts import axis_label, axis_limits, make_panels, readable_unit
from srcnn.figures.labels import label_points
from srcnn.figures.style import figure_style, method_colours, method_name

HEIGHT, BESIDE = 640, 180  # pixels: a panel's height, and the space left of it for its y axis
_FAR = 20  # the MSE axis is logarithmic if max / min exceeds this


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
    panel.set(xlabel=axis_label("MSE, RGB in [0, 1]", unit_name), ylabel="LPIPS")
    panel.set(xlim=axis_limits(errors, 0.2), ylim=axis_limits(lpips, 0.15))
    panel.grid()
    for axis in (panel.xaxis, panel.yaxis):
        axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    if 0 < min(errors) * _FAR < max(errors):
        low, high = axis_limits([math.log10(error) for error in errors], 0.2)
        subs = (1,) if max(errors) > min(errors) * _FAR**2 else (1, 2, 5)
        panel.set_xscale("log")
        panel.set_xlim(10**low, 10**high)
        panel.xaxis.set_major_locator(LogLocator(subs=subs))
        panel.xaxis.set_minor_locator(NullLocator())
        panel.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    return unit
