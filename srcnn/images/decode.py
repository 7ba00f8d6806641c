"""Decodes image files, turned upright, with all bits of 16-bit channels."""

import re
import sys
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageFile, ImageOps, TiffImagePlugin

from srcnn.errors import InputError
from srcnn.images.png_chunks import chunks

# [H, W, C] of uint8 or uint16. By the number of channels: grey, grey + alpha, RGB, RGBA.
PixelArray = npt.NDArray[Any]

_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP")
_DEEP = re.compile(r"I;16[BN]?|LA;16B|(RGB|RGBX|RGBA);16[BLN]")  # 16 bits per channel in the file
_SWAPPED = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}


def to_8_bits(pixels: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Round uint16 to uint8: round(v / 257). Returns uint8 unchanged."""
    if pixels.dtype == np.uint8:
        return pixels
    return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)


def decode(file: BinaryIO) -> tuple[Image.Image, npt.NDArray[np.uint16] | None]:
    """Decode an image with all its bits.

    Returns:
        for 8 bits per channel: the upright image and None; for 16 bits: the image as opened, for
        its metadata, and its upright levels [H, W] or [H, W, C].

    Raises:
        InputError: the file contains several images, or pixels of an unsupported type or layout.
        Exception: the file is damaged; the type depends on the decoder.
    """
    image = _open(file)
    if image.mode in ("I", "F"):
        raise InputError("signed, 32-bit and float pixels are not supported; save it as 16-bit")
    layout = image.mode
    if image.tile:  # Pillow's raw mode describes the bytes in the file
        args: Any = image.tile[0].args
        layout = str(args if isinstance(args, str) else (args or ("",))[0])
    if "transparency" in image.info and image.mode != "P" and layout != image.mode:
        raise InputError("a transparent level of 2, 4 or 16 bits; save it with an alpha channel")
    tags = getattr(image, "tag_v2", {})
    deep = _DEEP.fullmatch(layout)
    if not deep and max(tags.get(TiffImagePlugin.BITSPERSAMPLE, (8,))) <= 8:
        ImageOps.exif_transpose(image, in_place=True)
        return image, None
    if (
        not deep
        or tags.get(TiffImagePlugin.PLANAR_CONFIGURATION) == 2  # one plane per channel
        or tags.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == 0  # white is zero
    ):
        raise InputError("more than 8 bits per channel in a rare layout; save it as a 16-bit PNG")
    return image, _16_bits(file, layout)


def upright_size(file: BinaryIO) -> tuple[int, int]:
    """Width and height of the upright image, without decoding it; errors as in `decode`."""
    # Without this check Pillow decodes the PNG, because EXIF data may follow the pixels.
    metadata = {b"eXIf", b"tEXt", b"zTXt", b"iTXt"}
    no_exif = metadata.isdisjoint(chunk.name for chunk in chunks(file))
    image = _open(file)
    if image.format == "TIFF" or (image.format == "PNG" and no_exif):
        return image.size  # Pillow has already turned the size of a TIFF
    turned = image.getexif().get(ExifTags.Base.Orientation) in (5, 6, 7, 8)
    return image.size[::-1] if turned else image.size


def _open(file: BinaryIO) -> ImageFile.ImageFile:
    """Open an image without decoding it."""
    image = Image.open(file, formats=_FORMATS)
    frames = getattr(image, "n_frames", 1)
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        pages = []
        for page in range(frames):
            image.seek(page)
            is_preview = image.tag_v2.get(ExifTags.Base.NewSubfileType, 0) & 1
            if not is_preview:
                pages.append(page)
        image.seek(0)
        if pages != [0]:
            raise InputError(f"{frames} pages; save each as a file")
    # Many cameras add a preview or a gain map to a JPEG as a second image (MPO).
    elif frames > 1 and image.format != "MPO":
        raise InputError(f"an animation of {frames} frames; save each as a file")
    return image


def _16_bits(file: BinaryIO, layout: str) -> npt.NDArray[np.uint16]:
    """The levels, [H, W] or [H, W, C]."""
    # Pillow keeps only the high bytes of several 16-bit channels. It is made to return the low
    # bytes by naming the opposite byte order, and all four bytes of grey with alpha by naming RGBA.
    if layout.startswith("I"):
        return _read_as(layout, file).astype(np.uint16)
    if layout.startswith("LA"):
        four = _read_as("RGBA", file)
        return _join_bytes(four[..., ::2], four[..., 1::2])
    swapped = layout[:-1] + _SWAPPED[layout[-1]]
    return _join_bytes(_read_as(layout, file), _read_as(swapped, file))


def _join_bytes(high: npt.NDArray[Any], low: npt.NDArray[Any]) -> npt.NDArray[np.uint16]:
    return (high.astype(np.uint16) << 8) | low


def _read_as(layout: str, file: BinaryIO) -> npt.NDArray[Any]:
    """Decode an image, upright, as if its bytes had this layout."""
    image = _open(file)
    for place, tile in enumerate(image.tile):
        args: Any = layout if isinstance(tile.args, str) else (layout, *(tile.args or ())[1:])
        image.tile[place] = tile._replace(args=args)
    ImageOps.exif_transpose(image, in_place=True)
    return np.asarray(image)
