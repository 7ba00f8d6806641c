"""The table and the figure of a sweep."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

from srcnn.evaluation.metrics import METRICS
from srcnn.figures.canvas import Canvas
from srcnn.figures.style import BLACK, method_colours
from tools.sweep_figure import SHOWN, draw_method, draw_sweep, sweep_table


def made_scores(
    lambdas: tuple[float, ...] = (0.9, 0.1),
    rates: tuple[float, ...] = (0.001,),
    scales: tuple[int, ...] = (2, 4),
    of_mse: float = 0.0,
) -> pd.DataFrame:
    """Scores of a sweep; those of the MSE model change with the rate by `of_mse`."""
    rows: list[dict[str, Any]] = []
    for lambda2 in lambdas:
        for number, rate in enumerate(rates):
            for scale in scales:
                for method, mse, lpips in (
                    ("bicubic", 0.0016, 0.16),
                    ("mse", 0.0014 * (1 + of_mse * number), 0.12),
                    ("perceptual", 0.0014 + 1e-5 * lambda2 * (1 + number), 0.11 - 0.002 * lambda2),
                ):
                    scores = dict.fromkeys(METRICS, 1.0) | {"mse": mse, "lpips": lpips}
                    about = {"experiment": f"{lambda2}_{rate}", "scale": scale, "method": method}
                    settings = {"loss.lambda1": 0.1, "loss.lambda2": lambda2, "train.lr": rate}
                    rows.append(about | settings | scores)
    return pd.DataFrame(rows, dtype=object)


def shows(canvas: Canvas, colour: str) -> bool:
    wanted = np.rint(np.array(to_rgb(colour)) * 255)
    return bool((canvas.render() == wanted).all(axis=2).any())


def draw(scores: pd.DataFrame, method: str, along: str, line: str = "") -> tuple[Axes, list[str]]:
    """A panel with a method's lines, one for each value of the setting `line`, and its labels."""
    panel = Canvas(600).add_axes(100, 20, 800, 500)
    lines = [str(value) for value in scores[line]] if line else ""
    return panel, [
        text for _, _, text in draw_method(panel, scores.assign(line=lines), method, along)
    ]


def test_a_line_is_in_the_order_of_its_setting_and_a_ring_marks_the_paper_s_weights() -> None:
    scores = made_scores((8.1, 0.9, 0.1), scales=(2,))
    panel, labels = draw(scores, "perceptual", "loss.lambda2")
    assert labels == ["0.1", "0.9 (paper)", "8.1"]
    line, ring = panel.lines
    x = np.asarray(line.get_xdata())
    assert list(x) == sorted(x)
    assert (ring.get_markerfacecolor(), ring.get_markersize()) == ("none", 8)
    assert list(np.asarray(ring.get_xdata())) == [x[1]]
    for method, name in (("bicubic", "Bicubic"), ("mse", "SRCNN, MSE loss")):
        panel, labels = draw(scores, method, "loss.lambda2")
        assert labels == [name]
        assert len(panel.lines) == 1


def test_each_combination_of_the_other_settings_has_its_line() -> None:
    scores = made_scores(rates=(0.001, 0.003), scales=(2,))
    panel, _ = draw(scores, "perceptual", "loss.lambda2", "train.lr")
    lines = [line for line in panel.lines if line.get_markersize() == 5]
    assert [line.get_label() for line in lines] == ["0.001", "0.003"]
    assert len({line.get_marker() for line in lines}) == 2
    panel, labels = draw(scores, "mse", "loss.lambda2", "train.lr")
    assert len(panel.lines) == 1
    scores = made_scores(rates=(0.001, 0.003), scales=(2,), of_mse=0.1)
    panel, labels = draw(scores, "mse", "loss.lambda2", "train.lr")
    assert labels == ["MSE loss, 0.001", "MSE loss, 0.003"]


def test_a_model_that_the_sweep_changes_too_has_a_line_of_its_own() -> None:
    scores = made_scores((0.9,), rates=(0.003, 0.001), scales=(2,), of_mse=0.1)
    panel, labels = draw(scores, "mse", "train.lr")
    assert labels == ["MSE loss, 0.001", "MSE loss, 0.003"]
    (line,) = panel.lines
    assert line.get_linestyle() == "-"
    _, labels = draw(scores, "bicubic", "train.lr")
    assert labels == ["Bicubic"]


@pytest.mark.parametrize("scales", [(2,), (2, 4), (2, 3, 4)])
def test_the_figure_shows_the_methods_at_every_scale(scales: tuple[int, ...]) -> None:
    canvas = draw_sweep(made_scores(scales=scales), ["loss.lambda2"])
    assert all(shows(canvas, colour) for colour in method_colours(SHOWN).values())
    rows = -(-len(scales) // 2)
    assert canvas.render().shape[0] == pytest.approx(rows * 848, rel=0.1)


@pytest.mark.parametrize(
    "scores",
    [
        made_scores((0.9,)),
        made_scores((0.9, 0.9)),
        made_scores((0.1, 0.9, 5000.0)),  # far from the others, like a model that almost diverges
        made_scores(rates=(0.001, 0.003, 0.01), of_mse=0.2),
    ],
)
def test_any_sweep_can_be_drawn(scores: pd.DataFrame) -> None:
    canvas = draw_sweep(scores, ["loss.lambda2", "train.lr"])
    assert shows(canvas, BLACK)


def test_values_without_an_order_are_not_joined_by_a_line() -> None:
    scores = made_scores((0.1, 90.0), scales=(2,))
    scores = scores.assign(**{"loss.balance": scores["loss.lambda2"].map(str)})
    styles = [
        draw(scores, "perceptual", key)[0].lines[0].get_linestyle()
        for key in ("loss.lambda2", "loss.balance")
    ]
    assert styles == ["-", "None"]


def test_the_table_has_a_line_per_experiment_and_one_per_method_for_reference() -> None:
    heads, *lines = sweep_table(made_scores()).splitlines()
    assert [head.split()[-1] for head in heads.split("×")[1:]] == ["MSE", "RGB", "LPIPS"] * 2
    assert [line.split("  ")[0] for line in lines] == [
        "Bicubic",
        "SRCNN, MSE loss",
        "0.9_0.001",
        "0.1_0.001",
    ]
    assert len({len(line) for line in [heads, *lines]}) == 1
    assert "0.1098" in lines[-1]


def test_the_table_tells_models_apart_and_leaves_a_gap_where_a_scale_is_missing() -> None:
    scores = made_scores(rates=(0.001, 0.003), of_mse=0.1)
    scores = scores[(scores["scale"] == 2) | (scores["loss.lambda2"] == 0.1)]
    lines = sweep_table(scores).splitlines()
    assert sum(line.startswith("SRCNN, MSE loss of ") for line in lines) >= 2
    assert any("–" in line for line in lines)
