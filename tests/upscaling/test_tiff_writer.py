import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import ExifTags, Image

from srcnn.images.decode import PixelArray
from srcnn.upscaling import tiff_writer
from srcnn.upscaling.metadata import NO_METADATA, Metadata
from srcnn.upscaling.tiff_writer import write_tiff_strips


def written(levels: PixelArray, rows: int, metadata: Metadata = NO_METADATA) -> bytes:
    buffer = io.BytesIO()
    strips = (levels[top : top + rows] for top in range(0, len(levels), rows))
    write_tiff_strips(buffer, (levels.shape[1], levels.shape[0]), strips, metadata)
    return buffer.getvalue()


@given(
    arrays.arrays(
        st.sampled_from([np.uint8, np.uint16]).map(np.dtype[Any]),
        st.tuples(st.integers(1, 70), st.integers(1, 20), st.integers(1, 4)),
    ),
    st.sampled_from([1, 7, 16, 48, 100]),
)
def test_every_pixel_comes_back(levels: PixelArray, rows: int) -> None:
    for big in (False, True):
        with pytest.MonkeyPatch.context() as patch:
            if big:
                patch.setattr(tiff_writer, "CLASSIC_BYTES", 0)
            file = written(levels, rows)
        with tifffile.TiffFile(io.BytesIO(file)) as opened:
            assert opened.is_bigtiff == big
            assert opened.asarray().reshape(levels.shape).tolist() == levels.tolist()
            assert opened.pages.first.samplesperpixel == levels.shape[2]
        if levels.dtype == np.uint8:
            with Image.open(io.BytesIO(file)) as image:
                assert np.array_equal(np.asarray(image).reshape(levels.shape), levels)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_profile_and_exif_data_are_kept(dtype: Any) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Größe".encode()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ExposureTime] = 0.25
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.LensModel] = "50 mm"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (47.0, 22.0, 30.5)
    metadata = Metadata(icc=b"a profile", exif=exif.tobytes())
    file = written(np.zeros((40, 30, 3), dtype), 16, metadata)
    with Image.open(io.BytesIO(file)) as image:
        read = image.getexif()
        assert read[ExifTags.Base.Make].encode("latin-1").decode() == "Größe"
        assert dict(read.get_ifd(ExifTags.IFD.Exif)) == {
            ExifTags.Base.ExposureTime: 0.25,
            ExifTags.Base.LensModel: "50 mm",
        }
        assert read.get_ifd(ExifTags.IFD.GPSInfo) == {ExifTags.GPS.GPSLatitude: (47.0, 22.0, 30.5)}
        assert image.info["icc_profile"] == b"a profile"


def test_a_smooth_picture_compresses_well(tmp_path: Path) -> None:
    ramp = np.tile(np.arange(300, dtype=np.uint16)[:, None], (200, 1, 3)) * 90
    assert len(written(ramp, 96)) < ramp.nbytes / 50


def test_strips_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValueError, match="2 strips of 16 rows in an image of 48 rows"):
        write_tiff_strips(io.BytesIO(), (4, 48), iter([np.zeros((32, 4, 3), np.uint8)]))
