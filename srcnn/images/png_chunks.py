"""Reads the chunks of a PNG file, which contain its metadata."""

import struct
import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO, NamedTuple

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


class Chunk(NamedTuple):
    """A chunk of a PNG file."""

    name: bytes
    body: bytes
    checksum: bytes

    @property
    def undamaged(self) -> bool:
        """Whether the checksum is correct."""
        return self.checksum == struct.pack(">I", zlib.crc32(self.body, zlib.crc32(self.name)))


def chunks(file: BinaryIO) -> Iterator[Chunk]:
    """The chunks of a PNG, up to the end of the file; none if the file is not a PNG."""
    file.seek(0)
    if file.read(len(_SIGNATURE)) != _SIGNATURE:
        return
    rest = BytesIO(file.read())
    while start := rest.read(8):
        length, name = struct.unpack(">I4s", start.ljust(8, b"\0"))
        yield Chunk(name, rest.read(length), rest.read(4))


def is_plain(file: BinaryIO) -> bool:
    """Whether a PNG is undamaged 8-bit RGB without data on colour, transparency or orientation."""
    # Such a file differs from what `write_png` writes in its compression only.
    harmless = (b"IHDR", b"sRGB", b"pHYs", b"tIME", b"IDAT", b"IEND")
    found = list(chunks(file))
    names = [chunk.name for chunk in found]
    return (
        names[:1] == [b"IHDR"]
        and found[0].body[8:10] == bytes((8, 2))  # 8 bits per channel; colour type 2 is RGB
        and names[-1] == b"IEND"
        and names.count(b"IEND") == 1
        and all(chunk.undamaged and chunk.name in harmless for chunk in found)
    )
