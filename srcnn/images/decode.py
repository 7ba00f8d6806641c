"""Decodes image files, turned upright, with all bits of 16-bit channels."""

import logging
import re
import sys
from dataclasses import dataclass
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import (
    ExifTags,
    Image,
    ImageFile,
    JpegImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    _imaging,
)

from srcnn.errors import InputError
from srcnn.images.jpeg_segments import check_segments
from srcnn.images.kinds import check_bmp, kind_of, whole_file
from srcnn.images.png_chunks import Png, read_png
from srcnn.images.tiff_directories import read_directories
from srcnn.utils.system import silence_libtiff

# [H, W, C] of uint8 or uint16. By the number of channels: grey, grey + alpha, RGB, RGBA.
PixelArray = npt.NDArray[Any]

_DEEP = re.compile(r"I;16[BN]?|LA;16B|(RGB|RGBX|RGBA);16[BLN]")  # 16 bits per channel in the file
_SWAPPED = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
_TO_UPRIGHT = {  # by EXIF's orientation
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_TIFF_COMPRESSIONS = (1, 2, 3, 4, 5, 7, 8, 32771, 32773, 32809, 32946, 34925, 50000)
_SIGNED = 2  # of the tag SampleFormat
_AVIF_HEADER = 2**16  # bytes that contain the codec's configuration
_SRGB = (1, 2), (1, 2, 6, 13)  # primaries and curves (ITU-T H.273) of sRGB, or not specified
_NUMBER_OF_PICTURES = 0xB001


silence_libtiff(_imaging.__file__)
logging.getLogger("PIL").setLevel(logging.CRITICAL)


def to_8_bits(pixels: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Round uint16 to uint8: round(v / 257). Returns uint8 unchanged."""
    if pixels.dtype == np.uint8:
        return pixels
    return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)


@dataclass
class DecodedFile:
    """An image file: its pixels, and what else was found in it."""

    image: ImageFile.ImageFile  # upright if `levels` is None, otherwise as opened, for its metadata
    kind: str  # a key of `srcnn.images.kinds.SUFFIXES`
    file: BinaryIO  # what Pillow reads: of some kinds, only a part of the original
    notes: list[str]  # what was left out
    png: Png | None = None  # the parts of a PNG
    is_lossless_webp: bool = False
    levels: npt.NDArray[np.uint16] | None = None  # of 16 bits per channel: [H, W] or [H, W, C]


def decode(file: BinaryIO) -> DecodedFile:
    """Decode an image with all its bits, turned upright.

    Raises:
        InputError: the file contains several images, or pixels of an unsupported type or layout.
        Exception: the file is damaged; the type depends on the decoder.
    """
    opened = _open(file)
    image = opened.image
    if image.mode in ("I", "F"):
        raise InputError("signed, 32-bit and float pixels are not supported; save it as 16-bit")
    layout = image.mode
    if image.tile:  # Pillow's raw mode describes the bytes in the file
        args: Any = image.tile[0].args
        layout = str(args if isinstance(args, str) else (args or ("",))[0])
    if "transparency" in image.info and image.mode != "P" and layout != image.mode:
        raise InputError("a transparent level of 2, 4 or 16 bits; save it with an alpha channel")
    is_deep = _DEEP.fullmatch(layout) is not None
    _check_tiff_layout(getattr(image, "tag_v2", {}), image.mode, is_deep)
    if is_deep:
        opened.levels = _16_bits(opened, layout)
    else:
        _turn_upright(image)
    return opened


def upright_size(file: BinaryIO) -> tuple[int, int]:
    """Width and height of the upright image, without decoding it; errors as in `decode`."""
    image = _open(file, pixels=False).image
    if image.format == "TIFF":
        return image.size  # Pillow has already turned it
    return image.size[::-1] if orientation(image) >= 5 else image.size


def orientation(image: Image.Image) -> int:
    """EXIF's orientation, from 1 to 8; 1 if it is absent or unreadable."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # damaged EXIF can raise anything
        return 1
    return value if value in _TO_UPRIGHT else 1


def _turn_upright(image: Image.Image) -> None:
    image.load()
    if (turn := _TO_UPRIGHT.get(orientation(image))) is not None:
        image.im = image.im.transpose(turn)
        image._size = image.im.size


def _open(file: BinaryIO, *, pixels: bool = True) -> DecodedFile:
    """Open an image without decoding it, after a check that decoding will end soon.

    A PNG opened without `pixels` cannot be decoded.
    """
    kind, png, is_lossless_webp = kind_of(file), None, False
    if kind == "png":
        png = read_png(file, pixels=pixels)
        file = png.pixels
    elif kind == "jpeg":
        check_segments(file)
    elif kind == "tiff":
        pages = read_directories(file)
        if [page.is_preview for page in pages] != [False] + [True] * (len(pages) - 1):
            raise InputError(f"{len(pages)} pages; save each as a file")
    elif kind == "bmp":
        check_bmp(file)
    elif kind in ("webp", "avif"):
        file = BytesIO(whole_file(file, kind))
        is_lossless_webp = _is_lossless_webp(file.getvalue())
    file.seek(0)
    try:
        image = Image.open(file, formats=[kind])
    except UnidentifiedImageError:
        reason = f"damaged, or {kind.upper()} of an unsupported kind; save it as PNG"
        raise InputError(reason) from None
    if png:
        image.info |= png.info
    frames = getattr(image, "n_frames", 1) if kind in ("webp", "avif") else 1
    if frames > 1:
        raise InputError(f"an animation of {frames} frames; save each as a file")
    notes = [*(png.notes if png else []), *_check_exif(image), *_describe_rest(image, file)]
    return DecodedFile(image, kind, file, notes, png, is_lossless_webp)


def _is_lossless_webp(data: bytes) -> bool:
    """Whether the first image in a RIFF file is WebP's lossless kind."""
    place = 12
    while place + 8 <= len(data):
        name = data[place : place + 4]
        if name in (b"VP8 ", b"VP8L"):
            return name == b"VP8L"
        length = int.from_bytes(data[place + 4 : place + 8], "little")
        place += 8 + length + length % 2
    return False


def _check_exif(image: Image.Image) -> list[str]:
    """Delete EXIF data that would take too long to read; returns a note if so."""
    exif = image.info.get("exif") or b""
    try:
        read_directories(BytesIO(exif.removeprefix(b"Exif\0\0")))
    except InputError:
        image.info["exif"] = b""
        return ["EXIF data dropped: too many tags or values"]
    return []


def _describe_rest(image: Image.Image, file: BinaryIO) -> list[str]:
    """What of the file this project does not read: further pictures, bits beyond 8 of an AVIF."""
    notes = []
    if isinstance(image, JpegImagePlugin.JpegImageFile) and "mp" in image.info:
        pictures = (image._getmp() or {}).get(_NUMBER_OF_PICTURES, 1)
        if pictures > 1:
            notes.append(f"the first of {pictures} pictures")
    if image.format == "AVIF":
        file.seek(0)
        head = file.read(_AVIF_HEADER)
        codec = re.search(rb"av1C..(.)", head, re.DOTALL)
        if codec and codec[1][0] & 0x40:
            notes.append("10 or 12 bits per channel rounded to 8")
        colours = re.search(rb"colrnclx\0(.)\0(.)", head, re.DOTALL)
        if colours and (colours[1][0] not in _SRGB[0] or colours[2][0] not in _SRGB[1]):
            notes.append("colours read as sRGB")
    return notes


def _check_tiff_layout(tags: Any, mode: str, is_deep: bool) -> None:
    """Raise InputError if Pillow would give another picture; `tags` are a TIFF's, or empty."""
    compression = tags.get(TiffImagePlugin.COMPRESSION, 1)
    if compression not in _TIFF_COMPRESSIONS:
        raise InputError(f"TIFF compression {compression} is not supported; save it as deflate")
    if _SIGNED in tags.get(TiffImagePlugin.SAMPLEFORMAT, ()):
        raise InputError("signed pixels are not supported; save it with unsigned ones")
    in_planes = tags.get(TiffImagePlugin.PLANAR_CONFIGURATION) == 2
    if in_planes and mode in ("LA", "La"):
        raise InputError("grey and alpha in separate planes; save it with interleaved channels")
    is_white_zero = tags.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == 0
    is_16_bit = is_deep or max(tags.get(TiffImagePlugin.BITSPERSAMPLE, (8,))) > 8
    if is_16_bit and (not is_deep or in_planes or is_white_zero):
        raise InputError("more than 8 bits per channel in a rare layout; save it as a 16-bit PNG")


def _16_bits(opened: DecodedFile, layout: str) -> npt.NDArray[np.uint16]:
    """The levels, [H, W] or [H, W, C]."""
    # Pillow keeps only the high bytes of several 16-bit channels. It is made to return the low
    # bytes by naming the opposite byte order, and all four bytes of grey with alpha by naming RGBA.
    if layout.startswith("I"):
        return _read_as(layout, opened).astype(np.uint16)
    if layout.startswith("LA"):
        four = _read_as("RGBA", opened)
        return _join_bytes(four[..., ::2], four[..., 1::2])
    swapped = layout[:-1] + _SWAPPED[layout[-1]]
    return _join_bytes(_read_as(layout, opened), _read_as(swapped, opened))


def _join_bytes(high: npt.NDArray[Any], low: npt.NDArray[Any]) -> npt.NDArray[np.uint16]:
    return (high.astype(np.uint16) << 8) | low


def _read_as(layout: str, opened: DecodedFile) -> npt.NDArray[Any]:
    """Decode an image, upright, as if its bytes had this layout."""
    opened.file.seek(0)
    image = Image.open(opened.file, formats=[opened.kind])
    image.info = opened.image.info  # for the orientation
    for place, tile in enumerate(image.tile):
        args: Any = layout if isinstance(tile.args, str) else (layout, *(tile.args or ())[1:])
        image.tile[place] = tile._replace(args=args)
    _turn_upright(image)
    return np.asarray(image)
