from collections.abc import Callable, Sequence

import numpy as np
import pytest

from srcnn.analysis.hallucination import hallucination_map
from srcnn.evaluation.lpips import LPIPS
from srcnn.figures.canvas import enlarge
from srcnn.figures.figure6_7 import (
    MAPPED_METHODS,
    ZOOM,
    best_window,
    colour_bar,
    colourise,
    draw_figure6,
    draw_figure7,
    error_map,
    lpips_map,
    worst_window,
)
from srcnn.figures.style import FIGURE_MARGIN
from srcnn.figures.windows import WindowScores, score_windows
from srcnn.images.image_io import RGB8
from srcnn.utils.methods import AUTHORS_METHODS
from tests.small_results import SAVED_METHODS, SIDE, Save, holds, place

Picture = Callable[..., RGB8]


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


def test_figures_6_and_7_have_one_more_row_with_the_published_networks(
    save: Save, small_lpips: LPIPS
) -> None:
    worse = {("a.png", "mse"): place(1), ("b.png", "perceptual"): place(2)}
    worse |= {("a.png", method): place(1) for method in AUTHORS_METHODS}
    ours = save("a.png", "b.png", worse=worse)
    methods = [*SAVED_METHODS, *AUTHORS_METHODS]
    both = save("a.png", "b.png", worse=worse, methods=methods)
    cases = score_windows(ours, small_lpips, (SIDE, SIDE), SIDE)
    for draw, image, window in (
        (draw_figure6, "0001", place(1)),
        (draw_figure7, "0002", place(2)),
    ):
        without, figure = (draw(each, cases, small_lpips).render() for each in (ours, both))
        assert figure.shape[0] > without.shape[0] + SIDE * ZOOM
        # Nothing above is changed.
        last = without.shape[0] - FIGURE_MARGIN
        np.testing.assert_array_equal(figure[:last], without[:last])
        added = figure[last:]
        pictures = both.pictures(image, *AUTHORS_METHODS)
        for method in AUTHORS_METHODS:
            assert holds(added, enlarge(window.crop(pictures[method]), ZOOM))
        assert (figure[-FIGURE_MARGIN:] == 255).all()


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


@pytest.mark.parametrize("size", [(72, 72), (32, 32), (37, 90)])
def test_the_mean_of_the_lpips_map_is_the_distance(
    picture: Picture, small_lpips: LPIPS, size: tuple[int, int]
) -> None:
    sr, hr = picture(*size), picture(*size, phase=0.4)
    values = lpips_map(sr, hr, small_lpips)
    assert values.shape == size
    assert values.min() >= 0
    assert values.mean() == pytest.approx(small_lpips.distances([sr], hr)[0], rel=1e-5)


def test_lpips_is_high_where_the_images_differ(picture: Picture, small_lpips: LPIPS) -> None:
    hr = picture(96, 192)
    sr = hr.copy()
    sr[:, :48] = 255 - sr[:, :48]
    values = lpips_map(sr, hr, small_lpips)
    assert values[:, :48].mean() > 10 * values[:, 144:].mean()
    assert (lpips_map(hr, hr, small_lpips) == 0).all()


def test_the_error_is_a_fraction_of_the_range() -> None:
    black, blue = np.zeros((2, 3, 3), np.uint8), np.zeros((2, 3, 3), np.uint8)
    blue[..., 2] = 255
    for pair in ((black, blue), (blue, black)):
        np.testing.assert_allclose(error_map(*pair), np.full((2, 3), 1 / 3))


def test_colours_go_from_dark_to_light() -> None:
    bar = colour_bar(3, 256)
    assert bar.shape == (3, 256, 3)
    brightness = bar.astype(int).sum(axis=2)
    assert (np.diff(brightness, axis=1) >= -2).all()  # cividis is rounded to 8 bits
    np.testing.assert_array_equal(
        colourise(np.array([[0.0, 0.5, 2.0]]), 1.0)[0], bar[0, [0, 128, -1]]
    )
    np.testing.assert_array_equal(colourise(np.zeros((2, 2)), 0.0), np.tile(bar[0, 0], (2, 2, 1)))
