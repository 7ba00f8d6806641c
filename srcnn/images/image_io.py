"""Reads image files of common kinds as 8-bit RGB arrays, and writes PNG files."""

import hashlib
import re
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image

from srcnn.errors import InputError, TooLarge
from srcnn.images.colour import on_white, to_srgb
from srcnn.images.decode import decode, to_8_bits, upright_size
from srcnn.images.png_chunks import is_plain
from srcnn.utils.files import atomic_write

RGB8 = npt.NDArray[np.uint8]
Source = Path | bytes | BinaryIO  # a path, a file's bytes, or a seekable file
_UNSUPPORTED = re.compile("unsupported|not supported|not available", re.IGNORECASE)
_KINDS = {"1": "black and white", "L": "grey", "LA": "grey with alpha", "P": "palette", "RGB": ""}

# The largest cameras stay below this; a larger image may be a decompression bomb.
_MAX_PIXELS = 2**28
Image.MAX_IMAGE_PIXELS = _MAX_PIXELS
# For the whole process, because changing warning filters per file is not thread-safe.
warnings.simplefilter("error", Image.DecompressionBombWarning)


@dataclass(frozen=True, eq=False)
class DecodedPhoto:
    """A photograph as this project uses it, and how it was converted."""

    pixels: RGB8  # [H, W, 3], sRGB, upright
    mode: str  # of the original: L (grey), RGB, RGBA, P …; with ;16 for 16 bits per channel
    conversion: str | None  # what was converted: grey, palette, 16-bit, ICC profile Display P3 …
    ignored: str | None  # colour information that was not used: unreadable ICC profile, PNG gAMA …
    is_grey: bool  # whether it is stored as grey, and its channels are equal after conversion
    plain_png: bool  # a PNG of exactly these pixels without further data: may be copied


def read_photo(source: Source, name: str | None = None) -> DecodedPhoto:
    """Read an image file of any supported kind.

    It is turned as its EXIF data say, converted to sRGB, and put on white where it is transparent;
    16-bit values are rounded: round(v / 257). Messages call it `name`, or else by its path.

    Raises:
        InputError: the file is missing, damaged, no single image, or has an unsupported pixel type.
    """
    with open_image(source, name) as file:
        decoded = decode(file)
        image: Image.Image = decoded.image
        mode = image.mode
        if decoded.levels is not None:
            image = Image.fromarray(to_8_bits(decoded.levels))
            image.info = decoded.image.info
            mode = f"{image.mode};16"
        kind = _describe_kind(image, decoded.levels is not None)
        is_grey = image.mode in ("1", "L", "LA")
        image, profile, ignored = to_srgb(image)
        pixels = np.array(on_white(image))
        return DecodedPhoto(
            pixels=pixels,
            mode=mode,
            conversion=", ".join(filter(None, [kind, profile])) or None,
            ignored=ignored,
            is_grey=is_grey and bool((pixels == pixels[..., :1]).all()),
            plain_png=decoded.kind == "png" and is_plain(file),
        )


def read_rgb(source: Source, name: str | None = None) -> RGB8:
    """The pixels of `read_photo`."""
    return read_photo(source, name).pixels


def image_size(source: Source, name: str | None = None) -> tuple[int, int]:
    """Width and height of the upright image, without decoding it; errors as in `read_photo`."""
    with open_image(source, name) as file:
        return upright_size(file)


def _describe_kind(image: Image.Image, is_16_bit: bool) -> str:
    """What to convert besides the profile; empty for 8-bit RGB."""
    kind = _KINDS.get(image.mode, image.mode)
    if image.mode == "RGB" and image.has_transparency_data:
        kind = "RGB with a transparent colour"
    return f"16-bit {kind}".strip() if is_16_bit else kind


@contextmanager
def open_image(source: Source, name: str | None = None) -> Iterator[BinaryIO]:
    """Open a file to read an image; turn all errors in the block into one line that names it."""
    name = name or (str(source) if isinstance(source, Path) else "an image")
    try:
        if isinstance(source, Path):
            with source.open("rb") as file:
                yield file
        else:
            yield BytesIO(source) if isinstance(source, bytes) else source
    except FileNotFoundError:
        raise InputError(f"{name}: no such file") from None
    except (PermissionError, IsADirectoryError, NotADirectoryError) as error:
        raise InputError(f"{name}: cannot be read ({error.strerror})") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise TooLarge(f"{name}: more than {_MAX_PIXELS / 1e6:.0f} megapixels") from None
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    except MemoryError:
        raise InputError(f"{name}: does not fit in memory") from None
    except Exception as error:  # decoders raise exceptions of any type for damaged bytes
        reason = str(error) or type(error).__name__
        if _UNSUPPORTED.search(reason):
            raise InputError(f"{name}: not supported ({reason}); save it as PNG") from None
        raise InputError(f"{name}: damaged or cut short ({reason})") from None


def write_png(path: Path, image: npt.NDArray[Any]) -> None:
    """Write [H, W, 3] or [H, W] uint8 as PNG, completely or not at all."""
    with atomic_write(path) as temporary:
        # Run-length compression is nearly the smallest and nearly the fastest for photographs
        # (measured by `benchmarks/degrade.py`).
        Image.fromarray(image).save(temporary, format="PNG", compress_type=zlib.Z_RLE)


def pixel_checksum(image: RGB8) -> str:
    """The SHA-256 of the text HEIGHTxWIDTH, a line feed and the RGB bytes, row by row."""
    size = f"{image.shape[0]}x{image.shape[1]}\n".encode()
    return hashlib.sha256(size + image.tobytes()).hexdigest()


def crop_to_multiple(image: RGB8, multiple: int) -> RGB8:
    """Crop at the bottom and right, so that both sides are multiples of `multiple`."""
    height, width = (side - side % multiple for side in image.shape[:2])
    return image[:height, :width]
