"""Sizes, names and networks of results of any scale, width and height."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from srcnn.errors import InputError
from srcnn.images.resize import imresize
from srcnn.upscaling.released_networks import load_all
from srcnn.upscaling.target_size import TargetSize, choose_network, strips_of_size
from tests.small_images import noise

sides = st.integers(1, 5000)


@pytest.mark.parametrize(
    ("target", "source", "size", "label"),
    [
        (TargetSize(2), (30, 20), (60, 40), "x2"),
        (TargetSize(2.5), (31, 21), (78, 53), "x2.5"),
        (TargetSize(1.1), (3000, 10), (3300, 11), "x1.1"),
        (TargetSize(0.001), (30, 20), (1, 1), "x0.001"),
        (TargetSize(width=1920), (400, 300), (1920, 1440), "w1920"),
        (TargetSize(width=45), (30, 21), (45, 32), "w45"),
        (TargetSize(height=1080), (400, 300), (1440, 1080), "h1080"),
        (TargetSize(height=2), (1, 1000), (1, 2), "h2"),
        (TargetSize(width=1920, height=1080), (400, 300), (1440, 1080), "1920x1080"),
        (TargetSize(width=1920, height=1080), (400, 100), (1920, 480), "1920x1080"),
        (TargetSize(width=1920, height=1080), (1280, 720), (1920, 1080), "1920x1080"),
    ],
)
def test_sizes_and_labels(target: TargetSize, source: Any, size: Any, label: str) -> None:
    assert target.size_for("a.png", source) == size
    assert target.label == label


@given(source=st.tuples(sides, sides), width=sides, height=sides)
def test_a_result_fits_and_touches_a_limit(
    source: tuple[int, int], width: int, height: int
) -> None:
    try:
        size = TargetSize(width=width, height=height).size_for("a.png", source)
    except InputError:
        assert min(width / source[0], height / source[1]) > 50
        return
    assert size[0] <= width
    assert size[1] <= height
    assert size[0] == width or size[1] == height


@pytest.mark.parametrize("scale", [0, -1, 101, float("nan"), float("inf")])
def test_a_scale_beyond_the_limits_is_refused(scale: float) -> None:
    with pytest.raises(InputError, match=r"--scale .*: choose more than 0 and at most 100"):
        TargetSize(scale)


def test_a_side_that_is_too_large_is_refused() -> None:
    with pytest.raises(InputError, match=r"^a\.png: 5000×10000 pixels are more than 100 times"):
        TargetSize(width=5000).size_for("a.png", (10, 20))


@pytest.mark.parametrize(
    ("size", "scale"),
    [
        ((30, 20), None),
        ((1, 1), None),
        ((31, 20), 2),
        ((60, 40), 2),
        ((61, 40), 4),
        ((60, 41), 4),
        ((120, 80), 4),
        ((500, 400), 4),
    ],
)
def test_the_next_larger_network_is_chosen(size: tuple[int, int], scale: int | None) -> None:
    network = choose_network(load_all(), (30, 20), size)
    assert (network and network.scale) == scale


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_results_are_the_network_s_resized_by_imresize(channels: int, dtype: Any) -> None:
    image = noise((12, 18, channels), low=1).astype(dtype)
    (network, *_) = load_all()
    for size in ((27, 18), (36, 24), (90, 60)):
        result = np.concatenate(list(strips_of_size(image, network, size)))
        assert (result.dtype, result.shape) == (dtype, (*size[::-1], channels))
        if dtype == np.uint8:
            whole = imresize(network(image), size=size[::-1])
            np.testing.assert_array_equal(result, whole)


@pytest.mark.parametrize("size", [(10, 300), (10, 7), (40, 900)])
def test_transparent_pixels_do_not_show_where_no_network_runs(size: tuple[int, int]) -> None:
    image = np.full((900, 40, 4), (90, 140, 190, 255), np.uint8)
    image[250:700, :30] = 255, 0, 255, 0
    result = np.concatenate(list(strips_of_size(image, None, size)))
    assert result.shape == (*size[::-1], 4)
    visible = result[result[..., 3] > 0]
    assert np.abs(visible[:, :3].astype(int) - (90, 140, 190)).max() == 0
