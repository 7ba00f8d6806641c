"""Writes PNG files strip by strip, so that an image of any size needs little memory."""

import struct
import zlib
from collections.abc import Iterable
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from srcnn.images.decode import PixelArray
from srcnn.upscaling.metadata import Metadata

Bytes = npt.NDArray[np.uint8]
Chunks = Iterable[tuple[bytes, bytes]]  # name and body of each

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_ROWS = 16  # filtered at a time, so that they stay in the CPU's cache
_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # by number of channels (PNG specification, 11.2.1)


def write_png_strips(
    file: BinaryIO, size: tuple[int, int], strips: Iterable[PixelArray], chunks: Chunks = ()
) -> None:
    """Write an image of `size` (width and height) that arrives from top to bottom.

    The strips are [rows, width, C], C from 1 to 4; `chunks` are written before the pixels.

    Raises:
        ValueError: the strips do not add up to the size.
    """
    # Run-length encoding only, as in `srcnn.images.image_io.write_png`.
    compressor = zlib.compressobj(6, zlib.DEFLATED, 15, 9, zlib.Z_RLE)
    above: Bytes | None = None
    rows = 0
    for strip in strips:
        if above is None:
            depth, colour_type = 8 * strip.dtype.itemsize, _COLOUR_TYPES[strip.shape[2]]
            file.write(_SIGNATURE)
            header = struct.pack(">IIBBBBB", *size, depth, colour_type, 0, 0, 0)
            for name, body in ((b"IHDR", header), *chunks):
                _write_chunk(file, name, body)
            above = np.zeros(strip[0].nbytes, np.uint8)
        if strip.shape[1] != size[0]:
            raise ValueError(f"a strip of {strip.shape[1]} pixels in an image of {size[0]}")
        big_endian = strip.astype(strip.dtype.newbyteorder(">"), copy=False)
        lines = np.ascontiguousarray(big_endian).view(np.uint8).reshape(len(strip), -1)
        for top in range(0, len(lines), _ROWS):
            part = lines[top : top + _ROWS]
            filtered = _filter_rows(part, above, strip[0, 0].nbytes)
            _write_chunk(file, b"IDAT", compressor.compress(filtered))
            above = part[-1]
        rows += len(strip)
    if rows != size[1]:
        raise ValueError(f"{rows} rows in an image of {size[1]}")
    _write_chunk(file, b"IDAT", compressor.flush())
    _write_chunk(file, b"IEND", b"")


def metadata_chunks(metadata: Metadata) -> list[tuple[bytes, bytes]]:
    """Name and body of the chunks that hold metadata."""
    chunks = list(metadata.colour_chunks)
    if metadata.icc:
        chunks.insert(0, (b"iCCP", b"ICC profile\0\0" + zlib.compress(metadata.icc)))
    if metadata.dpi:
        per_metre = (round(value / 0.0254) for value in metadata.dpi)
        chunks.append((b"pHYs", struct.pack(">IIB", *per_metre, 1)))
    if metadata.exif:
        chunks.append((b"eXIf", metadata.exif.removeprefix(b"Exif\0\0")))
    if metadata.xmp:
        chunks.append((b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + metadata.xmp))
    if metadata.comment:
        name, start = (b"tEXt", b"\0") if metadata.comment.isascii() else (b"iTXt", bytes(5))
        chunks.append((name, b"Comment" + start + metadata.comment.replace(b"\0", b"")))
    return [*chunks, *metadata.png_text]


def _write_chunk(file: BinaryIO, name: bytes, body: bytes) -> None:
    if body or name == b"IEND":
        checksum = zlib.crc32(body, zlib.crc32(name))
        file.write(struct.pack(">I", len(body)) + name + body + struct.pack(">I", checksum))


def _filter_rows(lines: Bytes, above: Bytes, pixel: int) -> bytes:
    """Filter each row of [rows, bytes] by the PNG filter with the smallest sum of absolute values.

    `above` is the row before the first; `pixel` is the number of bytes per pixel.
    """
    up = np.vstack([above[None], lines[:-1]])
    left, corner = np.zeros_like(lines), np.zeros_like(lines)
    left[:, pixel:], corner[:, pixel:] = lines[:, :-pixel], up[:, :-pixel]
    average = ((left.astype(np.uint16) + up) >> 1).astype(np.uint8)
    candidates = np.stack([left, up, average, _paeth(left, up, corner)])
    np.subtract(lines, candidates, out=candidates)
    costs = np.abs(candidates.view(np.int8).astype(np.int16)).sum(axis=2, dtype=np.int64)
    best = costs.argmin(axis=0)
    chosen = np.take_along_axis(candidates, best[None, :, None], axis=0)[0]
    kinds = (best + 1).astype(np.uint8)  # filter 0 copies the row; it is not a candidate
    return np.hstack([kinds[:, None], chosen]).tobytes()


def _paeth(left: Bytes, up: Bytes, corner: Bytes) -> Bytes:
    """The neighbour that is closest to left + up − corner (PNG specification, 9.4)."""
    a, b, c = (neighbour.astype(np.int16) for neighbour in (left, up, corner))
    to_left, to_up, to_corner = np.abs(b - c), np.abs(a - c), np.abs(a + b - 2 * c)
    first = (to_left <= to_up) & (to_left <= to_corner)
    return np.where(first, left, np.where(to_up <= to_corner, up, corner))
