import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy.ndimage import distance_transform_edt

from srcnn.upscaling.transparency import fill_transparent


@given(
    arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=24)),
    st.sampled_from([np.uint8, np.uint16]),
)
def test_a_transparent_pixel_gets_the_colour_of_the_nearest_visible_one(
    hidden: np.ndarray, dtype: type
) -> None:
    hidden.flat[0] = False
    number = np.arange(hidden.size).reshape(hidden.shape)  # a colour for each pixel
    image: np.ndarray = np.dstack([number % 256, number // 256, 0 * number, ~hidden]).astype(dtype)
    filled = fill_transparent(image).astype(int)
    rows, columns = np.divmod(filled[..., 0] + 256 * filled[..., 1], hidden.shape[1])
    assert not hidden[rows, columns].any()
    own_rows, own_columns = np.indices(hidden.shape)
    found = np.hypot(rows - own_rows, columns - own_columns)
    np.testing.assert_allclose(found, distance_transform_edt(hidden), rtol=1e-12)
    np.testing.assert_array_equal(filled[~hidden], image[~hidden])
    np.testing.assert_array_equal(filled[..., 3], image[..., 3])


def test_an_image_of_one_row_is_filled_from_both_sides() -> None:
    alpha = np.zeros((1, 100_000), np.uint8)
    alpha[0, [10, 90_000]] = 255
    image = np.stack([np.where(alpha > 0, [[7]], 1).astype(np.uint8), alpha], -1)
    image[0, 90_000, 0] = 9
    filled = fill_transparent(image)[0, :, 0]
    assert (filled[:45_000] == 7).all()
    assert (filled[45_010:] == 9).all()
