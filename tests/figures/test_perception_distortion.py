from itertools import combinations
from pathlib import Path

import pytest

from srcnn.analysis.results import Results
from srcnn.figures.canvas import Canvas
from srcnn.figures.perception_distortion import draw_plane, label_points, set_axes
from srcnn.figures.style import METHOD_NAMES, figure_style
from tests.small_results import score_table, shows


def scored(scores: dict[str, tuple[float, float]], scale: int = 4) -> Results:
    """Results of two images with these means of MSE and LPIPS."""
    rows = {
        (image, method): {"mse": mse * (1 + share), "lpips": lpips * (1 - share)}
        for image, share in (("0001", -0.5), ("0002", 0.5))
        for method, (mse, lpips) in scores.items()
    }
    return Results(scale, {"0001": "a", "0002": "b"}, score_table(rows), Path(), Path())


@pytest.mark.parametrize("scales", [(2,), (2, 4), (2, 3, 4)])
def test_the_plane_shows_every_method_at_every_scale(scales: tuple[int, ...]) -> None:
    methods = [method for method in METHOD_NAMES if method != "hr"]
    scores = {method: (0.001 * i, 0.1 / i) for i, method in enumerate(methods, start=1)}
    canvas = draw_plane([scored(scores, scale) for scale in scales])
    assert all(shows(canvas, method) for method in methods)


def test_methods_with_equal_scores_can_be_drawn() -> None:
    methods = [method for method in METHOD_NAMES if method != "hr"]
    canvas = draw_plane([scored(dict.fromkeys(methods, (0.001, 0.2)))])
    assert shows(canvas, methods[-1])


def test_the_axes_say_what_is_measured_and_which_way_is_better() -> None:
    panel = Canvas(600).add_axes(100, 20, 800, 500)
    assert set_axes(panel, [0.002, 0.003], [0.3, 0.4]) == 1e-3
    assert panel.get_xlabel() == "mean squared error per RGB value (10⁻³, lower is better)"
    assert panel.get_ylabel() == "LPIPS (lower looks closer to the original)"


def test_labels_of_close_points_cover_neither_each_other_nor_the_line() -> None:
    points = [(0.45, 0.5), (0.5, 0.5), (0.5, 0.52)]
    with figure_style():
        panel = Canvas(600).add_axes(100, 20, 800, 500)
        panel.set(xlim=(0, 1), ylim=(0, 1))
        panel.plot(*zip(*points, strict=True), marker="o", markersize=5)
        label_points(panel, [(*point, f"label {i}") for i, point in enumerate(points)])
        frames = [text.get_window_extent() for text in panel.texts]
        assert len(frames) == 4  # with the arrow's
        assert not any(a.overlaps(b) for a, b in combinations(frames, 2))
        assert all(panel.bbox.contains(*corner) for frame in frames for corner in frame.corners())
        places = panel.transData.transform(points)
        assert not any(frame.contains(*place) for frame in frames for place in places)


def test_a_line_connects_a_point_with_a_label_that_does_not_touch_it() -> None:
    with figure_style():
        panel = Canvas(600).add_axes(100, 20, 800, 500)
        panel.set(xlim=(0, 1), ylim=(0, 1))
        panel.plot(0.5, 0.5, "o", markersize=5)
        label_points(panel, [(0.5, 0.5, f"label {i}") for i in range(4)])  # right, left, further up
        frames = [text.get_window_extent() for text in panel.texts[3:]]  # the first is the arrow's
        _, *lines = [panel.transAxes.transform(line.get_xydata()) for line in panel.lines]
    for (start, end), frame in zip(lines, frames, strict=True):
        assert start == pytest.approx(panel.transData.transform((0.5, 0.5)))
        assert frame.padded(10).contains(*end)
