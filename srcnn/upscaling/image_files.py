"""Image files with everything in them: 16-bit channels, alpha, and metadata."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from PIL import Image

from srcnn.images.colour import to_srgb, without_palette
from srcnn.images.decode import PixelArray, decode, to_8_bits
from srcnn.images.image_io import open_image
from srcnn.upscaling.metadata import NO_METADATA, Metadata, read_metadata

MODES = ("L", "LA", "RGB", "RGBA")  # Pillow's modes for 1 to 4 channels


@dataclass(frozen=True)
class SourceImage:
    """A decoded, upright image file; its rows are decoded on demand."""

    shape: tuple[int, int, int]  # height, width, channels
    dtype: Any  # uint8 or uint16
    read_rows: Callable[[slice], PixelArray]  # [rows, width, channels]
    metadata: Metadata = NO_METADATA
    notes: tuple[str, ...] = ()  # what was converted or left out
    is_lossless_webp: bool = False

    def __getitem__(self, rows: slice) -> PixelArray:
        return self.read_rows(rows)

    @property
    def icc(self) -> bytes | None:
        """The ICC profile."""
        return self.metadata.icc

    def stripped(self) -> Self:
        """The image without the metadata that its colours do not depend on."""
        return replace(self, metadata=self.metadata.stripped())


def to_pillow(pixels: PixelArray) -> Image.Image:
    """A Pillow image of [H, W, C]; 16-bit channels are rounded to 8."""
    pixels = to_8_bits(pixels)
    return Image.fromarray(pixels if pixels.shape[2] > 1 else pixels[..., 0])


def read_image(path: Path) -> SourceImage:
    """Read an image file.

    Converts palettes to RGB, black and white to grey, and CMYK to sRGB by the ICC profile.

    Raises:
        InputError: as `srcnn.images.image_io.read_photo`.
    """
    with open_image(path) as file:
        decoded = decode(file)
        metadata, notes = read_metadata(decoded)
        if decoded.levels is None:
            decoded.image.load()
            source = from_pillow(decoded.image)
        else:
            levels = decoded.levels.reshape(*decoded.levels.shape[:2], -1)
            source = SourceImage(levels.shape, np.uint16, levels.__getitem__)
            source = _with_profile(source, decoded.image.info.get("icc_profile"))
    return replace(
        source,
        metadata=replace(metadata, icc=source.icc),
        notes=(*decoded.notes, *notes, *source.notes),
        is_lossless_webp=decoded.is_lossless_webp,
    )


def from_pillow(image: Image.Image) -> SourceImage:
    """The source of a Pillow image with 8 bits per channel; it is converted as by `read_image`."""
    icc, notes = image.info.get("icc_profile"), []
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

    source = SourceImage(shape, np.uint8, crop, notes=tuple(notes))
    return _with_profile(source, icc)


def _with_profile(source: SourceImage, icc: bytes | None) -> SourceImage:
    """Add an ICC profile, if it fits the channels.

    Grey with a profile for RGB becomes RGB, so that the profile still applies.
    """
    if icc is None:
        return source
    note = None
    height, width, channels = source.shape
    space = _colour_space(icc)
    if space is None:
        icc, note = None, "unreadable ICC profile dropped"
    elif space == "RGB" and channels < 3:
        note = "grey stored as RGB, because its ICC profile is for RGB"
        grey, shape = source, (height, width, channels + 2)
        source = replace(source, shape=shape, read_rows=lambda rows: _repeat_grey(grey[rows]))
    elif space != ("GRAY" if channels < 3 else "RGB"):
        icc, note = None, f"ICC profile for {space} images dropped"
    notes = (*source.notes, note) if note else source.notes
    return replace(source, metadata=Metadata(icc=icc), notes=notes)


def _repeat_grey(pixels: PixelArray) -> PixelArray:
    """[H, W, 1 or 2] as RGB or RGBA."""
    return np.concatenate([np.repeat(pixels[..., :1], 3, axis=2), pixels[..., 1:]], axis=2)


def _colour_space(icc: bytes) -> str | None:
    """The colour space in the header of an ICC profile, such as RGB; None if there is no header."""
    if len(icc) < 128 or icc[36:40] != b"acsp":
        return None
    return icc[16:20].decode("ascii", "replace").strip()
