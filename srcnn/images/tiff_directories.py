"""Reads the directories of a TIFF file or of EXIF data, without the values of their tags.

Pillow reads all values of all directories, so a small malicious file keeps it busy for minutes.
"""

import struct
from dataclasses import dataclass
from typing import BinaryIO

from srcnn.errors import InputError

_MAX_DIRECTORIES = 100
_MAX_TAGS = 20_000  # in all directories
_MAX_BYTES = 2**26, 2**31  # of all values, in a small and in a large file
_MAX_NUMBERS = 100_000  # in a value, such as the places of the strips

_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_BYTES |= {16: 8, 17: 8, 18: 8}  # of BigTIFF
_TEXT = (1, 2, 6, 7)  # types whose values Pillow keeps as bytes
_INNER = (34665, 34853, 40965)  # tags of the directories of EXIF, GPS and interoperability
_SUBFILE_TYPE = 254


@dataclass(frozen=True)
class Directory:
    """What a directory says about the file's structure."""

    is_preview: bool
    inner: list[int]  # places of the directories inside it
    following: int  # place of the next page's directory; 0 if there is none


def read_directories(file: BinaryIO) -> list[Directory]:
    """The directories of all pages of a TIFF, in their order; what is damaged is left out.

    Raises:
        InputError: it would take too long to read all their values.
    """
    reader, pages = _Reader(file), list[Directory]()
    place = reader.first
    while place and place not in reader.seen:
        if len(pages) == _MAX_DIRECTORIES:
            raise InputError(f"more than {_MAX_DIRECTORIES} pages or previews; save each as a file")
        pages.append(reader.read(place))
        for inner in pages[-1].inner:
            for innermost in reader.read(inner).inner:
                reader.read(innermost)
        place = pages[-1].following
    return pages


class _Reader:
    """Reads directories by their places, and keeps count."""

    def __init__(self, file: BinaryIO):
        file.seek(0)
        head = file.read(16)
        self.file, order = file, "<" if head[:2] == b"II" else ">"
        is_big = b"\x2b" in head[2:4]
        self.pointer, self.count, self.tag = (
            struct.Struct(order + form)
            for form in (("Q", "Q", "HHQ8s") if is_big else ("I", "H", "HHI4s"))
        )
        self.seen: set[int] = set()  # places
        self.tags = self.bytes = 0  # so far
        # Several tags of a small file can name the same bytes, but the layers in a file are large.
        self.max_bytes = min(max(_MAX_BYTES[0], file.seek(0, 2)), _MAX_BYTES[1])
        self.first = _number(self.pointer, head[8 if is_big else 4 :])

    def read(self, place: int) -> Directory:
        """Read the directory at a place; an empty one if it was read before."""
        if place in self.seen:
            return Directory(False, [], 0)
        self.seen.add(place)
        self.file.seek(min(place, 2**63 - 1))
        count = _number(self.count, self.file.read(self.count.size))
        self.tags += count
        if self.tags > _MAX_TAGS:
            raise InputError(f"more than {_MAX_TAGS} TIFF or EXIF tags")
        table = self.file.read(count * self.tag.size)
        following = _number(self.pointer, self.file.read(self.pointer.size))
        is_preview, inner = False, []
        whole = len(table) - len(table) % self.tag.size
        for tag, kind, length, value in self.tag.iter_unpack(table[:whole]):
            self._count_value(kind, length)
            if tag == _SUBFILE_TYPE:
                is_preview = bool(_number(self.pointer, value) & 1)
            elif tag in _INNER:
                inner.append(_number(self.pointer, value))
        return Directory(is_preview, inner, following)

    def _count_value(self, kind: int, length: int) -> None:
        self.bytes += length * _BYTES.get(kind, 0)
        if self.bytes > self.max_bytes or (length > _MAX_NUMBERS and kind not in _TEXT):
            raise InputError("TIFF or EXIF tags with too many values")


def _number(form: struct.Struct, data: bytes) -> int:
    """The number at the beginning of `data`; 0 if it ends early."""
    return int(form.unpack(data[: form.size])[0]) if len(data) >= form.size else 0
