"""Image files with all that they hold: every bit, transparency, ICC profile and EXIF data."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image

from srcnn.errors import InputError
from srcnn.images.colour import on_white, to_srgb, without_palette
from srcnn.images.decode import PixelArray, decoded_whole, to_8_bits
from srcnn.images.image_io import reading
from srcnn.images.png_chunks import chunks
from srcnn.upscaling.png_writer import icc_chunk, write_strips
from srcnn.upscaling.tiff_writer import as_stored, write_tiff
from srcnn.utils.files import atomic_write

FORMATS = {
    "png": (".png",),
    "jpeg": (".jpg", ".jpeg"),
    "webp": (".webp",),
    "tiff": (".tif", ".tiff"),
    "bmp": (".bmp",),
}
"""Suffixes by format, the usual one first."""

STREAMED = ("png", "tiff")
"""Formats that are written strip by strip, so that results of any size need little memory."""

ROOM = 1_700_000_000
"""Bytes of image and result that may be in memory, where a format cannot be written in strips."""

_LONGEST_EXIF = 65_533
_LONGEST = {"jpeg": 65_500, "webp": 16_383}
_OF_COLOUR = (b"gAMA", b"cHRM", b"sRGB", b"cICP")
_KEPT = (
    *("ImageDescription", "Make", "Model", "Software", "DateTime", "Artist", "HostComputer"),
    *("Rating", "Copyright", "XPTitle", "XPComment", "XPAuthor", "XPKeywords", "XPSubject"),
    *("XResolution", "YResolution", "ResolutionUnit"),
)


@dataclass(frozen=True)
class Original:
    """An image file, upright.

    Args:
        shape: height, width, channels: grey, grey with alpha, RGB or RGBA, by 1 to 4.
        dtype: uint8 or uint16.
        rows: gives some of its rows, [rows, width, channels].
        icc: its ICC profile.
        exif: its EXIF data, as they stand in a file, without orientation, sizes and preview.
        notes: what had to be converted.
        colour: what a PNG says of its colours besides, by chunk.
    """

    shape: tuple[int, int, int]
    dtype: Any
    rows: Callable[[slice], PixelArray]
    icc: bytes | None = None
    exif: bytes | None = None
    notes: tuple[str, ...] = ()
    colour: tuple[tuple[bytes, bytes], ...] = ()

    def __getitem__(self, rows: slice) -> PixelArray:
        """Some of its rows."""
        return self.rows(rows)


def as_image(levels: PixelArray) -> Image.Image:
    """[H, W, channels] of uint8 or uint16 as one of Pillow's images, 8 bits a channel."""
    levels = to_8_bits(levels)
    return Image.fromarray(levels if levels.shape[2] > 1 else levels[..., 0])


def format_of(path: Path) -> str | None:
    """The format that a file's suffix names."""
    suffix = path.suffix.lower()
    return next((name for name, suffixes in FORMATS.items() if suffix in suffixes), None)


def read_original(path: Path) -> Original:
    """Read an image file.

    Palettes become RGB, black and white grey, and CMYK sRGB, by its profile.

    Raises:
        InputError: as `srcnn.images.image_io.read_photo`.
    """
    notes = []
    with reading(path, None) as file:
        image, deep = decoded_whole(file)
        try:
            exif = _exif(image)
        except Exception:  # whatever a camera or a program has put there
            exif = None
            notes.append("EXIF data that cannot be read left out")
        icc = image.info.get("icc_profile") or None
        colour = tuple(
            (chunk.name, chunk.body)
            for chunk in chunks(file)
            if chunk.name in _OF_COLOUR and chunk.undamaged
        )
        if deep is not None:
            levels = deep.reshape(*deep.shape[:2], -1)
            rows = levels.__getitem__
            return Original(levels.shape, np.uint16, rows, icc, exif, tuple(notes), colour)
        image.load()
        mode = image.mode
        if mode == "CMYK":
            image, icc = to_srgb(image)[0], None
            notes.append("CMYK converted to sRGB")
        else:
            image = without_palette(image)
            if mode in ("P", "PA"):
                notes.append("palette converted to RGB")
    width, height = image.size
    channels = len(image.getbands())

    def cropped(span: slice) -> PixelArray:
        part = image.crop((0, span.start, width, span.stop))
        return np.asarray(part).reshape(-1, width, channels)

    shape = height, width, channels
    return Original(shape, np.uint8, cropped, icc, exif, tuple(notes), colour)


def _exif(image: Image.Image) -> bytes | None:
    """What the EXIF data say of the photograph, and not of the file that they are in."""
    old, new = image.getexif(), Image.Exif()
    for name in _KEPT:
        tag = ExifTags.Base[name]
        if tag in old:
            new[tag] = as_stored(old[tag])
    for ifd in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
        kept = {tag: as_stored(value) for tag, value in old.get_ifd(ifd).items()}
        for tag in (ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight):
            kept.pop(tag, None)
        if kept:
            new.get_ifd(ifd).update(kept)
    return new.tobytes() if len(new) or new.get_ifd(ExifTags.IFD.Exif) else None


def check_result(
    path: Path, kind: str, original: tuple[int, int], scale: int, *, allow_large: bool
) -> None:
    """Refuse a result that its format cannot hold or that needs too much memory.

    Args:
        path: of the result.
        kind: its format.
        original: height and width of what is enlarged.
        scale: by which.
        allow_large: whether memory is no reason.

    Raises:
        InputError: it is so.
    """
    height, width = (side * scale for side in original)
    size = f"{path}: a result of {width}×{height} pixels"
    longest = _LONGEST.get(kind)
    if longest and max(height, width) > longest:
        raise InputError(f"{size} is more than {kind} holds ({longest} a side); --format png does")
    held = 4 * (height * width + math.prod(original))  # as Pillow has colours; encoders add theirs
    if kind not in STREAMED and held > ROOM and not allow_large:
        raise InputError(
            f"{size} needs more than {ROOM / 1e9:.1f} GB of memory as {kind}; png and tiff are "
            f"written in strips and need little: --format png, or --allow-large"
        )


def write_result(
    path: Path, kind: str, original: Original, strips: Iterator[PixelArray], size: tuple[int, int]
) -> tuple[str, ...]:
    """Write an enlarged image, whole or not at all, with the profile and EXIF of the original.

    Args:
        path: of the result.
        kind: its format, one of FORMATS.
        original: what it is made from.
        strips: the result from top to bottom.
        size: width and height of the result.

    Returns:
        what the format could not keep, in words.
    """
    with atomic_write(path) as temporary:
        if kind == "png":
            about = [icc_chunk(original.icc)] if original.icc else []
            about += original.colour
            if original.exif:
                about.append((b"eXIf", original.exif.removeprefix(b"Exif\0\0")))
            with temporary.open("wb") as file:
                write_strips(file, size, strips, about)
            return ()
        said = {name for name, _ in original.colour}
        lost = () if b"sRGB" in said or not said else ("what the PNG says of its colours left out",)
        if kind == "tiff":
            with temporary.open("wb") as file:
                write_tiff(file, size, strips, original.icc, original.exif)
            return lost
        return *lost, *_write_with_pillow(temporary, kind, original, strips, size)


def _write_with_pillow(
    path: Path, kind: str, original: Original, strips: Iterator[PixelArray], size: tuple[int, int]
) -> tuple[str, ...]:
    notes = []
    channels = original.shape[2]
    mode = ("L", "LA", "RGB", "RGBA")[channels - 1]
    image = Image.new(mode, size)
    top = 0
    for strip in strips:
        image.paste(as_image(strip), (0, top))
        top += len(strip)
    if original.dtype == np.uint16:
        notes.append(f"16 bits a channel rounded to the 8 of {kind}")
    if kind in ("jpeg", "bmp") and channels in (2, 4):
        image = on_white(image.convert("RGBA")).convert(mode.removesuffix("A"))
        notes.append(f"transparent pixels put on white, as {kind} has none")
    icc, exif = original.icc, original.exif
    if kind == "bmp" and (icc or exif):
        notes.append("bmp keeps neither profile nor EXIF data")
        icc = exif = None
    if kind == "webp" and icc and channels < 3:
        notes.append("profile of grey left out, as webp has colours alone")
        icc = None
    if kind == "jpeg" and exif and len(exif) > _LONGEST_EXIF:
        notes.append(f"EXIF data of more than {_LONGEST_EXIF} bytes left out, as jpeg has no room")
        exif = None
    options: dict[str, Any] = {"jpeg": {"quality": 95, "subsampling": 0}, "webp": {"quality": 95}}
    about = {"icc_profile": icc, "exif": exif}
    image.save(path, kind, **options.get(kind, {}), **{k: v for k, v in about.items() if v})
    return tuple(notes)
