"""Colour: profiles, sRGB and ignored colour information."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from srcnn.images.image_io import RGB8, read_photo
from tests.png_files import png_file


def numbers(*values: float) -> bytes:
    """An ICC tag of XYZ numbers."""
    return struct.pack(f">4sI{len(values)}i", b"XYZ ", 0, *(round(65536 * v) for v in values))


def gamma(exponent: float) -> bytes:
    """An ICC tag of a curve."""
    return struct.pack(">4sIIHH", b"curv", 0, 1, round(256 * exponent), 0)


def profile(space: bytes, name: str, tags: dict[bytes, bytes]) -> bytes:
    """An ICC profile of version 2 for a display, by its colour space, `RGB ` or `GRAY`."""
    described = struct.pack(">4sII", b"desc", 0, len(name) + 1) + name.encode() + bytes(79)
    white = (0.9642, 1, 0.8249)
    tags = {b"desc": described, b"wtpt": numbers(*white)} | tags
    table, bodies = struct.pack(">I", len(tags)), b""
    for tag, body in tags.items():
        table += struct.pack(">4sII", tag, 132 + 12 * len(tags) + len(bodies), len(body))
        bodies += body + bytes(-len(body) % 4)
    header = struct.pack(
        ">I4xI4s4s4s6H4s28x12s48x",
        *(128 + len(table) + len(bodies), 0x02100000, b"mntr", space, b"XYZ "),
        *(2000, 1, 1, 0, 0, 0, b"acsp", numbers(*white)[8:]),
    )
    return header + table + bodies


def rgb_profile(name: str, exponent: float, *primaries: tuple[float, float, float]) -> bytes:
    tags = {b"rXYZ": primaries[0], b"gXYZ": primaries[1], b"bXYZ": primaries[2]}
    curves = dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), gamma(exponent))
    return profile(b"RGB ", name, {tag: numbers(*xyz) for tag, xyz in tags.items()} | curves)


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
SRGB_PRIMARIES = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7139))
# The primaries of Adobe RGB (1998), adapted to D50, and its gamma of 563/256.
ADOBE = rgb_profile(
    "Adobe RGB",
    563 / 256,
    *((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457)),
)
LINEAR_GREY = profile(b"GRAY", "Linear grey", {b"kTRC": gamma(1)})
COLOURS = np.array([[(200, 100, 50), (90, 140, 70), (128, 128, 128), (255, 255, 255)]], np.uint8)
# Worked out from the definitions of both spaces.
COLOURS_OF_ADOBE = [(227.07, 100.07, 42.35), (52.53, 141.27, 62.71), (129.03,) * 3, (255,) * 3]


def file_of(picture: Image.Image | RGB8, icc_profile: bytes, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    options: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
    image.save(buffer, kind, icc_profile=icc_profile, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_a_profile_is_applied_and_named(kind: str) -> None:
    photo = read_photo(file_of(COLOURS, ADOBE, kind))
    np.testing.assert_allclose(photo.pixels[0], COLOURS_OF_ADOBE, atol=1.01)
    assert photo.conversion == "ICC profile Adobe RGB"
    assert photo.ignored is None


def test_a_profile_is_applied_to_a_jpeg() -> None:
    flat = np.broadcast_to(COLOURS[:, :1], (16, 16, 3))
    photo = read_photo(file_of(flat, ADOBE, "JPEG"))
    np.testing.assert_allclose(photo.pixels[8, 8], COLOURS_OF_ADOBE[0], atol=4)


def test_a_profile_is_applied_to_16_bits() -> None:
    compressed = b"Adobe RGB\0\0" + zlib.compress(ADOBE)
    photo = read_photo(png_file(COLOURS.astype(np.uint16) * 257, (b"iCCP", compressed)))
    np.testing.assert_allclose(photo.pixels[0], COLOURS_OF_ADOBE, atol=1.01)
    assert photo.conversion == "16-bit, ICC profile Adobe RGB"


def test_a_profile_is_applied_before_transparent_pixels_become_white() -> None:
    rgba = np.dstack([COLOURS, np.array([[255, 0, 255, 255]], np.uint8)])
    photo = read_photo(file_of(rgba, ADOBE))
    np.testing.assert_allclose(photo.pixels[0, 0], COLOURS_OF_ADOBE[0], atol=1.01)
    np.testing.assert_array_equal(photo.pixels[0, 1], 255)
    assert photo.conversion == "RGBA, ICC profile Adobe RGB"


def test_a_profile_is_applied_to_the_colours_of_a_palette() -> None:
    picture = Image.new("P", (1, 1), 0)
    picture.putpalette([200, 100, 50])
    photo = read_photo(file_of(picture, ADOBE))
    np.testing.assert_allclose(photo.pixels[0, 0], COLOURS_OF_ADOBE[0], atol=1.01)
    assert photo.conversion == "palette, ICC profile Adobe RGB"


# Of light that is proportional to the level, in sRGB.
LINEAR = {0: 0, 13: 63.8, 55: 127.95, 128: 187.8, 255: 255}


@pytest.mark.parametrize("alpha", [False, True])
def test_the_profile_of_a_grey_image_is_applied(alpha: bool) -> None:
    grey = Image.fromarray(np.array([list(LINEAR)], np.uint8))
    if alpha:
        grey.putalpha(255)
    photo = read_photo(file_of(grey, LINEAR_GREY))
    expected = np.array(list(LINEAR.values()))
    np.testing.assert_allclose(photo.pixels[0], np.stack([expected] * 3, axis=1), atol=1.01)
    kind = "grey with alpha" if alpha else "grey"
    assert photo.conversion == f"{kind}, ICC profile Linear grey"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_an_srgb_profile_changes_nothing(kind: str) -> None:
    photo = read_photo(file_of(COLOURS, SRGB, kind))
    without = io.BytesIO()
    options: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
    Image.fromarray(COLOURS).save(without, kind, **options)
    np.testing.assert_array_equal(photo.pixels, read_photo(without.getvalue()).pixels)
    assert photo.conversion is None
    assert photo.ignored is None


def test_a_grey_image_with_an_srgb_profile_is_not_changed() -> None:
    levels = np.arange(256, dtype=np.uint8)[None]
    photo = read_photo(file_of(Image.fromarray(levels), SRGB))
    np.testing.assert_array_equal(photo.pixels, np.stack([levels] * 3, axis=2))
    assert photo.conversion == "grey"
    assert photo.ignored is None


def test_a_gamma_with_the_primaries_of_srgb_is_not_srgb() -> None:
    photo = read_photo(file_of(COLOURS, rgb_profile("Gamma 1.8", 1.8, *SRGB_PRIMARIES)))
    # 255 · encode((128 / 255) ^ 1.8), by the curve of sRGB
    np.testing.assert_allclose(photo.pixels[0, 2], 146.4, atol=1.01)
    assert photo.conversion == "ICC profile Gamma 1.8"


def test_a_profile_with_an_unprintable_name_is_named_in_one_line() -> None:
    photo = read_photo(file_of(COLOURS, rgb_profile("two\nlines\x1b", 1.8, *SRGB_PRIMARIES)))
    assert photo.conversion == "ICC profile two lines"


@pytest.mark.parametrize("damaged", [b"no profile", SRGB[:200], ADOBE[:300], bytes(500)])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_a_damaged_profile_is_reported_and_the_image_read_as_srgb(
    kind: str, damaged: bytes
) -> None:
    photo = read_photo(file_of(COLOURS, damaged, kind))
    np.testing.assert_array_equal(photo.pixels, COLOURS)
    assert photo.conversion is None
    assert photo.ignored == "unreadable ICC profile"


def test_a_profile_that_cannot_be_unpacked_is_reported() -> None:
    photo = read_photo(png_file(COLOURS, (b"iCCP", b"name\0\0not compressed")))
    np.testing.assert_array_equal(photo.pixels, COLOURS)
    assert photo.ignored == "unreadable ICC profile"


def test_a_profile_for_other_channels_is_reported() -> None:
    photo = read_photo(file_of(COLOURS, LINEAR_GREY))
    np.testing.assert_array_equal(photo.pixels, COLOURS)
    assert photo.conversion is None
    assert photo.ignored == "ICC profile Linear grey for GRAY images"


GAMMA = {name: (b"gAMA", struct.pack(">I", v)) for name, v in (("sRGB", 45455), ("1", 100_000))}
PRIMARIES = {
    "sRGB": (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000),
    "P3": (31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000),
}
CHROMATICITIES = {name: (b"cHRM", struct.pack(">8I", *xy)) for name, xy in PRIMARIES.items()}


@pytest.mark.parametrize(
    ("chunks", "ignored"),
    [
        ((GAMMA["1"],), "PNG gAMA"),
        ((CHROMATICITIES["P3"],), "PNG cHRM"),
        ((GAMMA["1"], CHROMATICITIES["P3"]), "PNG gAMA and cHRM"),
        ((GAMMA["sRGB"], CHROMATICITIES["sRGB"]), None),
        ((GAMMA["1"], (b"sRGB", b"\0")), None),  # which overrides it
        ((GAMMA["1"], (b"iCCP", b"sRGB\0\0" + zlib.compress(SRGB))), None),  # and so does this
    ],
)
def test_colour_chunks_of_a_png_without_a_profile_are_reported(
    chunks: tuple[tuple[bytes, bytes], ...], ignored: str | None
) -> None:
    photo = read_photo(png_file(COLOURS, *chunks))
    np.testing.assert_array_equal(photo.pixels, COLOURS)
    assert photo.ignored == ignored
    assert photo.conversion is None
