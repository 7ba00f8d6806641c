"""Resizing in strips equals resizing the whole image."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from srcnn.images.resize import imresize
from srcnn.upscaling.resized_strips import resize_strips
from tests.small_images import Array, images, noise

heights = st.integers(1, 20)
results = st.integers(1, 60)


def strips_of(image: Array, heights: list[int]) -> Iterator[Array]:
    top = 0
    for height in heights:
        yield image[top : top + height]
        top += height
    yield image[top:]


def in_strips(image: Array, heights: list[int], size: tuple[int, int]) -> list[Array]:
    """Resize [H, W, C] to `size`, rows and columns, from strips of so many rows and a last one."""
    while sum(heights) >= len(image):
        heights = heights[:-1]
    return list(resize_strips(strips_of(image, heights), image.shape[1::-1], size[::-1]))


def imresize_16_bits(image: Array, size: tuple[int, int]) -> Array:
    """MATLAB's imresize of uint16: as for uint8, each axis is rounded and clipped."""
    scales = [new / old for new, old in zip(size, image.shape[:2], strict=True)]
    for axis in np.argsort(scales, kind="stable"):
        sides = list(image.shape[:2])
        sides[axis] = size[axis]
        resized = imresize(image.astype(float), size=(sides[0], sides[1]))
        image = np.clip(np.floor(resized + 0.5), 0, 65535).astype(np.uint16)
    return image


@given(
    image=images(multiple=4), heights=st.lists(heights, max_size=8), height=results, width=results
)
def test_strips_equal_imresize_of_the_whole(
    image: Array, heights: list[int], height: int, width: int
) -> None:
    image = image.reshape(*image.shape[:2], -1)
    result = np.concatenate(in_strips(image, heights, (height, width)))
    np.testing.assert_array_equal(result, imresize(image, size=(height, width)))
    assert result.dtype == np.uint8
    deep = image.astype(np.uint16) * 257
    result = np.concatenate(in_strips(deep, heights, (height, width)))
    np.testing.assert_array_equal(result, imresize_16_bits(deep, (height, width)))
    assert result.dtype == np.uint16


@given(image=images(multiple=12), factor=st.sampled_from([1 / 4, 1 / 3, 1 / 2, 1, 2, 3, 4, 8]))
def test_factors_with_ties_equal_imresize_too(image: Array, factor: float) -> None:
    image = image.reshape(*image.shape[:2], -1)
    size = round(image.shape[0] * factor), round(image.shape[1] * factor)
    result = np.concatenate(in_strips(image, [5, 5], size))
    np.testing.assert_array_equal(result, imresize(image, size=size))


@pytest.mark.parametrize("size", [(75, 150), (100, 110), (75, 200), (100, 150), (150, 10)])
def test_either_axis_can_be_first_or_keep_its_size(size: tuple[int, int]) -> None:
    image = noise((100, 200, 3))
    strips = in_strips(image, [32, 32, 32], size)
    np.testing.assert_array_equal(np.concatenate(strips), imresize(image, size=size))
    assert len({len(strip) for strip in strips[:-1]}) == 1  # a TIFF's strips have equal heights


def test_no_more_rows_are_read_than_the_next_strip_needs() -> None:
    image, read = noise((400, 8, 1)), 0

    def strips() -> Iterator[Any]:
        nonlocal read
        for top in range(0, 400, 8):
            read += 8
            yield image[top : top + 8]

    done = 0
    for strip in resize_strips(strips(), (8, 400), (6, 300)):
        done += len(strip)
        assert read <= done * 400 / 300 + 16
    assert done == 300
