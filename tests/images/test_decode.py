"""Images with more than 8 bits per channel are read correctly or refused."""

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from PIL import Image

from srcnn.errors import InputError
from srcnn.images.image_io import image_size, read_photo
from tests.png_files import png_file, png_of

OneLine = Callable[[Any], str]
Values = npt.NDArray[np.uint16]

CHANNELS = {"grey": (), "RGB": (3,), "RGBA": (4,)}
TIFFS: dict[str, dict[str, Any]] = {
    "TIFF, little-endian": {"byteorder": "<"},
    "TIFF, big-endian": {"byteorder": ">"},
    "TIFF, little-endian, deflated": {"byteorder": "<", "compression": "zlib"},
    "TIFF, big-endian, deflated": {"byteorder": ">", "compression": "zlib", "predictor": True},
}


def tiff_file(values: npt.NDArray[Any], **options: Any) -> bytes:
    buffer = io.BytesIO()
    kind = "minisblack" if values.ndim == 2 else "rgb"
    tifffile.imwrite(buffer, values, **{"photometric": kind, "metadata": None} | options)
    return buffer.getvalue()


def encoded(values: Values, kind: str) -> bytes:
    return png_file(values) if kind == "PNG" else tiff_file(values, **TIFFS[kind])


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("kind", ["PNG", *TIFFS])
def test_16_bits_are_rounded_to_the_nearest_of_8(kind: str, channels: str) -> None:
    # The high byte alone would be 0 of 129, and 255 of 65406.
    levels = np.array([0, 128, 129, 51400, 51528, 51529, 65406, 65407, 65535], np.uint16)
    rounded = np.array([0, 0, 1, 200, 200, 201, 254, 255, 255])
    values = np.full((1, 9, *CHANNELS[channels]), 65535, np.uint16)
    values.reshape(9, -1)[:, :3] = levels[:, None]
    picture = read_photo(encoded(values, kind))
    np.testing.assert_array_equal(picture.pixels[0], np.repeat(rounded[:, None], 3, axis=1))
    assert picture.conversion == {"RGB": "16-bit"}.get(channels, f"16-bit {channels}")
    assert picture.mode == {"grey": "L;16"}.get(channels, f"{channels};16")


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("kind", ["PNG", *TIFFS])
def test_16_bit_values_stay_in_their_pixels(kind: str, channels: str) -> None:
    shape = (5, 7, *CHANNELS[channels])
    values = np.random.default_rng(1).integers(0, 65536, shape, dtype=np.uint16)
    if channels == "RGBA":
        values[..., 3] = 65535
    colours = np.rint(values / 257).reshape(5, 7, -1)[..., :3]
    pixels = read_photo(encoded(values, kind)).pixels
    np.testing.assert_array_equal(pixels, np.broadcast_to(colours, (5, 7, 3)))


@pytest.mark.parametrize("kind", ["PNG", *TIFFS])
def test_16_bit_alpha_is_shown_on_white(kind: str) -> None:
    values = np.zeros((1, 3, 4), np.uint16)
    values[0] = [(2570, 5140, 7710, 65535), (2570, 5140, 7710, 0), (0, 0, 0, 51 * 257)]
    pixels = read_photo(encoded(values, kind)).pixels
    np.testing.assert_array_equal(pixels[0], [(10, 20, 30), (255, 255, 255), (204, 204, 204)])


def test_16_bit_grey_with_alpha_is_shown_on_white() -> None:
    values = np.array([[(129, 65535), (65406, 65535), (129, 0), (0, 51 * 257)]], np.uint16)
    picture = read_photo(png_file(values))
    np.testing.assert_array_equal(picture.pixels[0, :, 0], [1, 254, 255, 204])
    assert picture.conversion == "16-bit grey with alpha"
    assert picture.mode == "LA;16"


@pytest.mark.parametrize("layout", [{"tile": (16, 16)}, {"rowsperstrip": 7}])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_16_bit_tiff_can_have_tiles_or_strips(
    layout: dict[str, Any], compression: str | None
) -> None:
    values = np.random.default_rng(2).integers(0, 65536, (40, 50, 3), dtype=np.uint16)
    pixels = read_photo(tiff_file(values, compression=compression, **layout)).pixels
    np.testing.assert_array_equal(pixels, np.rint(values / 257))


def test_an_extra_channel_of_a_16_bit_tiff_is_ignored() -> None:
    values = np.random.default_rng(3).integers(0, 65536, (4, 5, 4), dtype=np.uint16)
    pixels = read_photo(tiff_file(values, extrasamples="unspecified")).pixels
    np.testing.assert_array_equal(pixels, np.rint(values[..., :3] / 257))


def turned(kind: str, values: Values) -> bytes:
    """A file with the EXIF orientation of 90° clockwise."""
    if kind != "PNG":
        return tiff_file(values, extratags=[(274, "H", 1, 6, True)], **TIFFS[kind])
    exif = Image.Exif()
    exif[274] = 6
    return png_file(values, (b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0")))


@pytest.mark.parametrize("channels", [(), (3,)])
@pytest.mark.parametrize("kind", ["PNG", *TIFFS])
def test_a_16_bit_image_is_turned_upright(kind: str, channels: tuple[int, ...]) -> None:
    values = np.random.default_rng(4).integers(0, 65536, (3, 4, *channels), dtype=np.uint16)
    file = turned(kind, values)
    colours = np.rot90(np.rint(values / 257), -1).reshape(4, 3, -1)
    np.testing.assert_array_equal(read_photo(file).pixels, np.broadcast_to(colours, (4, 3, 3)))
    assert image_size(file) == (3, 4)


def test_16_bit_grey_with_alpha_is_turned_upright() -> None:
    values = np.array([[(0, 65535), (25700, 65535)]], np.uint16)
    pixels = read_photo(turned("PNG", values)).pixels
    np.testing.assert_array_equal(pixels[..., 0], [[0], [100]])


def twelve_bits() -> bytes:
    file = tiff_file(np.zeros((4, 4), np.uint16))
    bits = struct.pack("<HHI", 258, 3, 1)  # the tag BitsPerSample: one short number
    assert file.count(bits + b"\x10") == 1
    return file.replace(bits + b"\x10", bits + b"\x0c")


def two_bits_with_a_transparent_level() -> bytes:
    header = (b"IHDR", struct.pack(">IIBBBBB", 4, 1, 2, 0, 0, 0, 0))
    return png_of(header, (b"tRNS", b"\0\1"), (b"IDAT", zlib.compress(b"\0\x1b")), (b"IEND", b""))


RGB16 = np.zeros((4, 5, 3), np.uint16)
CMYK16 = np.zeros((4, 5, 4), np.uint16)
PLANES16 = np.zeros((3, 4, 5), np.uint16)
GREY16 = np.zeros((4, 5), np.uint16)
REFUSED: dict[str, Callable[[], bytes]] = {
    "planar": lambda: tiff_file(PLANES16, planarconfig="separate"),
    "planar, deflated": lambda: tiff_file(PLANES16, planarconfig="separate", compression="zlib"),
    "premultiplied": lambda: tiff_file(CMYK16, extrasamples="assocalpha"),
    "CMYK": lambda: tiff_file(CMYK16, photometric="separated"),
    "white is zero": lambda: tiff_file(GREY16, photometric="miniswhite"),
    "white is zero, deflated": lambda: tiff_file(
        GREY16, photometric="miniswhite", compression="zlib"
    ),
    "12 bits": twelve_bits,
    "32 bits": lambda: tiff_file(GREY16.astype(np.uint32)),
    "signed": lambda: tiff_file(GREY16.astype(np.int16)),
    "real": lambda: tiff_file(GREY16.astype(np.float32)),
    "transparent 16-bit grey": lambda: png_file(GREY16, (b"tRNS", bytes(2))),
    "transparent 16-bit colour": lambda: png_file(RGB16, (b"tRNS", bytes(6))),
    "transparent 2-bit grey": two_bits_with_a_transparent_level,
}


@pytest.mark.parametrize("kind", REFUSED)
def test_unsupported_layouts_are_refused_with_advice(kind: str, one_line: OneLine) -> None:
    with pytest.raises(InputError) as caught:
        read_photo(REFUSED[kind](), "deep.file")
    assert one_line(caught).startswith("deep.file: ")
    assert "; save it " in one_line(caught)


@pytest.mark.parametrize("dtype", [np.float32, np.uint32, np.float16])
def test_unsupported_pixel_types_are_refused(dtype: npt.DTypeLike, one_line: OneLine) -> None:
    with pytest.raises(InputError) as caught:
        read_photo(tiff_file(RGB16.astype(dtype)), "deep.tif")
    assert one_line(caught).startswith("deep.tif: ")


def test_16_bit_grey_with_alpha_in_a_tiff_is_refused(one_line: OneLine) -> None:
    file = tiff_file(
        np.zeros((4, 5, 2), np.uint16), photometric="minisblack", extrasamples="unassalpha"
    )
    with pytest.raises(InputError) as caught:
        read_photo(file, "deep.tif")
    assert one_line(caught).startswith("deep.tif: ")


@pytest.mark.parametrize("kind", ["PNG", *TIFFS])
def test_a_16_bit_image_cut_short_is_named_in_one_line(kind: str, one_line: OneLine) -> None:
    values = np.random.default_rng(5).integers(0, 65536, (40, 50, 3), dtype=np.uint16)
    with pytest.raises(InputError) as caught:
        read_photo(encoded(values, kind)[:9000], "cut.file")
    assert one_line(caught).startswith("cut.file: ")
