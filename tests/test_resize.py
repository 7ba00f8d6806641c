import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from srcnn.images import RGB8, read_rgb
from srcnn.metrics import luma, psnr
from srcnn.resize import Kernel, imresize, taps, upsampling_phases

Array = npt.NDArray[Any]

SCALES = (2, 3, 4, 8, 1 / 2, 1 / 3, 1 / 4, 1 / 8)
EXACT_SCALES = (2, 4, 8, 1 / 2, 1 / 4, 1 / 8)  # every weight is a dyadic rational
SMOOTH: tuple[Kernel, ...] = ("bicubic", "bilinear")
SET5 = ("baby", "bird", "butterfly", "head", "woman")

scales = st.sampled_from(SCALES)
kernels = st.sampled_from(SMOOTH)
sides = st.integers(1, 9)


@st.composite
def images(draw: st.DrawFn, low: int = 0, high: int = 255, multiple: int = 1) -> Array:
    """Grey or colour uint8 images with sides of 1 to 9 times `multiple`."""
    shape: tuple[int, ...] = (multiple * draw(sides), multiple * draw(sides))
    if draw(st.booleans()):
        shape = (*shape, draw(st.integers(1, 4)))
    return draw(arrays(np.uint8, shape, elements=st.integers(low, high)))


def kernel_value(kernel: str, x: float) -> float:
    x = abs(x)
    if kernel == "bilinear":
        return max(1 - x, 0.0)
    if x <= 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x <= 2 else 0.0


def plain_axis(image: Array, axis: int, length: int, scale: float, kernel: str) -> Array:
    """One dimension by the recipe as it is published: sample by sample, tap by tap, in float64."""
    lines = np.moveaxis(image, axis, 0)
    n, stretch = len(lines), min(scale, 1.0)
    reach = (2 if kernel == "bicubic" else 1) / stretch
    result = np.zeros((length, *lines.shape[1:]))
    for x in range(length):
        u = (x + 0.5) / scale - 0.5
        where = range(math.floor(u - reach), math.ceil(u + reach) + 1)
        weights = [kernel_value(kernel, stretch * (u - i)) for i in where]
        for i, weight in zip(where, weights, strict=True):
            folded = i % (2 * n)
            line = lines[folded if folded < n else 2 * n - 1 - folded].astype(np.float64)
            result[x] += weight / sum(weights) * line
    if image.dtype == np.uint8:
        away_from_zero = np.sign(result) * np.floor(np.abs(result) + 0.5)
        result = away_from_zero.clip(0, 255).astype(np.uint8)
    return np.moveaxis(result, 0, axis)


def plain_resize(image: Array, size: tuple[int, int], scales: tuple[float, float], k: str) -> Array:
    axes = (0, 1) if scales[0] <= scales[1] else (1, 0)
    for axis in axes:
        image = plain_axis(image, axis, size[axis], scales[axis], k)
    return image


def enlarged_size(shape: tuple[int, ...], scale: float) -> tuple[int, int]:
    return math.ceil(scale * shape[0]), math.ceil(scale * shape[1])


def set5(assets: Path, name: str, scale: int) -> RGB8:
    """An HR image, cropped at the bottom and right to a multiple of the scale."""
    hr, _ = read_rgb(assets / f"Set5/HR/{name}.png")
    height, width = (side - side % scale for side in hr.shape[:2])
    return hr[:height, :width]


@pytest.mark.parametrize("name", SET5)
@pytest.mark.parametrize("scale", [2, 4])
def test_low_resolution_images_equal_matlabs_in_every_pixel(
    assets: Path, name: str, scale: int
) -> None:
    golden, _ = read_rgb(assets / f"Set5/LR_bicubic/X{scale}/{name}x{scale}.png")
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


@given(image=images(), scale=st.sampled_from(EXACT_SCALES), kernel=kernels)
def test_uint8_images_equal_a_plain_reference_in_every_pixel(
    image: Array, scale: float, kernel: Kernel
) -> None:
    expected = plain_resize(image, enlarged_size(image.shape, scale), (scale, scale), kernel)
    np.testing.assert_array_equal(imresize(image, scale, kernel=kernel), expected)


@pytest.mark.parametrize("scale", EXACT_SCALES)
@pytest.mark.parametrize("shape", [(37, 53, 3), (53, 37), (16, 17, 3), (33, 128)])
def test_images_of_many_blocks_equal_the_plain_reference(
    shape: tuple[int, ...], scale: float
) -> None:
    image = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    expected = plain_resize(image, enlarged_size(shape, scale), (scale, scale), "bicubic")
    np.testing.assert_array_equal(imresize(image, scale), expected)


@given(image=images(), length=st.integers(1, 28), axis=st.integers(0, 1), kernel=kernels)
def test_a_uint8_axis_of_any_new_length_is_rounded_to_the_nearest_level(
    image: Array, length: int, axis: int, kernel: Kernel
) -> None:
    size = (length, image.shape[1]) if axis == 0 else (image.shape[0], length)
    scale = length / image.shape[axis]
    exact = plain_axis(image.astype(np.float64), axis, length, scale, kernel).clip(0, 255)
    result = imresize(image, size=size, kernel=kernel)
    # Weights that are no binary fractions leave a tie to the last bit of a sum.
    assert np.abs(result - exact).max() <= 0.5 + 1e-9


@given(image=images(), scale=scales, kernel=kernels, double=st.booleans())
def test_float_images_equal_the_plain_reference_and_are_not_rounded_or_clamped(
    image: Array, scale: float, kernel: Kernel, double: bool
) -> None:
    dtype = np.float64 if double else np.float32
    values = (image.astype(np.float64) * 1.7 - 60.3).astype(dtype)
    expected = plain_resize(
        values.astype(np.float64), enlarged_size(image.shape, scale), (scale, scale), kernel
    )
    result = imresize(values, scale, kernel=kernel)
    assert result.dtype == dtype
    np.testing.assert_allclose(result, expected, atol=1e-10 if double else 1e-3)


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
@pytest.mark.parametrize("kernel", ["nearest", *SMOOTH])
def test_tiny_images_have_sides_of_scale_times_side_rounded_up(
    shape: tuple[int, ...], scale: float, kernel: Kernel
) -> None:
    image = np.arange(math.prod(shape), dtype=np.uint8).reshape(shape)
    result = imresize(image, scale, kernel=kernel)
    assert result.shape == (*enlarged_size(shape, scale), *shape[2:])
    assert result.dtype == np.uint8


@given(side=st.integers(1, 3000), scale=st.sampled_from((2, 3, 4, 8)))
def test_a_side_that_the_scale_divides_shrinks_without_remainder(side: int, scale: int) -> None:
    # A third is no binary fraction: (1/3)·side must not be rounded up to one pixel more.
    column = np.zeros((side * scale, 1), np.uint8)
    assert imresize(column, 1 / scale).shape == (side, 1)


@given(value=st.integers(0, 255), scale=scales, kernel=kernels, height=sides, width=sides)
def test_a_constant_image_stays_constant(
    value: int, scale: float, kernel: Kernel, height: int, width: int
) -> None:
    image = np.full((height, width, 3), value, np.uint8)
    assert np.all(imresize(image, scale, kernel=kernel) == value)
    np.testing.assert_allclose(
        imresize(image.astype(np.float64), scale, kernel=kernel), value, rtol=1e-12
    )


@given(data=st.data(), scale=st.sampled_from(EXACT_SCALES), kernel=kernels)
def test_resizing_a_mirrored_image_gives_the_mirrored_result(
    data: st.DataObject, scale: float, kernel: Kernel
) -> None:
    image = data.draw(images(multiple=max(1, round(1 / scale))))
    result = imresize(image, scale, kernel=kernel)
    for flip in (np.flipud, np.fliplr):
        np.testing.assert_array_equal(imresize(flip(image), scale, kernel=kernel), flip(result))


@given(image=images(multiple=3), scale=st.sampled_from((3, 1 / 3)))
def test_resizing_a_mirrored_image_by_thirds_differs_by_rounding_alone(
    image: Array, scale: float
) -> None:
    values = image.astype(np.float64)
    result = imresize(values, scale)
    for flip in (np.flipud, np.fliplr):
        np.testing.assert_allclose(imresize(flip(values), scale), flip(result), atol=1e-10)


@given(image=images(), scale=scales, kernel=kernels)
def test_resizing_a_transposed_float_image_gives_the_transposed_result(
    image: Array, scale: float, kernel: Kernel
) -> None:
    values = image.astype(np.float64)
    result = imresize(values.swapaxes(0, 1), scale, kernel=kernel)
    expected = imresize(values, scale, kernel=kernel).swapaxes(0, 1)
    np.testing.assert_allclose(result, expected, atol=1e-9)


@given(image=images(low=96, high=160), scale=scales)
def test_transposing_a_uint8_image_moves_a_value_by_two_levels_at_most(
    image: Array, scale: float
) -> None:
    # Rows come first on a tie, and each dimension rounds: ½ · Σ|weight| < 1, and ½ again.
    result = imresize(image.swapaxes(0, 1), scale).astype(int)
    expected = imresize(image, scale).swapaxes(0, 1)
    assert np.abs(result - expected).max() <= 2


@given(image=images(), factors=st.sampled_from([(1, 2), (3, 1), (2, 5), (4, 3)]))
def test_transposing_changes_nothing_where_the_scales_of_the_axes_differ(
    image: Array, factors: tuple[int, int]
) -> None:
    size = image.shape[0] * factors[0], image.shape[1] * factors[1]
    result = imresize(image.swapaxes(0, 1), size=size[::-1])
    np.testing.assert_array_equal(result, imresize(image, size=size).swapaxes(0, 1))


@given(image=images(), scale=scales, kernel=kernels)
def test_each_channel_is_resized_by_itself(image: Array, scale: float, kernel: Kernel) -> None:
    grey = image.reshape(*image.shape[:2], -1)[..., 0]
    colour = np.stack([grey, 255 - grey, grey // 2], axis=2)
    result = imresize(colour, scale, kernel=kernel)
    for channel in range(3):
        alone = imresize(colour[..., channel], scale, kernel=kernel)
        np.testing.assert_array_equal(result[..., channel], alone)


@given(image=images(), scale=scales)
def test_the_input_is_left_as_it_was_and_may_lie_in_memory_in_any_order(
    image: Array, scale: float
) -> None:
    before = image.copy()
    result = imresize(image, scale)
    np.testing.assert_array_equal(image, before)
    np.testing.assert_array_equal(imresize(np.asfortranarray(image), scale), result)
    wide = np.repeat(image, 2, axis=1)
    np.testing.assert_array_equal(imresize(wide[:, ::2], scale), result)


@given(image=images())
def test_a_scale_of_one_changes_nothing(image: Array) -> None:
    np.testing.assert_array_equal(imresize(image, 1), image)
    np.testing.assert_array_equal(imresize(image, size=(image.shape[0], image.shape[1])), image)


@given(
    n=st.integers(1, 40), length=st.integers(1, 40), kernel=st.sampled_from(("bicubic", "bilinear"))
)
def test_the_weights_of_every_output_sample_sum_to_one(n: int, length: int, kernel: str) -> None:
    indices, weights = taps(n, length, length / n, kernel)
    assert indices.shape == weights.shape
    assert len(weights) == length
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-12)


def test_enlarging_twice_by_cubic_has_the_weights_of_keys() -> None:
    # Keys (1981), a = −1/2, at distances 1.75, 0.75, 0.25 and 1.25, mirrored for the second phase.
    keys = [-0.0234375, 0.2265625, 0.8671875, -0.0703125]
    np.testing.assert_array_equal(upsampling_phases(2, "bicubic"), [[*keys, 0], [0, *keys[::-1]]])


def test_enlarging_twice_by_triangle_has_quarters_as_weights() -> None:
    np.testing.assert_array_equal(
        upsampling_phases(2, "bilinear"), [[0, 0.25, 0.75, 0, 0], [0, 0, 0.75, 0.25, 0]]
    )


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
@pytest.mark.parametrize("kernel", SMOOTH)
def test_the_phases_are_what_imresize_does_in_the_middle(scale: int, kernel: Kernel) -> None:
    impulse = np.zeros((1, 9))
    impulse[0, 4] = 1
    enlarged = imresize(impulse, size=(1, 9 * scale), kernel=kernel)[0].reshape(9, scale)
    phases = upsampling_phases(scale, kernel)
    for tap in range(5):
        np.testing.assert_allclose(enlarged[4 - (tap - 2)], phases[:, tap], atol=1e-14)


@given(image=images(), scale=st.sampled_from((2, 3, 4, 8)))
def test_nearest_repeats_each_pixel(image: Array, scale: int) -> None:
    expected = image.repeat(scale, axis=0).repeat(scale, axis=1)
    np.testing.assert_array_equal(imresize(image, scale, kernel="nearest"), expected)


@pytest.mark.parametrize(("scale", "picked"), [(2, 1), (3, 1), (4, 2), (8, 4)])
def test_nearest_picks_the_middle_pixel_and_the_later_of_two(scale: int, picked: int) -> None:
    row = np.arange(3 * scale, dtype=np.uint8)[None]
    result = imresize(row, size=(1, 3), kernel="nearest")
    np.testing.assert_array_equal(result[0], picked + scale * np.arange(3))


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
def test_options_that_make_no_image_raise_value_error(options: dict[str, Any]) -> None:
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
def test_what_is_no_image_raises_value_error(image: Array) -> None:
    with pytest.raises(ValueError, match="imresize takes"):
        imresize(image, 2)
