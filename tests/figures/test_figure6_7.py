from collections.abc import Callable, Sequence

import numpy as np
import pytest

from srcnn.analysis.hallucination import hallucination_map
from srcnn.evaluation.lpips import LPIPS
from srcnn.figures.canvas import enlarge
from srcnn.figures.difference_maps import colourise, error_map, lpips_map
from srcnn.figures.figure6_7 import (
    MAPPED_METHODS,
    ZOOM,
    best_window,
    draw_figure6,
    draw_figure7,
    worst_window,
)
from srcnn.figures.windows import WindowScores, score_windows
from tests.small_results import SIDE, Save, holds, place


def test_figures_6_and_7_show_the_best_and_worst_window_with_their_maps(
    save: Save, small_lpips: LPIPS
) -> None:
    results = save(
        "a.png",
        "b.png",
        worse={("a.png", "mse"): place(1), ("b.png", "perceptual"): place(2)},
    )
    cases = score_windows(results, small_lpips, (SIDE, SIDE), SIDE)
    for draw, image, window, bad in (
        (draw_figure6, "0001", place(1), "mse"),
        (draw_figure7, "0002", place(2), "perceptual"),
    ):
        figure = draw(results, cases, small_lpips).render()
        pictures = results.pictures(image, *MAPPED_METHODS)
        for picture in pictures.values():
            assert holds(figure, enlarge(window.crop(picture), ZOOM))
        sr, hr = window.crop(pictures[bad]), window.crop(pictures["hr"])
        maps = [lpips_map(sr, hr, small_lpips), error_map(sr, hr)]
        if draw is draw_figure7:
            maps.append(hallucination_map(sr, hr))
        for values in maps:
            assert holds(figure, enlarge(colourise(values, float(values.max())), ZOOM))


@pytest.mark.parametrize("size", [(72, 216), (32, 32)])
def test_the_maps_of_equal_images_are_dark(
    save: Save, small_lpips: LPIPS, size: tuple[int, int]
) -> None:
    results = save("long " * 20 + "$name$.png", size=size)
    cases = score_windows(results, small_lpips, (SIDE, SIDE), SIDE)
    side = min(SIDE, *size)
    dark = enlarge(colourise(np.zeros((side, side)), 0.0), ZOOM)
    for draw in (draw_figure6, draw_figure7):
        assert holds(draw(results, cases, small_lpips).render(), dark)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("choose", "moves"), [(best_window, "falls most"), (worst_window, "rises most")]
)
def test_the_text_says_when_lpips_only_falls_or_only_rises(
    choose: Callable[[Sequence[WindowScores]], tuple[WindowScores, str]], moves: str, sign: int
) -> None:
    scores = [
        WindowScores("0001", place(i), 0.5, 0.5 + sign * change)
        for i, change in enumerate((0.2, 0.1))
    ]
    shown, text = choose(scores)
    least = {"falls most": "rises least", "rises most": "falls least"}[moves]
    is_extreme = (moves == "rises most") == (sign > 0)
    assert shown.window == place(0 if is_extreme else 1)
    assert text.startswith(moves if is_extreme else least)


def test_a_window_without_a_change_is_the_least(save: Save) -> None:
    scores = [WindowScores("0001", place(i), 0.5, 0.5) for i in range(2)]
    assert best_window(scores)[1].startswith("rises least")
    assert worst_window(scores)[1].startswith("falls least")
