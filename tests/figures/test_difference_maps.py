from collections.abc import Callable

import numpy as np
import pytest

from srcnn.evaluation.lpips import LPIPS
from srcnn.evaluation.metrics import lpips_distance
from srcnn.figures.difference_maps import colour_bar, colourise, error_map, lpips_map
from srcnn.images.image_io import RGB8

Picture = Callable[..., RGB8]


@pytest.mark.parametrize("size", [(72, 72), (32, 32), (37, 90)])
def test_the_mean_of_the_lpips_map_is_the_distance(
    picture: Picture, small_lpips: LPIPS, size: tuple[int, int]
) -> None:
    sr, hr = picture(*size), picture(*size, phase=0.4)
    values = lpips_map(sr, hr, small_lpips)
    assert values.shape == size
    assert values.min() >= 0
    assert values.mean() == pytest.approx(lpips_distance(sr, hr, small_lpips), rel=1e-5)


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
