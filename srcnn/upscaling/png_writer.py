"""PNG files written strip by strip, so that an image of any size needs little memory."""

import struct
import zlib
from collections.abc import Iterable
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from srcnn.images.decode import PixelArray

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_ROWS = 16  # filtered at a time, so that they stay in the CPU's cache
_KINDS = {1: 0, 2: 4, 3: 2, 4: 6}  # colour type by channels, as the PNG specification numbers it


def write_strips(
    file: BinaryIO,
    size: tuple[int, int],
    strips: Iterable[PixelArray],
    about: Iterable[tuple[bytes, bytes]] = (),
) -> None:
    """Write an image that comes from top to bottom.

    Args:
        file: opened for writing bytes.
        size: width and height.
        strips: [rows, width, channels] of uint8 or uint16, 1 to 4 channels, all alike; they add up
            to the height.
        about: further chunks by name, such as an ICC profile (`iccp`), before the pixels.

    Raises:
        ValueError: the strips do not add up.
    """
    packed = zlib.compressobj(
        6, zlib.DEFLATED, 15, 9, zlib.Z_RLE
    )  # as `srcnn.images.image_io.write_png`
    above: npt.NDArray[np.uint8] | None = None
    rows = 0
    for strip in strips:
        if above is None:
            depth, kind = 8 * strip.dtype.itemsize, _KINDS[strip.shape[2]]
            file.write(_SIGNATURE)
            _write(file, b"IHDR", struct.pack(">IIBBBBB", *size, depth, kind, 0, 0, 0))
            for name, body in about:
                _write(file, name, body)
            above = np.zeros(strip[0].nbytes, np.uint8)
        if strip.shape[1] != size[0]:
            raise ValueError(f"a strip of {strip.shape[1]} pixels in an image of {size[0]}")
        order = strip.astype(">u2") if strip.dtype == np.uint16 else strip
        lines = np.ascontiguousarray(order).view(np.uint8).reshape(len(strip), -1)
        for top in range(0, len(lines), _ROWS):
            part = lines[top : top + _ROWS]
            _write(file, b"IDAT", packed.compress(_filtered(part, above, strip[0, 0].nbytes)))
            above = part[-1]
        rows += len(strip)
    if rows != size[1]:
        raise ValueError(f"{rows} rows in an image of {size[1]}")
    _write(file, b"IDAT", packed.flush())
    _write(file, b"IEND", b"")


def icc_chunk(profile: bytes) -> tuple[bytes, bytes]:
    """The chunk that holds an ICC profile."""
    return b"iCCP", b"ICC profile\0\0" + zlib.compress(profile)


def _write(file: BinaryIO, name: bytes, body: bytes) -> None:
    if body or name == b"IEND":
        checksum = zlib.crc32(body, zlib.crc32(name))
        file.write(struct.pack(">I", len(body)) + name + body + struct.pack(">I", checksum))


def _filtered(lines: npt.NDArray[np.uint8], above: npt.NDArray[np.uint8], pixel: int) -> bytes:
    """Each line with the filter that makes it smallest by the sum of its values, as is usual.

    Args:
        lines: [rows, bytes].
        above: the line before the first.
        pixel: bytes of a pixel.
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
    kinds = (best + 1).astype(np.uint8)  # 0 is none of them
    return np.hstack([kinds[:, None], chosen]).tobytes()


def _paeth(
    left: npt.NDArray[np.uint8], up: npt.NDArray[np.uint8], corner: npt.NDArray[np.uint8]
) -> npt.NDArray[np.uint8]:
    """Of the three the one that is nearest to left + up − corner."""
    a, b, c = (neighbour.astype(np.int16) for neighbour in (left, up, corner))
    to_left, to_up, to_corner = np.abs(b - c), np.abs(a - c), np.abs(a + b - 2 * c)
    first = (to_left <= to_up) & (to_left <= to_corner)
    return np.where(first, left, np.where(to_up <= to_corner, up, corner))
