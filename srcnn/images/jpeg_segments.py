"""Reads the segments of a JPEG file, to refuse what would keep a decoder busy."""

import re
from io import BytesIO
from typing import BinaryIO

from srcnn.errors import InputError
from srcnn.images.tiff_directories import read_directories

_MAX_SEGMENTS = 10_000  # before the first scan and between scans
_MAX_METADATA = 64 * 2**20  # bytes before the first scan
_MAX_JUNK = 2**16  # bytes between two segments
_MAX_SCANS = 100  # encoders write 10 or fewer
_MAX_WORK = 2**31  # pixels × scans

_SOI, _EOI, _SOS, _EXIF = 0xD8, 0xD9, 0xDA, 0xE1
_SIZE_SEGMENTS = (*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0))
_MARKER = re.compile(rb"\xff([^\x00\xff])")
_AFTER_SCAN = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")  # restart markers belong to a scan
_BLOCK = 2**20


def check_segments(file: BinaryIO) -> None:
    """Raise InputError if decoding the JPEG would take too long.

    The file is read up to the end of its first picture; damage is left to the decoder.
    """
    file.seek(2)
    pixels = segments = scans = metadata = 0
    exif = b""
    while marker := _next_marker(file, _AFTER_SCAN if scans else _MARKER, _MAX_JUNK * (not scans)):
        segments += 1
        if segments > _MAX_SEGMENTS:
            raise InputError(f"more than {_MAX_SEGMENTS} JPEG segments")
        if marker == _EOI:
            break
        if marker in (_SOI, 0x01) or 0xD0 <= marker <= 0xD7:
            continue  # without content
        length = int.from_bytes(file.read(2), "big") - 2
        if marker == _SOS:
            scans += 1
            if scans > _MAX_SCANS or scans * pixels > _MAX_WORK:
                raise InputError(f"{scans} scans or more of {pixels} pixels")
        elif marker in _SIZE_SEGMENTS or (marker == _EXIF and not scans):
            body = file.read(max(0, length))
            if marker != _EXIF:
                pixels = int.from_bytes(body[1:3], "big") * int.from_bytes(body[3:5], "big")
            elif body.startswith(b"Exif\0\0"):
                exif += body[6:]
            length -= len(body)
        file.seek(max(0, length), 1)
        metadata += 0 if scans else length
        if metadata > _MAX_METADATA:
            raise InputError(f"more than {_MAX_METADATA} bytes of metadata")
    read_directories(BytesIO(exif))


def _next_marker(file: BinaryIO, pattern: re.Pattern[bytes], most: int) -> int | None:
    """Find a marker, and move behind it; None at the end of the file.

    Raises:
        InputError: there are more than `most` bytes before it; 0 stands for any number.
    """
    start = place = file.tell()
    while len(block := file.read(256 if place == start else _BLOCK)) > 1:
        if found := pattern.search(block):
            file.seek(place + found.end())
            return found[1][0]
        place += len(block) - 1  # the last byte may begin a marker
        if most and place - start > most:
            raise InputError(f"more than {most} bytes between JPEG segments")
        file.seek(place)
    return None
