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

MAX_METADATA = 64 * 2**20  # bytes of a chunk besides the pixels, and of a profile
_MAX_TEXT = 8 * 2**20  # bytes of XMP or EXIF data that are stored as text
_MAX_JOINED = 2**30  # bytes of a chunk of pixels

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MAX_CHUNKS = 250_000  # a photograph of 2 GB in chunks of 8 KB
_NEEDED = (b"IHDR", b"PLTE", b"tRNS")  # for the pixels
_USED = (b"gAMA", b"cHRM", b"sRGB", b"pHYs")
_COLOUR = (b"gAMA", b"cHRM", b"sRGB", b"cICP", b"mDCV", b"cLLI")
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
    icc: bytes | None = None  # this and the next two are empty if they cannot be unpacked
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


def chunks(file: BinaryIO, *, pixels: bool = True) -> Iterator[Chunk]:
    """The chunks of a PNG up to IEND; none if the file is not a PNG.

    The body of a large chunk besides the pixels is left out, and without `pixels` theirs too. Ends
    early if a chunk has no name.

    Raises:
        InputError: there are too many chunks.
    """
    file.seek(0)
    if file.read(len(_SIGNATURE)) != _SIGNATURE:
        return
    room = 0  # for the pixels
    for count in range(_MAX_CHUNKS + 1):
        start = file.read(8)
        length, name = struct.unpack(">I4s", start.ljust(8, b"\0"))
        if count == _MAX_CHUNKS:
            raise InputError(f"more than {_MAX_CHUNKS} chunks")
        if not name.isalpha():
            return
        if name == b"IDAT":
            body = file.read(min(length, room))
            room -= len(body)
        else:
            body = file.read(length) if length <= MAX_METADATA else b""
        if len(body) < length:
            file.seek(length - len(body), 1)
        if name == b"IHDR" and pixels:
            room = _most_compressed(body)
        yield Chunk(name, body, file.read(4))
        if name == b"IEND":
            return


def _most_compressed(header: bytes) -> int:
    """How many bytes the compressed pixels can have: twice the pixels, and a margin."""
    width, height, depth, kind = struct.unpack(">IIBB", header[:10].ljust(10, b"\0"))
    return 2 * height * (1 + width * depth * _SAMPLES.get(kind, 4) // 8 + 1) + 2**20


def read_png(file: BinaryIO, *, pixels: bool = True) -> Png:
    """Separate the pixels of a PNG from its metadata; without `pixels`, read only the metadata.

    Raises:
        InputError: it is an animation, or there are too many chunks.
    """
    png, writer, damaged = Png(), None, dict[str, None]()
    png.pixels.write(_SIGNATURE)
    for chunk in chunks(file, pixels=pixels):
        name, body = chunk.name, chunk.body
        if name == b"IDAT":
            writer = writer or _PixelWriter(png.pixels)
            writer.write(body)
        elif name in _NEEDED or (name in _USED and chunk.undamaged):
            if not writer:
                png.pixels.write(struct.pack(">I", len(body)) + name + body + chunk.checksum)
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
    (writer or _PixelWriter(png.pixels)).end()
    png.pixels.write(struct.pack(">I4sI", 0, b"IEND", zlib.crc32(b"IEND")))
    png.pixels.seek(0)
    return png


class _PixelWriter:
    """Joins the pixels of many chunks, because Pillow is slow with tiny ones."""

    def __init__(self, file: BytesIO):
        self.file = file
        self._begin()

    def _begin(self) -> None:
        self.start, self.checksum = self.file.tell(), zlib.crc32(b"IDAT")
        self.file.write(b"\0\0\0\0IDAT")

    def write(self, data: bytes) -> None:
        """Add pixels to the chunk."""
        if self.file.tell() - self.start + len(data) > _MAX_JOINED:
            self.end()
            self._begin()
        self.file.write(data)
        self.checksum = zlib.crc32(data, self.checksum)

    def end(self) -> None:
        """Write the length and the checksum of the chunk."""
        length = self.file.tell() - self.start - 8
        self.file.write(struct.pack(">I", self.checksum))
        self.file.seek(self.start)
        self.file.write(struct.pack(">I", length))
        self.file.seek(0, 2)


def _add_metadata(png: Png, name: bytes, body: bytes) -> None:
    """Add the content of an undamaged chunk to `png`."""
    keyword = body.partition(b"\0")[0]
    if name == b"eXIf":
        png.exif = body
    elif name == b"iCCP":
        if png.icc is None:
            png.icc = _unpacked(body[len(keyword) + 2 :], MAX_METADATA)
    elif keyword == _XMP:
        if png.xmp is None:
            png.xmp = _content(name, body[len(keyword) + 1 :])
            png.notes += ["unreadable XMP data dropped"] * (not png.xmp)
    elif keyword in _RAW_EXIF:
        if png.exif is None:
            png.exif = _from_raw_profile(_content(name, body[len(keyword) + 1 :]))
            png.notes += ["unreadable EXIF data dropped"] * (not png.exif)
    else:
        png.text.append((name, body))


def _content(name: bytes, rest: bytes) -> bytes:
    """The text of a text chunk after its keyword; empty if it cannot be unpacked."""
    if name == b"tEXt":
        return rest
    if name == b"zTXt":
        return _unpacked(rest[1:], _MAX_TEXT)
    is_packed, _, rest = rest[:1], rest[1:2], rest[2:]
    text = rest.split(b"\0", 2)[-1]  # after the language and the translated keyword
    return _unpacked(text, _MAX_TEXT) if is_packed == b"\1" else text


def _unpacked(data: bytes, most: int) -> bytes:
    """Inflated bytes; empty if they are damaged or more than `most`."""
    inflate = zlib.decompressobj()
    try:
        result = inflate.decompress(data, most)
    except zlib.error:
        return b""
    return result if inflate.eof else b""


def _from_raw_profile(text: bytes) -> bytes:
    """The bytes of ImageMagick's profile: a name, a length and hexadecimal digits on lines."""
    try:
        digits = b"".join(text.split(b"\n", 3)[3].split())
        return bytes.fromhex(digits.decode())
    except (IndexError, ValueError):
        return b""


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
