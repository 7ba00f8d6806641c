"""Image files with everything in them: 16-bit channels, alpha, ICC profile and EXIF."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from srcnn.errors import InputError
from srcnn.images.colour import on_white, to_srgb, without_palette
from srcnn.images.decode import PixelArray, decode, to_8_bits
from srcnn.images.image_io import open_image
from srcnn.images.png_chunks import chunks
from srcnn.upscaling.exif import read_exif
from srcnn.upscaling.png_writer import icc_chunk, write_png_strips
from srcnn.upscaling.tiff_writer import write_tiff_strips
from srcnn.utils.files import atomic_write

SUFFIXES = {
    "png": (".png",),
    "jpeg": (".jpg", ".jpeg"),
    "webp": (".webp",),
    "tiff": (".tif", ".tiff"),
    "bmp": (".bmp",),
}
"""File name suffixes by format, the usual one first."""

UNKNOWN_FORMAT = f"unknown image format (known: {', '.join(chain(*SUFFIXES.values()))})"
MODES = ("L", "LA", "RGB", "RGBA")  # Pillow's modes for 1 to 4 channels

_STREAMED = ("png", "tiff")  # written strip by strip: results of any size need little memory
_MEMORY_LIMIT = 1_700_000_000  # bytes of image and result in memory, for the other formats
_MAX_SIDE = {"jpeg": 65_500, "webp": 16_383}
_MAX_JPEG_EXIF = 65_533


@dataclass(frozen=True)
class SourceImage:
    """A decoded, upright image file; its rows are decoded on demand."""

    shape: tuple[int, int, int]  # height, width, channels
    dtype: Any  # uint8 or uint16
    read_rows: Callable[[slice], PixelArray]  # [rows, width, channels]
    icc: bytes | None = None
    exif: bytes | None = None  # of `read_exif`
    notes: tuple[str, ...] = ()  # what was converted
    colour_chunks: tuple[tuple[bytes, bytes], ...] = ()  # a PNG's other chunks about colour

    def __getitem__(self, rows: slice) -> PixelArray:
        return self.read_rows(rows)


def to_pillow(pixels: PixelArray) -> Image.Image:
    """A Pillow image of [H, W, C]; 16-bit channels are rounded to 8."""
    pixels = to_8_bits(pixels)
    return Image.fromarray(pixels if pixels.shape[2] > 1 else pixels[..., 0])


def format_of(path: Path) -> str | None:
    """The image format that the file's suffix stands for."""
    suffix = path.suffix.lower()
    return next((name for name, suffixes in SUFFIXES.items() if suffix in suffixes), None)


def read_image(path: Path) -> SourceImage:
    """Read an image file.

    Converts palettes to RGB, black and white to grey, and CMYK to sRGB by the ICC profile.

    Raises:
        InputError: as `srcnn.images.image_io.read_photo`.
    """
    notes = []
    with open_image(path) as file:
        image, pixels = decode(file)
        try:
            exif = read_exif(image)
        except Exception:  # damaged EXIF can raise anything
            exif = None
            notes.append("unreadable EXIF data dropped")
        colour_chunks = tuple(
            (chunk.name, chunk.body)
            for chunk in chunks(file)
            if chunk.name in (b"gAMA", b"cHRM", b"sRGB", b"cICP") and chunk.undamaged
        )
        if pixels is None:
            image.load()
            source = from_pillow(image)
        else:
            pixels = pixels.reshape(*pixels.shape[:2], -1)
            icc = image.info.get("icc_profile") or None
            source = SourceImage(pixels.shape, np.uint16, pixels.__getitem__, icc)
    notes += source.notes
    return replace(source, exif=exif, notes=tuple(notes), colour_chunks=colour_chunks)


def from_pillow(image: Image.Image) -> SourceImage:
    """The source of a Pillow image with 8 bits per channel; it is converted as by `read_image`."""
    icc, notes = image.info.get("icc_profile") or None, []
    if image.mode == "CMYK":
        image, icc = to_srgb(image)[0], None
        notes.append("CMYK converted to sRGB")
    elif image.mode in ("P", "PA"):
        notes.append("palette converted to RGB")
    image = without_palette(image)
    width, height = image.size
    shape = height, width, len(image.getbands())

    def crop(rows: slice) -> PixelArray:
        part = image.crop((0, rows.start, width, rows.stop))
        return np.asarray(part).reshape(-1, *shape[1:])

    return SourceImage(shape, np.uint8, crop, icc, notes=tuple(notes))


def check_result_size(
    path: Path, kind: str, source_size: tuple[int, int], scale: int, *, allow_large: bool
) -> None:
    """Check that the format can hold the result, and unless `allow_large` that memory can.

    `path` and `kind` are the result's; `source_size` is the source's width and height.

    Raises:
        InputError: the result is too large.
    """
    width, height = (side * scale for side in source_size)
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
    """Write the upscaled image atomically, with the ICC profile and EXIF data of its source.

    The `strips` add up to an image of `size` (width and height), from top to bottom. `kind` is a
    key of SUFFIXES. Returns notes on what the format cannot keep.
    """
    with atomic_write(path) as temporary:
        if kind == "png":
            chunks = [icc_chunk(source.icc)] if source.icc else []
            chunks += source.colour_chunks
            if source.exif:
                chunks.append((b"eXIf", source.exif.removeprefix(b"Exif\0\0")))
            with temporary.open("wb") as file:
                write_png_strips(file, size, strips, chunks)
            return []
        names = {name for name, _ in source.colour_chunks}
        notes = ["PNG colour chunks dropped"] if names and b"sRGB" not in names else []
        if kind == "tiff":
            with temporary.open("wb") as file:
                write_tiff_strips(file, size, strips, source.icc, source.exif)
        else:
            notes += _write_with_pillow(temporary, kind, source, strips, size)
        return notes


def _write_with_pillow(
    path: Path, kind: str, source: SourceImage, strips: Iterator[PixelArray], size: tuple[int, int]
) -> list[str]:
    """Write JPEG, WebP or BMP; returns notes as `write_image`."""
    channels, icc, exif = source.shape[2], source.icc, source.exif
    image, top, notes = Image.new(MODES[channels - 1], size), 0, []
    for strip in strips:
        image.paste(to_pillow(strip), (0, top))
        top += len(strip)
    if source.dtype == np.uint16:
        notes.append(f"16 bits per channel rounded to 8 for {kind}")
    if kind in ("jpeg", "bmp") and channels in (2, 4):
        image = on_white(image.convert("RGBA")).convert(image.mode.removesuffix("A"))
        notes.append(f"transparency put on white: {kind} has no alpha channel")
    if kind == "bmp" and (icc or exif):
        icc = exif = None
        notes.append("ICC profile and EXIF data dropped: bmp cannot store them")
    if kind == "webp" and icc and channels < 3:
        icc = None
        notes.append("grey ICC profile dropped: webp stores RGB only")
    if kind == "jpeg" and exif and len(exif) > _MAX_JPEG_EXIF:
        exif = None
        notes.append(f"EXIF data dropped: jpeg holds at most {_MAX_JPEG_EXIF} bytes")
    options: dict[str, Any] = {"jpeg": {"quality": 95, "subsampling": 0}, "webp": {"quality": 95}}
    metadata = {"icc_profile": icc, "exif": exif}
    image.save(path, kind, **options.get(kind, {}), **{k: v for k, v in metadata.items() if v})
    return notes
