"""Which PNG files contain nothing but pixels and can be copied."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from srcnn.images.image_io import RGB8, read_photo, write_png
from tests.png_files import Chunk, png_chunk, png_file

PIXELS: RGB8 = np.random.default_rng(0).integers(0, 256, (3, 4, 3), dtype=np.uint8)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
EXIF = b"II*\0\x08\0\0\0\0\0\0\0\0\0"  # no entries
PHYS = (b"pHYs", struct.pack(">IIB", 2835, 2835, 1))
TIME = (b"tIME", struct.pack(">H5B", 2020, 1, 2, 3, 4, 5))


def is_plain(file: bytes) -> bool:
    return read_photo(file).plain_png


def encoded(image: Image.Image, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def test_a_png_that_is_written_is_plain(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", PIXELS)
    assert read_photo(tmp_path / "a.png").plain_png


@pytest.mark.parametrize("chunks", [(), ((b"sRGB", b"\0"),), (PHYS,), (TIME, PHYS)])
def test_a_png_with_harmless_metadata_is_plain(chunks: tuple[Chunk, ...]) -> None:
    assert is_plain(png_file(PIXELS, *chunks))
    assert is_plain(png_file(PIXELS, after=chunks))


@pytest.mark.parametrize(
    "chunk",
    [
        (b"iCCP", b"sRGB\0\0" + zlib.compress(SRGB)),
        (b"gAMA", struct.pack(">I", 45455)),
        (b"tRNS", bytes(6)),
        (b"eXIf", EXIF),
        (b"tEXt", b"Comment\0a word"),
        (b"cICP", b"\x09\x10\0\1"),
        (b"prIv", b"who knows"),
    ],
)
def test_a_png_with_other_metadata_is_not_plain(chunk: Chunk) -> None:
    file = png_file(PIXELS, chunk)
    np.testing.assert_array_equal(read_photo(file).pixels, PIXELS)
    assert not is_plain(file)


def test_a_png_with_exif_data_after_its_pixels_is_not_plain() -> None:
    assert not is_plain(png_file(PIXELS, after=((b"eXIf", EXIF),)))


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_a_png_of_another_number_of_channels_is_not_plain(channels: int) -> None:
    assert not is_plain(png_file(np.full((3, 4, channels), 255, np.uint8)))


def test_a_png_of_16_bits_is_not_plain() -> None:
    assert not is_plain(png_file(PIXELS.astype(np.uint16)))


def test_a_png_with_a_palette_is_not_plain() -> None:
    assert not is_plain(encoded(Image.fromarray(PIXELS).quantize()))


@pytest.mark.parametrize("kind", ["JPEG", "TIFF", "BMP", "WEBP"])
def test_a_file_of_another_format_is_not_a_plain_png(kind: str) -> None:
    assert not is_plain(encoded(Image.fromarray(PIXELS), kind))


@pytest.mark.parametrize("name", [b"IDAT", b"IEND"])
def test_a_png_with_a_wrong_checksum_is_not_plain(name: bytes) -> None:
    file = bytearray(png_file(PIXELS))
    end = file.index(b"IEND") - 4 if name == b"IDAT" else len(file)
    file[end - 1] ^= 1
    np.testing.assert_array_equal(read_photo(bytes(file)).pixels, PIXELS)
    assert not is_plain(bytes(file))


@pytest.mark.parametrize("trailing", [b"\0", b"words that follow", png_chunk(b"IEND", b"")])
def test_a_png_with_anything_behind_its_end_is_not_plain(trailing: bytes) -> None:
    file = png_file(PIXELS) + trailing
    np.testing.assert_array_equal(read_photo(file).pixels, PIXELS)
    assert not is_plain(file)


def test_a_png_without_its_end_is_not_plain() -> None:
    file = png_file(PIXELS).removesuffix(png_chunk(b"IEND", b""))
    np.testing.assert_array_equal(read_photo(file).pixels, PIXELS)
    assert not is_plain(file)
