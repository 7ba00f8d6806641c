import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from srcnn.images.resize import Kernel, imresize, taps
from tests.small_images import (
    FACTORS,
    FLOATS,
    SCALES,
    Array,
    float_images,
    images,
    kernels,
    scales,
    sides,
    smooth,
)

FLIPS = (np.flipud, np.fliplr)


@given(value=st.integers(0, 255), scale=scales, kernel=kernels, height=sides, width=sides)
def test_a_constant_image_stays_constant(
    value: int, scale: float, kernel: Kernel, height: int, width: int
) -> None:
    image = np.full((height, width, 3), value, np.uint8)
    assert np.all(imresize(image, scale, kernel=kernel) == value)
    for dtype in FLOATS:
        result = imresize(image.astype(dtype), scale, kernel=kernel)
        np.testing.assert_allclose(result, value, rtol=4 * float(np.finfo(dtype).eps))


@given(length=st.integers(1, 40), scale=st.one_of(scales, st.floats(0.05, 20)), kernel=smooth)
def test_the_weights_of_every_output_sample_sum_to_one(
    length: int, scale: float, kernel: str
) -> None:
    indices, weights = taps(length, scale, kernel)
    assert indices.shape == weights.shape
    assert len(weights) == length
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-12)


@pytest.mark.parametrize("scale", SCALES)
def test_overshoot_beside_an_edge_is_clamped_in_uint8_and_kept_in_float(scale: float) -> None:
    edge = np.zeros((72, 72), np.uint8)
    edge[:, 36:] = 255
    result, unclamped = imresize(edge, scale), imresize(edge.astype(float), scale)
    assert unclamped.min() < -1
    assert unclamped.max() > 256
    np.testing.assert_array_equal(result[unclamped < 0], 0)
    np.testing.assert_array_equal(result[unclamped > 255], 255)


@given(data=st.data(), factor=st.sampled_from(FACTORS), kernel=smooth)
def test_resizing_a_mirrored_image_gives_the_mirrored_result(
    data: st.DataObject, factor: int, kernel: Kernel
) -> None:
    for scale, image in (
        (factor, data.draw(images())),
        (1 / factor, data.draw(images(multiple=factor))),
    ):
        result = imresize(image, scale, kernel=kernel)
        for flip in FLIPS:
            np.testing.assert_array_equal(imresize(flip(image), scale, kernel=kernel), flip(result))


@given(image=float_images(), height=sides, width=sides, kernel=smooth)
def test_mirroring_a_float_image_changes_its_result_by_rounding_alone(
    image: Array, height: int, width: int, kernel: Kernel
) -> None:
    result = imresize(image, size=(height, width), kernel=kernel)
    tolerance = 1e3 * np.finfo(image.dtype).eps
    for flip in FLIPS:
        flipped = imresize(flip(image), size=(height, width), kernel=kernel)
        np.testing.assert_allclose(flipped, flip(result), atol=tolerance)


@given(image=float_images(), scale=scales, kernel=smooth)
def test_transposing_a_float_image_changes_its_result_by_rounding_alone(
    image: Array, scale: float, kernel: Kernel
) -> None:
    result = imresize(image.swapaxes(0, 1), scale, kernel=kernel)
    expected = imresize(image, scale, kernel=kernel).swapaxes(0, 1)
    np.testing.assert_allclose(result, expected, atol=1e3 * np.finfo(image.dtype).eps)


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


@given(image=st.one_of(images(), float_images()), scale=scales, kernel=kernels)
def test_the_input_is_left_as_it_was_and_may_lie_in_memory_in_any_order(
    image: Array, scale: float, kernel: Kernel
) -> None:
    before = image.copy()
    result = imresize(image, scale, kernel=kernel)
    np.testing.assert_array_equal(image, before)
    np.testing.assert_array_equal(imresize(np.asfortranarray(image), scale, kernel=kernel), result)
    wide = np.repeat(image, 2, axis=1)
    np.testing.assert_array_equal(imresize(wide[:, ::2], scale, kernel=kernel), result)


@given(image=st.one_of(images(), float_images()), kernel=kernels)
def test_a_scale_of_one_changes_nothing(image: Array, kernel: Kernel) -> None:
    height, width = image.shape[:2]
    np.testing.assert_array_equal(imresize(image, 1, kernel=kernel), image)
    np.testing.assert_array_equal(imresize(image, size=(height, width), kernel=kernel), image)
