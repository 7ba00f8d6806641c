from collections.abc import Callable

import numpy as np
import pytest

from srcnn.analysis.hallucination import hallucinated
from srcnn.evaluation.lpips import LPIPS
from srcnn.evaluation.metrics import lpips_distance
from srcnn.figures.canvas import enlarge
from srcnn.figures.difference_maps import colour_bar, coloured, error_map, lpips_map
from srcnn.figures.figure6_7 import METHODS, ZOOM, draw_best, draw_worst
from srcnn.figures.windows import compare_losses
from srcnn.images.image_io import RGB8
from tests.small_results import SIDE, Save, holds, place

Picture = Callable[..., RGB8]


# Maps


@pytest.mark.parametrize("size", [(72, 72), (32, 32), (37, 90)])
def test_the_mean_of_the_map_of_lpips_is_the_distance(
    picture: Picture, small_lpips: LPIPS, size: tuple[int, int]
) -> None:
    sr, hr = picture(*size), picture(*size, phase=0.4)
    values = lpips_map(sr, hr, small_lpips)
    assert values.shape == size
    assert values.min() >= 0
    assert values.mean() == pytest.approx(lpips_distance(sr, hr, small_lpips), rel=1e-5)


def test_lpips_lies_where_the_images_differ(picture: Picture, small_lpips: LPIPS) -> None:
    hr = picture(96, 192)
    sr = hr.copy()
    sr[:, :48] = 255 - sr[:, :48]
    values = lpips_map(sr, hr, small_lpips)
    assert values[:, :48].mean() > 10 * values[:, 144:].mean()
    assert (lpips_map(hr, hr, small_lpips) == 0).all()


def test_the_error_is_in_shares_of_the_range() -> None:
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
        coloured(np.array([[0.0, 0.5, 2.0]]), 1.0)[0], bar[0, [0, 128, -1]]
    )
    np.testing.assert_array_equal(coloured(np.zeros((2, 2)), 0.0), np.tile(bar[0, 0], (2, 2, 1)))


# Figures


def test_figures_6_and_7_show_the_windows_that_were_found_and_their_maps(
    save: Save, small_lpips: LPIPS
) -> None:
    results = save(
        "a.png",
        "b.png",
        worse={("a.png", "mse"): place(1), ("b.png", "perceptual"): place(2)},
    )
    cases = compare_losses(results, small_lpips, (SIDE, SIDE), SIDE)
    for draw, image, window, bad in (
        (draw_best, "0001", place(1), "mse"),
        (draw_worst, "0002", place(2), "perceptual"),
    ):
        figure = draw(results, cases, small_lpips).pixels()
        pictures = results.pictures(image, *METHODS)
        for picture in pictures.values():
            assert holds(figure, enlarge(window.of(picture), ZOOM))
        sr, hr = window.of(pictures[bad]), window.of(pictures["hr"])
        maps = [lpips_map(sr, hr, small_lpips), error_map(sr, hr)]
        if draw is draw_worst:
            maps.append(hallucinated(sr, hr))
        for values in maps:
            assert holds(figure, enlarge(coloured(values, float(values.max())), ZOOM))


@pytest.mark.parametrize("size", [(72, 216), (32, 32)])
def test_equal_images_have_figures_of_maps_without_a_light_spot(
    save: Save, small_lpips: LPIPS, size: tuple[int, int]
) -> None:
    results = save("long " * 20 + "$name$.png", size=size)
    cases = compare_losses(results, small_lpips, (SIDE, SIDE), SIDE)
    side = min(SIDE, *size)
    dark = enlarge(coloured(np.zeros((side, side)), 0.0), ZOOM)
    for draw in (draw_best, draw_worst):
        assert holds(draw(results, cases, small_lpips).pixels(), dark)
