"""Writes upscaled images, with as much of the metadata as each kind of file can store."""

import math
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from srcnn.errors import InputError
from srcnn.images.colour import on_white
from srcnn.images.decode import PixelArray
from srcnn.upscaling.exif import with_resolution
from srcnn.upscaling.image_files import MODES, SourceImage, to_pillow
from srcnn.upscaling.metadata import NO_METADATA, Metadata
from srcnn.upscaling.png_writer import metadata_chunks, write_png_strips
from srcnn.upscaling.tiff_writer import write_tiff_strips
from srcnn.utils.files import atomic_write

_STREAMED = ("png", "tiff")  # written strip by strip: results of any size need little memory
_MEMORY_LIMIT = 1_700_000_000  # bytes of image and result in memory, for the other formats
_MAX_SIDE = {"jpeg": 65_500, "webp": 16_383, "avif": 65_536}

_STORED = {  # what each kind of file can store, besides colour chunks, which only PNG has
    "png": {"icc", "exif", "xmp", "comment", "png_text", "dpi"},
    "tiff": {"icc", "exif", "xmp", "iptc", "dpi"},
    "jpeg": {"icc", "exif", "xmp", "iptc", "comment", "dpi"},
    "webp": {"icc", "exif", "xmp", "dpi"},
    "avif": {"icc", "exif", "xmp", "dpi"},
    "bmp": {"dpi"},
}
_NAMES = {
    **{"icc": "ICC profile", "exif": "EXIF", "xmp": "XMP", "iptc": "IPTC", "comment": "comment"},
    **{"png_text": "text", "dpi": "resolution", "colour_chunks": "PNG colour chunks"},
}
# The most bytes of each in a JPEG: a segment, or 255 segments for a profile.
_IN_JPEG = {"icc": 255 * 65_519, "exif": 65_533, "xmp": 65_504, "iptc": 65_000, "comment": 65_533}


def check_result_size(
    path: Path, kind: str, source_size: tuple[int, int], size: tuple[int, int], *, allow_large: bool
) -> None:
    """Check that the format can hold the result, and unless `allow_large` that memory can.

    `path` and `kind` are the result's; the sizes are width and height of the source and the result.

    Raises:
        InputError: the result is too large.
    """
    width, height = size
    result = f"{path}: the result has {width}×{height} pixels"
    limit = _MAX_SIDE.get(kind)
    if limit and max(height, width) > limit:
        raise InputError(f"{result}, but {kind} allows {limit} per side; use --format png")
    memory = 4 * (height * width + math.prod(source_size))  # Pillow stores colours in 4 bytes
    if kind not in _STREAMED and memory > _MEMORY_LIMIT and not allow_large:
        raise InputError(
            f"{result}, which needs more than {_MEMORY_LIMIT / 1e9:.1f} GB of memory as {kind}; "
            f"use --format png or tiff, which need little memory, or --allow-large"
        )


def write_image(
    path: Path, kind: str, source: SourceImage, strips: Iterator[PixelArray], size: tuple[int, int]
) -> list[str]:
    """Write the upscaled image atomically, with the metadata of its source.

    The `strips` add up to an image of `size` (width and height), from top to bottom. `kind` is a
    key of `srcnn.images.kinds.SUFFIXES`. Returns notes on what the format cannot keep.
    """
    metadata, notes = _storable(source, kind)
    with atomic_write(path) as temporary:
        if kind in _STREAMED:
            with temporary.open("wb") as file:
                if kind == "png":
                    write_png_strips(file, size, strips, metadata_chunks(metadata))
                else:
                    write_tiff_strips(file, size, strips, metadata)
        else:
            notes += _write_with_pillow(temporary, kind, source, metadata, strips, size)
    return notes


def _storable(source: SourceImage, kind: str) -> tuple[Metadata, list[str]]:
    """The metadata that this kind of file can store, and a note on the rest."""
    metadata, notes = source.metadata, []
    stored = set(_STORED[kind])
    if kind == "png" or b"sRGB" in dict(metadata.colour_chunks):
        stored.add("colour_chunks")
    # WebP has no grey, and AVIF none with alpha.
    if source.shape[2] in {"webp": (1, 2), "avif": (2,)}.get(kind, ()):
        stored.discard("icc")
    lost = [name for name in _NAMES if getattr(metadata, name) and name not in stored]
    if lost:
        names = ", ".join(_NAMES[name] for name in lost)
        notes.append(f"{names} dropped: {kind} cannot store {'them' if lost[1:] else 'it'}")
    for name, most in _IN_JPEG.items():
        if kind == "jpeg" and name in stored and len(getattr(metadata, name) or b"") > most:
            lost.append(name)
            notes.append(f"{_NAMES[name]} dropped: jpeg holds at most {most} bytes of it")
    return replace(metadata, **{name: getattr(NO_METADATA, name) for name in lost}), notes


def _write_with_pillow(
    path: Path,
    kind: str,
    source: SourceImage,
    metadata: Metadata,
    strips: Iterator[PixelArray],
    size: tuple[int, int],
) -> list[str]:
    """Write JPEG, WebP, AVIF or BMP; returns notes as `write_image`."""
    channels, notes, top = source.shape[2], [], 0
    image = Image.new(MODES[channels - 1], size)
    for strip in strips:
        image.paste(to_pillow(strip), (0, top))
        top += len(strip)
    if source.dtype == np.uint16:
        notes.append(f"16 bits per channel rounded to 8 for {kind}")
    if kind in ("jpeg", "bmp") and channels in (2, 4):
        image = on_white(image.convert("RGBA")).convert(image.mode.removesuffix("A"))
        notes.append(f"transparency put on white: {kind} has no alpha channel")
    lossless = {"lossless": True} if source.is_lossless_webp else {"quality": 95}
    qualities: dict[str, dict[str, Any]] = {
        "jpeg": {"quality": 95, "subsampling": 0},
        "webp": lossless,
        "avif": {"quality": 90} | ({"subsampling": "4:4:4"} if channels > 2 else {}),
    }
    about = {
        "icc_profile": metadata.icc,
        "exif": metadata.exif,
        "xmp": metadata.xmp,
        "comment": metadata.comment,
        "extra": _photoshop_segment(metadata.iptc) if metadata.iptc else None,
        "dpi": metadata.dpi,
    }
    if kind in ("webp", "avif") and metadata.dpi:
        about["exif"] = with_resolution(metadata.exif, metadata.dpi)
    image.save(path, kind, **qualities.get(kind, {}), **{k: v for k, v in about.items() if v})
    return notes


def _photoshop_segment(iptc: bytes) -> bytes:
    """A JPEG segment with IPTC data as a resource of Photoshop."""
    resource = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(iptc)) + iptc + b"\0" * (len(iptc) % 2)
    body = b"Photoshop 3.0\0" + resource
    return b"\xff\xed" + struct.pack(">H", len(body) + 2) + body
