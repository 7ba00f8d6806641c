"""TIFF files written strip by strip, of 8 or 16 bits, with their ICC profile and EXIF data."""

import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, BinaryIO

import numpy as np
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2 as Directory
from PIL.TiffTags import LONG, LONG8

from srcnn.images.decode import PixelArray

_HEADERS = {
    False: b"II\x2a\0\x08\0\0\0",
    True: b"II\x2b\0\x08\0\0\0\x10\0\0\0\0\0\0\0",
}
"""What a file begins with, by whether it is a BigTIFF; the directory follows."""

CLASSIC = 2**32 - 2**24
"""Bytes of pixels up to which a file is of the usual kind; beyond it is a BigTIFF."""

_ROWS = 16  # of a strip in the file
_OFFSETS, _COUNTS, _ICC = 273, 279, 34675


def write_tiff(
    file: BinaryIO,
    size: tuple[int, int],
    strips: Iterable[PixelArray],
    icc: bytes | None = None,
    exif: bytes | None = None,
) -> None:
    """Write an image that comes from top to bottom, deflated, with differences as its predictor.

    Args:
        file: opened for writing bytes, and seekable.
        size: width and height.
        strips: [rows, width, channels] of uint8 or uint16, 1 to 4 channels, all alike; they add up
            to the height, and all but the last have as many rows.
        icc: the ICC profile.
        exif: EXIF data, as they stand in a JPEG.

    Raises:
        ValueError: the strips do not add up.
    """
    iterator = iter(strips)
    first = next(iterator)
    rows = _ROWS if len(first) % _ROWS == 0 else len(first)
    big = size[0] * size[1] * first[0, 0].nbytes > CLASSIC
    directory = _directory(size, first, rows, icc, exif, big=big)
    header, count = _HEADERS[big], -(-size[1] // rows)

    def head(lengths: list[int]) -> bytes:
        directory.tagtype[_OFFSETS] = directory.tagtype[_COUNTS] = LONG8 if big else LONG
        directory[_COUNTS] = tuple(lengths)
        directory[_OFFSETS] = tuple(np.cumsum([0, *lengths[:-1]]).tolist())  # from the head's end
        return header + directory.tobytes(len(header))

    file.write(head([0] * count))  # its length is known before what it says
    lengths = [file.write(part) for part in _deflated(chain([first], iterator), rows)]
    if len(lengths) != count:
        raise ValueError(f"{len(lengths)} strips of {rows} rows in an image of {size[1]} rows")
    file.seek(0)
    file.write(head(lengths))


def _deflated(strips: Iterable[PixelArray], rows: int) -> Iterator[bytes]:
    """So many rows at a time, each level less the one to its left."""
    for strip in strips:
        lines = strip.astype(strip.dtype.newbyteorder("<"))
        lines[:, 1:] -= strip[:, :-1]
        for top in range(0, len(lines), rows):
            yield zlib.compress(lines[top : top + rows].tobytes())


def _directory(
    size: tuple[int, int],
    strip: PixelArray,
    rows: int,
    icc: bytes | None,
    exif: bytes | None,
    *,
    big: bool,
) -> Directory:
    """What the file says of the image; tags by their numbers in the TIFF 6.0 specification."""
    channels = strip.shape[2]
    directory = Directory(_HEADERS[big])
    said: dict[int, Any] = {
        256: size[0],
        257: size[1],
        258: (8 * strip.dtype.itemsize,) * channels,
        259: 8,  # deflated
        262: 2 if channels > 2 else 1,  # RGB, or grey of which 0 is black
        277: channels,
        278: rows,
        284: 1,  # the channels of a pixel together
        317: 2,  # differences along a row
    }
    if channels in (2, 4):
        said[338] = 2  # the last channel is alpha, colours not multiplied by it
    if icc:
        said[_ICC] = icc
    for tag, value in said.items():
        directory[tag] = value
    if exif:
        data = Image.Exif()
        data.load(exif)
        for tag in set(data) - {ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo}:
            directory[tag] = as_stored(data[tag])
        for ifd in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
            if inner := data.get_ifd(ifd):
                directory.tagtype[ifd] = LONG
                directory[ifd] = {tag: as_stored(value) for tag, value in inner.items()}
    return directory


def as_stored(value: Any) -> Any:
    """A tag's value so that Pillow writes the bytes that it read, UTF-8 as a rule, and no `?`."""
    return value.encode("latin-1") if isinstance(value, str) and not value.isascii() else value
