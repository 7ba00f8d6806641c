"""Reads the chunks of a PNG file, and separates its pixels from its metadata.

Pillow reads the whole file, refuses large text, and gives up a picture for damaged metadata. Here
the file is read up to its end chunk, and Pillow gets only the chunks that the pixels depend on.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, BinaryIO, NamedTuple

from srcnn.errors import InputError
from srcnn.utils.text import join_names

MAX_METADATA = 64 * 2**20  # bytes of a chunk besides the pixels, and of its unpacked text

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MAX_CHUNKS = 250_000  # a photograph of 2 GB in chunks of 8 KB
_NEEDED = (b"IHDR", b"PLTE", b"tRNS")  # for the pixels
_USED = (b"gAMA", b"cHRM", b"sRGB", b"pHYs")
_COLOUR = (b"gAMA", b"cHRM", b"sRGB", b"cICP")
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # per pixel, by colour type
_XMP, _RAW_EXIF = b"XML:com.adobe.xmp", (b"Raw profile type exif", b"Raw profile type APP1")


class Chunk(NamedTuple):
    """A chunk of a PNG file."""

    name: bytes
    body: bytes
    checksum: bytes

    @property
    def undamaged(self) -> bool:
        """Whether the checksum is correct."""
        return self.checksum == struct.pack(">I", zlib.crc32(self.body, zlib.crc32(self.name)))


@dataclass
class Png:
    """The parts of a PNG file; text is as in the file, so that it can be copied."""

    pixels: BytesIO = field(default_factory=BytesIO)  # a PNG of what the pixels depend on
    icc: bytes | None = None  # empty if it cannot be unpacked
    exif: bytes | None = None
    xmp: bytes | None = None
    text: list[tuple[bytes, bytes]] = field(default_factory=list)  # name and body of each chunk
    colour: list[tuple[bytes, bytes]] = field(default_factory=list)  # other chunks about colour
    notes: list[str] = field(default_factory=list)  # what was damaged

    @property
    def info(self) -> dict[str | tuple[int, int], Any]:
        """The metadata as in a Pillow image's `info`."""
        found = {"icc_profile": self.icc, "xmp": self.xmp}
        about: dict[str | tuple[int, int], Any] = {k: v for k, v in found.items() if v is not None}
        return about | {"exif": self.exif or b""}  # else Pillow decodes all to look for it


def chunks(file: BinaryIO) -> Iterator[Chunk]:
    """The chunks of a PNG up to IEND; none if the file is not a PNG.

    Of a large chunk besides the pixels, the body is left out. Ends early if a chunk has no name.

    Raises:
        InputError: there are too many chunks.
    """
    file.seek(0)
    if file.read(len(_SIGNATURE)) != _SIGNATURE:
        return
    room = MAX_METADATA
    for count in range(_MAX_CHUNKS + 1):
        start = file.read(8)
        length, name = struct.unpack(">I4s", start.ljust(8, b"\0"))
        if count == _MAX_CHUNKS:
            raise InputError(f"more than {_MAX_CHUNKS} chunks")
        if not name.isalpha():
            return
        if length > (room if name == b"IDAT" else MAX_METADATA):
            body = file.read(room) if name == b"IDAT" else b""
            file.seek(max(0, length - len(body)), 1)
        else:
            body = file.read(length)
        if name == b"IHDR":
            room = _most_compressed(body)
        elif name == b"IDAT":
            room = max(0, room - len(body))
        yield Chunk(name, body, file.read(4))
        if name == b"IEND":
            return


def _most_compressed(header: bytes) -> int:
    """How many bytes the compressed pixels can have: twice the pixels, and a margin."""
    width, height, depth, kind = struct.unpack(">IIBB", header[:10].ljust(10, b"\0"))
    return 2 * height * (1 + width * depth * _SAMPLES.get(kind, 4) // 8 + 1) + 2**20


def read_png(file: BinaryIO) -> Png:
    """Separate the pixels of a PNG from its metadata.

    Raises:
        InputError: it is an animation, or there are too many chunks.
    """
    png = Png()
    data, header, damaged = bytearray(), [_SIGNATURE], dict[str, None]()
    for chunk in chunks(file):
        name, body = chunk.name, chunk.body
        if name == b"IDAT":
            data += body
        elif name in _NEEDED or (name in _USED and chunk.undamaged and not data):
            header.append(struct.pack(">I", len(body)) + name + body + chunk.checksum)
        elif name != b"IEND" and not chunk.undamaged:
            damaged[name.decode()] = None
        elif name == b"acTL" and (frames := int.from_bytes(body[:4], "big")) > 1:
            raise InputError(f"an animation of {frames} frames; save each as a file")
        elif name in (b"iCCP", b"eXIf", b"tEXt", b"zTXt", b"iTXt"):
            _add_metadata(png, name, body)
        if name in _COLOUR and chunk.undamaged:
            png.colour.append((name, body))
    if damaged:
        png.notes.append(f"damaged PNG chunks dropped: {join_names([*damaged])}")
    png.pixels.write(b"".join(header))
    for name, body in ((b"IDAT", bytes(data)), (b"IEND", b"")):
        checksum = zlib.crc32(body, zlib.crc32(name))
        png.pixels.write(struct.pack(">I", len(body)) + name + body + struct.pack(">I", checksum))
    png.pixels.seek(0)
    return png


def _add_metadata(png: Png, name: bytes, body: bytes) -> None:
    """Add the content of an undamaged chunk to `png`."""
    keyword = body.partition(b"\0")[0]
    if name == b"eXIf":
        png.exif = body
    elif name == b"iCCP":
        png.icc = _unpacked(body[len(keyword) + 2 :]) or b""
    elif keyword == _XMP or keyword in _RAW_EXIF:
        content = _content(name, body[len(keyword) + 1 :])
        if content is None:
            kind = "XMP" if keyword == _XMP else "EXIF"
            png.notes.append(f"unreadable {kind} data dropped")
        elif keyword == _XMP:
            png.xmp = content
        elif png.exif is None:
            png.exif = _from_raw_profile(content)
    else:
        png.text.append((name, body))


def _content(name: bytes, rest: bytes) -> bytes | None:
    """The text of a text chunk after its keyword; None if it cannot be unpacked."""
    if name == b"tEXt":
        return rest
    if name == b"zTXt":
        return _unpacked(rest[1:])
    is_packed, _, rest = rest[:1], rest[1:2], rest[2:]
    text = rest.split(b"\0", 2)[-1]  # after the language and the translated keyword
    return _unpacked(text) if is_packed == b"\1" else text


def _unpacked(data: bytes) -> bytes | None:
    """Inflated bytes; None if they are damaged or longer than MAX_METADATA."""
    inflate = zlib.decompressobj()
    try:
        result = inflate.decompress(data, MAX_METADATA)
    except zlib.error:
        return None
    return result if inflate.eof else None


def _from_raw_profile(text: bytes) -> bytes | None:
    """The bytes of ImageMagick's profile: a name, a length and hexadecimal digits on lines."""
    try:
        return bytes.fromhex(b"".join(text.split(b"\n")[3:]).decode())
    except ValueError:
        return None


def is_plain(file: BinaryIO) -> bool:
    """Whether a PNG is undamaged 8-bit RGB without data on colour, transparency or orientation."""
    # Such a file differs from what `write_png` writes in its compression only.
    harmless = (b"IHDR", b"sRGB", b"pHYs", b"tIME", b"IDAT", b"IEND")
    found = list(chunks(file))
    return (
        bool(found)
        and found[0].name == b"IHDR"
        and found[0].body[8:10] == bytes((8, 2))  # 8 bits per channel; colour type 2 is RGB
        and found[-1].name == b"IEND"
        and not file.read(1)
        and all(chunk.undamaged and chunk.name in harmless for chunk in found)
    )
