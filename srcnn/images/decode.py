"""Decoding: what a file holds, upright; 16-bit channels whole, or rounded and not cut off."""

import re
import sys
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageFile, ImageOps, TiffImagePlugin

from srcnn.errors import InputError
from srcnn.images.png_chunks import chunks

PixelArray = npt.NDArray[Any]
"""[H, W, C] of uint8 or uint16. By the number of channels: grey, grey + alpha, RGB, RGBA."""

_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP")
_DEEP = re.compile(r"I;16[BN]?|LA;16B|(RGB|RGBX|RGBA);16[BLN]")  # channels of 16 bits, as in a file
_SWAPPED = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
_TIFF_PLANES = 2  # PlanarConfiguration: each channel by itself
_TIFF_SMALLER = 1  # NewSubfileType: a smaller copy of another page
_TIFF_WHITE_IS_ZERO = 0  # PhotometricInterpretation


def decoded(file: BinaryIO) -> tuple[Image.Image, bool]:
    """Decode an image.

    Returns:
        the image, upright, 8 bits a channel, its `info` as the file has it; and whether its
        channels have 16 bits in the file.

    Raises:
        InputError: as `decoded_whole`.
        Exception: as there.
    """
    image, levels = decoded_whole(file)
    if levels is None:
        return image, False
    rounded = Image.fromarray(to_8_bits(levels))
    rounded.info = image.info
    return rounded, True


def to_8_bits(pixels: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Round uint16 to uint8: round(v / 257). Returns uint8 unchanged."""
    if pixels.dtype == np.uint8:
        return pixels
    return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)


def decoded_whole(file: BinaryIO) -> tuple[Image.Image, npt.NDArray[np.uint16] | None]:
    """Decode an image with all of its bits.

    Returns:
        of 8 bits a channel the image, upright, and None; of 16 bits the image as it was opened,
        for what it says of itself, and its levels, upright, [H, W] or [H, W, C].

    Raises:
        InputError: it holds several pictures, or pixels whose range or layout is not known here.
        Exception: whatever damaged bytes lead to.
    """
    image = _opened(file)
    if image.mode in ("I", "F"):
        raise InputError("signed, 32-bit or real numbers have no known range; save it as 16-bit")
    layout = _layout(image.tile[0]) if image.tile else image.mode
    if "transparency" in image.info and image.mode != "P" and layout != image.mode:
        raise InputError("a transparent level of 2, 4 or 16 bits; save it with an alpha channel")
    tags = getattr(image, "tag_v2", {})
    deep = _DEEP.fullmatch(layout)
    if not deep and max(tags.get(TiffImagePlugin.BITSPERSAMPLE, (8,))) <= 8:
        ImageOps.exif_transpose(image, in_place=True)
        return image, None
    if (
        not deep
        or tags.get(TiffImagePlugin.PLANAR_CONFIGURATION) == _TIFF_PLANES
        or tags.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == _TIFF_WHITE_IS_ZERO
    ):
        raise InputError("more than 8 bits a channel in a rare layout; save it as a 16-bit PNG")
    return image, _16_bits(file, layout)


def upright_size(file: BinaryIO) -> tuple[int, int]:
    """Width and height once the image is turned as its EXIF data say, without decoding it.

    Raises:
        InputError: it holds several pictures.
        Exception: whatever damaged bytes lead to.
    """
    # Pillow would decode a PNG without EXIF data to see whether any follow the pixels.
    metadata = {b"eXIf", b"tEXt", b"zTXt", b"iTXt"}
    no_exif = metadata.isdisjoint(chunk.name for chunk in chunks(file))
    image = _opened(file)
    if image.format == "TIFF" or (image.format == "PNG" and no_exif):
        return image.size  # which Pillow has turned already, of a TIFF
    turned = image.getexif().get(ExifTags.Base.Orientation) in (5, 6, 7, 8)
    return image.size[::-1] if turned else image.size


def _opened(file: BinaryIO) -> ImageFile.ImageFile:
    """The image of a file, not decoded yet."""
    image = Image.open(file, formats=_FORMATS)
    frames = getattr(image, "n_frames", 1)
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        pages = []
        for page in range(frames):
            image.seek(page)
            if not image.tag_v2.get(ExifTags.Base.NewSubfileType, 0) & _TIFF_SMALLER:
                pages.append(page)
        image.seek(0)
        if pages != [0]:
            raise InputError(f"{frames} pages; give each as a file of its own")
    # The second picture of a JPEG is a preview or a gain map, as many cameras write them.
    elif frames > 1 and image.format != "MPO":
        raise InputError(f"an animation of {frames} frames; give each as a file of its own")
    return image


def _layout(tile: ImageFile._Tile) -> str:
    """What Pillow calls the layout of the bytes in a file: its raw mode."""
    return str(tile.args if isinstance(tile.args, str) else (tile.args or ("",))[0])


def _16_bits(file: BinaryIO, layout: str) -> npt.NDArray[np.uint16]:
    """[H, W] or [H, W, C]: of several channels of 16 bits each, Pillow keeps the high bytes.

    It takes the low ones for them where it is told the other byte order, and the four bytes of
    grey with alpha for RGBA.
    """
    if layout.startswith("I"):
        return _read_as(layout, file).astype(np.uint16)
    if layout.startswith("LA"):
        four = _read_as("RGBA", file)
        return _joined(four[..., ::2], four[..., 1::2])
    swapped = layout[:-1] + _SWAPPED[layout[-1]]
    return _joined(_read_as(layout, file), _read_as(swapped, file))


def _joined(high: npt.NDArray[Any], low: npt.NDArray[Any]) -> npt.NDArray[np.uint16]:
    levels = high.astype(np.uint16)
    levels <<= 8
    levels |= low
    return levels


def _read_as(layout: str, file: BinaryIO) -> npt.NDArray[Any]:
    """The image of a file, upright, its bytes taken for ones of this layout."""
    image = _opened(file)
    for place, tile in enumerate(image.tile):
        args: Any = layout if isinstance(tile.args, str) else (layout, *(tile.args or ())[1:])
        image.tile[place] = tile._replace(args=args)
    ImageOps.exif_transpose(image, in_place=True)
    return np.asarray(image)
