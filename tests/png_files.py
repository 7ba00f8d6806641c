"""PNG files built chunk by chunk, with contents that Pillow cannot write."""

import struct
import zlib
from typing import Any

import numpy.typing as npt

_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # by number of channels

Chunk = tuple[bytes, bytes]


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_of(*chunks: Chunk) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)


def png_file(values: npt.NDArray[Any], *before: Chunk, after: tuple[Chunk, ...] = ()) -> bytes:
    """Encode [H, W] or [H, W, C] uint8 or uint16 as PNG, with extra chunks around the pixels."""
    height, width = values.shape[:2]
    depth, channels = 8 * values.itemsize, values.size // (height * width)
    header = struct.pack(">IIBBBBB", width, height, depth, _COLOUR_TYPES[channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(values.dtype.newbyteorder(">")).tobytes() for row in values)
    pixels = (b"IDAT", zlib.compress(rows))
    return png_of((b"IHDR", header), *before, pixels, *after, (b"IEND", b""))
