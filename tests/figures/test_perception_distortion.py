from pathlib import Path

import pytest

from srcnn.analysis.results import Results
from srcnn.figures.perception_distortion import draw_plane
from srcnn.figures.style import METHOD_NAMES
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
