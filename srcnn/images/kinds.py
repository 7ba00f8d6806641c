"""The kinds of image files: their suffixes, and how their first bytes tell them apart."""

import re
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from srcnn.errors import InputError

SUFFIXES = {
    "png": (".png",),
    "jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "webp": (".webp",),
    "tiff": (".tif", ".tiff"),
    "bmp": (".bmp",),
    "avif": (".avif",),
}
"""File name suffixes of the kinds that can be read and written, the usual one first."""

_MPO = ".mpo"  # holds several JPEG pictures; the first one is read
REFUSED_SUFFIXES = (".heic", ".heif", ".jxl")
"""Suffixes of photographs that are refused by their content, with advice."""

UNKNOWN_FORMAT = f"unknown image format (known: {', '.join(chain(*SUFFIXES.values()))})"
IMAGE_SUFFIXES = (*chain(*SUFFIXES.values()), _MPO)
IMAGE_NAMES = ", ".join(f"*{suffix}" for suffix in IMAGE_SUFFIXES)
READABLE = "PNG, JPEG, WebP, TIFF, BMP or AVIF"

_CONVERT = "convert it to PNG first"
_OTHER_KINDS = {  # first bytes, as a regular expression, by the name for people
    "JPEG XL": (rb"\xff\x0a|\0\0\0\x0cJXL ", "convert it first, as with djxl NAME.jxl NAME.png"),
    "GIF": (rb"GIF8", _CONVERT),
    "JPEG 2000": (rb"\xff\x4f\xff\x51|\0\0\0\x0cjP  ", _CONVERT),
    "Photoshop": (rb"8BPS", _CONVERT),
    "PDF": (rb"%PDF", _CONVERT),
    "SVG or XML": (rb"(\xef\xbb\xbf)?\s*<(\?xml|svg)", _CONVERT),
    "OpenEXR": (rb"\x76\x2f\x31\x01", _CONVERT),
    "Radiance HDR": (rb"#\?(RADIANCE|RGBE)", _CONVERT),
    "Netpbm": (rb"P[1-7]\s", _CONVERT),
    "Windows icon": (rb"\0\0[\1\2]\0", _CONVERT),
    "raw camera": (rb"FUJIFILMCCD-RAW|II[RU][OS\0]|.{4}ftypcrx ", "develop it to TIFF first"),
}
_READABLE = {
    "png": rb"\x89PNG\r\n\x1a\n",
    "jpeg": rb"\xff\xd8\xff",
    "webp": rb"RIFF.{4}WEBP",
    "tiff": rb"II[\x2a\x2b]\0|MM\0[\x2a\x2b]",
    "bmp": rb"BM",
}
_MAX_FILE = 2**30  # bytes of a WebP or AVIF, whose decoders need all of it at once
_MAX_RLE = 4_000_000  # bytes
_HEIF = re.compile(rb"(.{4})ftyp(.{4}).{4}", re.DOTALL)
_HEIC = re.compile(rb"he[iv][cxms]")


def format_of(path: Path) -> str | None:
    """The kind that a file name's suffix stands for."""
    suffix = path.suffix.lower()
    return next((name for name, suffixes in SUFFIXES.items() if suffix in suffixes), None)


def result_format(source: Path) -> str | None:
    """The kind of a source's result, if no other is chosen; None if its suffix is unknown."""
    is_photo = source.suffix.lower() in (_MPO, *REFUSED_SUFFIXES)
    return format_of(source) or ("jpeg" if is_photo else None)


def result_suffix(source: Path, kind: str) -> str:
    """The suffix of a result of this kind: that of the source, if it stands for the kind."""
    return source.suffix if format_of(source) == kind else SUFFIXES[kind][0]


def kind_of(file: BinaryIO) -> str:
    """The kind of a file, a key of SUFFIXES; its position is then at the beginning.

    Raises:
        InputError: it is of no such kind.
    """
    file.seek(0)
    head = file.read(64)
    file.seek(0)
    for kind, pattern in _READABLE.items():
        if re.match(pattern, head, re.DOTALL):
            return kind
    if heif := _HEIF.match(head):
        length = int.from_bytes(heif[1], "big")
        brands = [heif[2], *re.findall(rb".{4}", head[16 : max(16, length)], re.DOTALL)]
        if b"avif" in brands or b"avis" in brands:
            return "avif"
        if any(_HEIC.fullmatch(brand) for brand in brands) or heif[2] in (b"mif1", b"msf1"):
            advice = "convert it first, as with heif-convert NAME.heic NAME.png"
            raise InputError(f"HEIC is not supported; {advice}")
    for name, (pattern, advice) in _OTHER_KINDS.items():
        if re.match(pattern, head, re.DOTALL):
            raise InputError(f"{name} is not supported; {advice}")
    raise InputError(f"not a readable {READABLE}" + ("" if head else " (empty)"))


def check_bmp(file: BinaryIO) -> None:
    """Raise InputError for a large run-length encoded BMP, which Pillow decodes slowly."""
    file.seek(0)
    compression = file.read(34)[30:]
    if compression in (b"\1\0\0\0", b"\2\0\0\0") and file.seek(0, 2) > _MAX_RLE:
        raise InputError(f"more than {_MAX_RLE} bytes of run-length encoded BMP; save it as PNG")


def whole_file(file: BinaryIO, kind: str) -> bytes:
    """All bytes of a WebP or AVIF, without what follows a WebP.

    Raises:
        InputError: it is too large.
    """
    file.seek(0)
    length = int.from_bytes(file.read(8)[4:], "little") + 8 if kind == "webp" else _MAX_FILE + 1
    file.seek(0)
    data = file.read(min(length, _MAX_FILE + 1))
    if len(data) > _MAX_FILE:
        raise InputError(f"more than {_MAX_FILE // 2**20} MiB; save it as PNG or TIFF")
    return data
