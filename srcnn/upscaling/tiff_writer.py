"""Writes TIFF files strip by strip, 8 or 16 bits per channel, with metadata."""

import zlib
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import BinaryIO

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2 as Directory
from PIL.TiffTags import BYTE, LONG, LONG8, UNDEFINED

from srcnn.images.decode import PixelArray
from srcnn.upscaling.exif import IFDS, as_stored, with_resolution
from srcnn.upscaling.metadata import NO_METADATA, Metadata

# First bytes of a file, by whether it is a BigTIFF; the directory follows.
_HEADERS = {False: b"II\x2a\0\x08\0\0\0", True: b"II\x2b\0\x08\0\0\0\x10\0\0\0\0\0\0\0"}

CLASSIC_BYTES = 2**32 - 2**24  # of pixels; larger images become a BigTIFF
_ROWS = 16  # of a strip in the file
_OFFSETS, _COUNTS = 273, 279
_XMP, _IPTC, _ICC = 700, 33723, 34675


def write_tiff_strips(
    file: BinaryIO,
    size: tuple[int, int],
    strips: Iterable[PixelArray],
    metadata: Metadata = NO_METADATA,
) -> None:
    """Write an image of `size` (width and height), deflated with horizontal differencing.

    The strips are [rows, width, C], C from 1 to 4, from top to bottom. All but the last have the
    same number of rows.

    Raises:
        ValueError: the strips do not add up to the size.
    """
    iterator = iter(strips)
    first = next(iterator)
    rows = _ROWS if len(first) % _ROWS == 0 else len(first)
    big = size[0] * size[1] * first[0, 0].nbytes > CLASSIC_BYTES
    header, count = _HEADERS[big], -(-size[1] // rows)
    directory = _directory(header, size, first, rows)
    _add_metadata(directory, metadata)

    def head(lengths: list[int]) -> bytes:
        directory.tagtype[_OFFSETS] = directory.tagtype[_COUNTS] = LONG8 if big else LONG
        directory[_COUNTS] = tuple(lengths)
        # Pillow adds the length of the head to these offsets.
        directory[_OFFSETS] = tuple(np.cumsum([0, *lengths[:-1]]).tolist())
        return header + directory.tobytes(len(header))

    file.write(head([0] * count))  # reserves the space: its length does not depend on the values
    lengths = [file.write(part) for part in _compressed(chain([first], iterator), rows)]
    if len(lengths) != count:
        raise ValueError(f"{len(lengths)} strips of {rows} rows in an image of {size[1]} rows")
    file.seek(0)
    file.write(head(lengths))


def _compressed(strips: Iterable[PixelArray], rows: int) -> Iterator[bytes]:
    """Yield `rows` rows at a time, each value as the difference from its left neighbour."""
    for strip in strips:
        lines = strip.astype(strip.dtype.newbyteorder("<"))
        lines[:, 1:] -= strip[:, :-1]
        for top in range(0, len(lines), rows):
            yield zlib.compress(lines[top : top + rows].tobytes())


def _directory(header: bytes, size: tuple[int, int], strip: PixelArray, rows: int) -> Directory:
    """The image's tags, by their numbers in the TIFF 6.0 specification."""
    channels = strip.shape[2]
    directory = Directory(header)
    directory[256], directory[257] = size
    directory[258] = (8 * strip.dtype.itemsize,) * channels
    directory[259] = 8  # compression: deflate
    directory[262] = 2 if channels > 2 else 1  # RGB, or grey with 0 as black
    directory[277] = channels
    directory[278] = rows
    directory[284] = 1  # planar configuration: channels interleaved
    directory[317] = 2  # predictor: horizontal differencing
    if channels in (2, 4):
        directory[338] = 2  # extra sample: alpha, with colours not premultiplied
    return directory


def _add_metadata(directory: Directory, metadata: Metadata) -> None:
    exif = with_resolution(metadata.exif, metadata.dpi) if metadata.dpi else metadata.exif
    if exif:
        data = Image.Exif()
        data.load(exif)
        for tag in set(data) - set(IFDS):
            directory[tag] = as_stored(data[tag])
        for ifd in IFDS:
            if inner := data.get_ifd(ifd):
                directory.tagtype[ifd] = LONG
                directory[ifd] = {tag: as_stored(value) for tag, value in inner.items()}
    for tag, kind, value in (
        (_XMP, BYTE, metadata.xmp),
        (_IPTC, UNDEFINED, metadata.iptc),
        (_ICC, UNDEFINED, metadata.icc),
    ):
        if value:
            directory.tagtype[tag] = kind
            directory[tag] = value
