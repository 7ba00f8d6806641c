from io import BytesIO
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from srcnn.images.decode import decode
from srcnn.upscaling.metadata import Metadata
from srcnn.upscaling.png_writer import metadata_chunks, write_png_strips


@given(st.data(), st.sampled_from([np.uint8, np.uint16]), st.integers(1, 4), st.integers(1, 40))
def test_an_image_written_in_strips_is_read_whole(
    data: st.DataObject, dtype: npt.DTypeLike, channels: int, height: int
) -> None:
    width = data.draw(st.integers(1, 12))
    image = data.draw(arrays(dtype, (height, width, channels)))
    cuts = sorted(data.draw(st.sets(st.integers(1, height), max_size=4)) | {0, height})
    file = BytesIO()
    write_png_strips(file, (width, height), (image[a:b] for a, b in pairwise(cuts)))
    decoded = decode(file)
    read = np.asarray(decoded.image) if decoded.levels is None else decoded.levels
    assert (decoded.levels is not None) == (dtype == np.uint16)
    np.testing.assert_array_equal(read.reshape(image.shape), image)


def test_a_photograph_is_as_small_as_pillow_makes_it() -> None:
    y, x = np.mgrid[:200, :300]
    noise = np.random.default_rng(0).normal(0, 2, (200, 300, 3))
    image = (127 + 60 * np.sin(x / 40 + y / 90)[..., None] + noise).astype(np.uint8)
    ours, pillows = BytesIO(), BytesIO()
    write_png_strips(ours, (300, 200), [image])
    Image.fromarray(image).save(pillows, "PNG", compress_type=3)
    assert len(ours.getvalue()) < 1.01 * len(pillows.getvalue())


def test_chunks_before_the_pixels_are_kept() -> None:
    file = BytesIO()
    image = np.zeros((2, 3, 3), np.uint8)
    metadata = Metadata(icc=b"a profile", exif=b"Exif\0\0II*\0words")
    write_png_strips(file, (3, 2), [image], metadata_chunks(metadata))
    with Image.open(file) as read:
        read.load()
        assert read.info["icc_profile"] == b"a profile"
        assert read.info["exif"].endswith(b"II*\0words")


@pytest.mark.parametrize("strips", [[(2, 3)], [(2, 3), (3, 3)], [(4, 2)]])
def test_strips_that_do_not_add_up_are_an_error(strips: list[tuple[int, int]]) -> None:
    with pytest.raises(ValueError, match="in an image of"):
        write_png_strips(BytesIO(), (3, 4), (np.zeros((*size, 1), np.uint8) for size in strips))
