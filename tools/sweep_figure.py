"""The results of a sweep: a table, and a figure of perception against distortion.

They show `scores` with a row per experiment, scale and method.
"""

from collections.abc import Sequence
from itertools import chain

import pandas as pd
from matplotlib.axes import Axes

from srcnn.evaluation.metrics import METRICS
from srcnn.figures.canvas import Canvas
from srcnn.figures.charts import make_panels
from srcnn.figures.perception_distortion import BESIDE, HEIGHT, label_points, set_axes
from srcnn.figures.style import BLACK, figure_style, method_colours, method_name, short_name
from srcnn.utils.text import text_table

SHOWN = ("bicubic", "mse", "perceptual")  # two methods for reference, and the swept one
PAPER = {"loss.lambda1": 0.1, "loss.lambda2": 0.9}
COLUMNS = ("mse", "psnr_rgb", "lpips")
_SHORT = {"loss.lambda1": "λ1", "loss.lambda2": "λ2"}


def sweep_table(scores: pd.DataFrame) -> str:
    """Text with a line per experiment, below the methods for reference.

    A reference that the sweep changes, such as the MSE model by `train.lr`, has several lines.
    """
    metrics = {key: METRICS[key] for key in COLUMNS}
    texts = {k: [m.text(v, m.report_digits) for v in scores[k]] for k, m in metrics.items()}
    index = ["method", "experiment"]
    wide = scores.assign(**texts).pivot(index=index, columns="scale", values=list(COLUMNS))
    columns = [(key, scale) for scale in sorted(set(scores["scale"])) for key in COLUMNS]
    rows = [["", *(f"×{scale} {METRICS[key].name}" for key, scale in columns)]]
    for method in SHOWN:
        lines = wide.fillna("–").loc[method, columns].reindex(scores["experiment"].unique())
        if method != "perceptual":
            lines = lines.drop_duplicates()
            several = len(lines) > 1
            lines.index = [method_name(method) + f" of {name}" * several for name in lines.index]
        rows += lines.reset_index().to_numpy().tolist()
    return text_table(rows)


@figure_style()
def draw_sweep(scores: pd.DataFrame, settings: Sequence[str]) -> Canvas:
    """A panel per scale with mean MSE and mean LPIPS over the val images.

    A line connects the values of the first swept setting; each combination of the others has its
    own line.
    """
    along, *others = settings
    lines = [
        ", ".join(f"{_SHORT.get(key, key)} = {row[key]}" for key in others)
        for row in scores.to_dict("records")
    ]
    by_scale = scores.assign(line=lines).groupby("scale")
    canvas, charts = make_panels(len(by_scale), 2, HEIGHT, BESIDE)
    for panel, (scale, of_scale) in zip(charts, by_scale, strict=True):
        unit = set_axes(panel, list(of_scale["mse"]), list(of_scale["lpips"]))
        of_scale = of_scale.assign(mse=of_scale["mse"] / unit)
        panel.set_title(f"×{scale}: {method_name('perceptual')}, by {_SHORT.get(along, along)}")
        drawn = [draw_method(panel, of_scale, method, along) for method in SHOWN]
        if others:
            panel.legend(loc="best")
        label_points(panel, list(chain.from_iterable(drawn)))
    return canvas


def draw_method(
    panel: Axes, scores: pd.DataFrame, method: str, along: str
) -> list[tuple[float, float, str]]:
    """Draw the lines of a method, and a ring around the paper's weights; return the labels."""
    scores, is_swept, labels = scores[scores["method"] == method], method == "perceptual", []
    if not is_swept:
        scores = scores.drop_duplicates(["mse", "lpips"])
    is_ordered = all(type(value) in (int, float) for value in scores[along])
    lines = scores.groupby("line", sort=False)
    for number, (name, line) in enumerate(lines):
        line = line.sort_values(along) if is_ordered else line
        (drawn,) = panel.plot(line["mse"], line["lpips"], "os^DvPX"[number % 7], markersize=5)
        drawn.set(color=method_colours([method])[method], alpha=1 - 0.7 * number / len(lines))
        drawn.set(linestyle="-" if is_ordered else "none", label=name if is_swept else "_hidden")
        for row in line.to_dict("records"):
            text = str(row[along])
            if not is_swept:
                several = len(scores) > 1
                text = f"{short_name(method)}, {name or text}" if several else method_name(method)
            elif all(row[key] == value for key, value in PAPER.items()):
                panel.plot(row["mse"], row["lpips"], "o", ms=8, mfc="none", mec=BLACK)
                text += " (paper)"
            labels.append((row["mse"], row["lpips"], text))
    return labels
