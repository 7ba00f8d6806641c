import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from srcnn.evaluation.fidelity import luma, psnr
from srcnn.images.image_io import RGB8, read_rgb
from srcnn.images.resize import Kernel, imresize, reflect, taps, upsampling_phases
from tests.plain_imresize import plain_imresize
from tests.small_images import (
    FACTORS,
    FLOATS,
    KERNELS,
    SCALES,
    SMOOTH,
    Array,
    float_images,
    images,
    kernels,
    noise,
    scales,
    sides,
)

SET5 = ("baby", "bird", "butterfly", "head", "woman")


def set5(assets: Path, name: str, scale: int) -> RGB8:
    """An HR image, cropped at the bottom and right to a multiple of the scale."""
    hr = read_rgb(assets / f"Set5/HR/{name}.png")
    height, width = (side - side % scale for side in hr.shape[:2])
    return hr[:height, :width]


@pytest.mark.parametrize("name", SET5)
@pytest.mark.parametrize("scale", [2, 4])
def test_low_resolution_images_equal_matlabs_in_every_pixel(
    assets: Path, name: str, scale: int
) -> None:
    golden = read_rgb(assets / f"Set5/LR_bicubic/X{scale}/{name}x{scale}.png")
    np.testing.assert_array_equal(imresize(set5(assets, name, scale), 1 / scale), golden)


@pytest.mark.parametrize(("scale", "published"), [(2, 33.67), (3, 30.40), (4, 28.43)])
def test_bicubic_on_set5_scores_the_published_psnr(
    assets: Path, scale: int, published: float
) -> None:
    inner = slice(scale, -scale), slice(scale, -scale)
    scores = []
    for name in SET5:
        hr = set5(assets, name, scale)
        restored = imresize(imresize(hr, 1 / scale), scale)
        scores.append(psnr(luma(restored)[inner], luma(hr)[inner]))
    assert np.mean(scores) == pytest.approx(published, abs=0.01)


@given(image=images(), scale=scales, kernel=kernels)
def test_uint8_images_equal_the_plain_version_in_every_pixel(
    image: Array, scale: float, kernel: Kernel
) -> None:
    expected = plain_imresize(image, scale, kernel=kernel)
    np.testing.assert_array_equal(imresize(image, scale, kernel=kernel), expected)


@given(image=float_images(), scale=scales, kernel=kernels)
def test_float_images_equal_the_plain_version_to_the_last_bit(
    image: Array, scale: float, kernel: Kernel
) -> None:
    result = imresize(image, scale, kernel=kernel)
    assert result.dtype == image.dtype
    np.testing.assert_array_equal(result, plain_imresize(image, scale, kernel=kernel))


@given(image=st.one_of(images(), float_images()), height=sides, width=sides, kernel=kernels)
def test_images_of_any_new_size_equal_the_plain_version(
    image: Array, height: int, width: int, kernel: Kernel
) -> None:
    expected = plain_imresize(image, size=(height, width), kernel=kernel)
    np.testing.assert_array_equal(imresize(image, size=(height, width), kernel=kernel), expected)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("shape", [(67, 53, 3), (53, 67), (16, 17, 3), (129, 128), (9, 1301, 3)])
@pytest.mark.parametrize("kernel", SMOOTH)
def test_images_longer_than_any_kernel_equal_the_plain_version(
    shape: tuple[int, ...], scale: float, kernel: Kernel
) -> None:
    expected = plain_imresize(noise(shape), scale, kernel=kernel)
    np.testing.assert_array_equal(imresize(noise(shape), scale, kernel=kernel), expected)


@pytest.mark.parametrize("size", [(33, 47), (100, 20), (61, 150), (67, 11), (134, 106)])
@pytest.mark.parametrize("dtype", [np.uint8, *FLOATS])
def test_sizes_with_fractional_factors_equal_the_plain_version(
    size: tuple[int, int], dtype: type[Any]
) -> None:
    image = noise((67, 53, 3)).astype(dtype)
    np.testing.assert_array_equal(imresize(image, size=size), plain_imresize(image, size=size))


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("scale", SCALES)
def test_sums_closest_to_half_round_correctly(scale: float, axis: int) -> None:
    # Weights by 8 are multiples of 2⁻¹⁶, so of 2¹⁹ sums some are half-way or one step off it;
    # in bright images the sums on the way there are the largest.
    whole = 81 if scale in (3, 1 / 3) else 2**16  # what makes a whole number of every weight
    length = round(scale * 4104)
    lines = noise((4104, 2**19 // length), low=200)
    indices, weights = taps(length, scale, "bicubic")
    numerators = np.rint(weights * whole).astype(int)
    np.testing.assert_allclose(numerators, weights * whole, atol=1e-8)
    sums = np.zeros((length, lines.shape[1]), int)
    for tap in range(indices.shape[1]):
        sums += numerators[:, tap, None] * lines[reflect(indices[:, tap], 4104)].astype(int)
    expected = ((2 * sums + whole) // (2 * whole)).clip(0, 255)
    if axis == 0:
        np.testing.assert_array_equal(imresize(lines, size=expected.shape), expected)
    else:
        np.testing.assert_array_equal(imresize(lines.T, size=expected.T.shape), expected.T)


@given(image=images(), height=sides, width=sides, kernel=kernels)
def test_the_axis_that_shrinks_more_is_resized_first_and_rows_on_a_tie(
    image: Array, height: int, width: int, kernel: Kernel
) -> None:
    rows, columns = image.shape[:2]
    first = (height, columns) if height / rows <= width / columns else (rows, width)
    between = imresize(image, size=first, kernel=kernel)
    np.testing.assert_array_equal(
        imresize(image, size=(height, width), kernel=kernel),
        imresize(between, size=(height, width), kernel=kernel),
    )


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 1), (2, 3), (1, 1, 3), (2, 3, 3)])
@pytest.mark.parametrize("kernel", KERNELS)
def test_tiny_images_have_sides_of_scale_times_side_rounded_up(
    shape: tuple[int, ...], scale: float, kernel: Kernel
) -> None:
    result = imresize(noise(shape), scale, kernel=kernel)
    assert result.shape == (math.ceil(scale * shape[0]), math.ceil(scale * shape[1]), *shape[2:])
    assert result.dtype == np.uint8


@given(side=st.integers(1, 3000), remainder=st.integers(0, 7), factor=st.sampled_from(FACTORS))
def test_a_shrunk_side_is_rounded_up_and_not_at_all_where_the_factor_divides_it(
    side: int, remainder: int, factor: int
) -> None:
    # A third is no binary fraction: (1/3)·side must not be rounded up to one pixel more.
    column = np.zeros((side * factor + remainder, 1), np.uint8)
    assert len(imresize(column, 1 / factor)) == side + math.ceil(remainder / factor)


def test_enlarging_twice_by_cubic_has_the_weights_of_keys() -> None:
    # Keys (1981), a = −1/2, at distances 1.75, 0.75, 0.25 and 1.25, mirrored for the second phase.
    keys = [-0.0234375, 0.2265625, 0.8671875, -0.0703125]
    np.testing.assert_array_equal(upsampling_phases(2, "bicubic"), [[*keys, 0], [0, *keys[::-1]]])


def test_enlarging_twice_by_triangle_has_quarters_as_weights() -> None:
    np.testing.assert_array_equal(
        upsampling_phases(2, "bilinear"), [[0, 0.25, 0.75, 0, 0], [0, 0, 0.75, 0.25, 0]]
    )


@pytest.mark.parametrize("scale", FACTORS)
@pytest.mark.parametrize("kernel", SMOOTH)
def test_the_phases_equal_imresize_inside_the_image(scale: int, kernel: Kernel) -> None:
    impulse = np.zeros((1, 9))
    impulse[0, 4] = 1
    enlarged = imresize(impulse, size=(1, 9 * scale), kernel=kernel)[0].reshape(9, scale)
    phases = upsampling_phases(scale, kernel)
    for tap in range(5):
        np.testing.assert_allclose(enlarged[4 - (tap - 2)], phases[:, tap], atol=1e-14)


@given(image=images(), scale=st.sampled_from(FACTORS))
def test_nearest_repeats_each_pixel(image: Array, scale: int) -> None:
    expected = image.repeat(scale, axis=0).repeat(scale, axis=1)
    np.testing.assert_array_equal(imresize(image, scale, kernel="nearest"), expected)


@pytest.mark.parametrize(("scale", "picked"), [(2, 1), (3, 1), (4, 2), (8, 4)])
def test_nearest_picks_the_middle_pixel_and_the_later_of_two(scale: int, picked: int) -> None:
    row = np.arange(3 * scale, dtype=np.uint8)[None]
    result = imresize(row, size=(1, 3), kernel="nearest")
    np.testing.assert_array_equal(result[0], picked + scale * np.arange(3))


def test_nearest_reflects_beyond_the_border_as_well() -> None:
    row = np.arange(9, dtype=np.uint8)[None]  # an eighth of it, rounded up: pixels 4 and 12
    np.testing.assert_array_equal(imresize(row, 1 / 8, kernel="nearest"), [[4, 5]])


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"scale": 2, "size": (8, 10)},
        {"scale": 0},
        {"scale": -1},
        {"scale": math.nan},
        {"scale": math.inf},
        {"size": (0, 3)},
        {"size": (3, -1)},
        {"size": (3,)},
        {"scale": 2, "kernel": "lanczos"},
    ],
)
def test_invalid_options_raise_value_error(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="imresize"):
        imresize(np.zeros((4, 5, 3), np.uint8), **options)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros(4, np.uint8),
        np.zeros((2, 3, 3, 1), np.uint8),
        np.zeros((0, 4), np.uint8),
        np.zeros((4, 0, 3), np.uint8),
        np.zeros((4, 4, 0), np.uint8),
        np.zeros((4, 4), np.uint16),
        np.zeros((4, 4), np.int64),
        np.zeros((4, 4), np.float16),
        np.zeros((4, 4), bool),
    ],
)
def test_invalid_arrays_raise_value_error(image: Array) -> None:
    with pytest.raises(ValueError, match="imresize takes"):
        imresize(image, 2)
