"""Image files: any common kind in, 8-bit RGB arrays out, and PNG written whole or not at all."""

import os
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
from PIL import Image, UnidentifiedImageError

from srcnn.errors import InputError, TooLarge
from srcnn.images.colour import on_white, to_srgb
from srcnn.images.decode import decoded, upright_size
from srcnn.images.png_chunks import is_plain
from srcnn.utils.files import atomic_write

RGB8 = npt.NDArray[np.uint8]
Source = Path | bytes | BinaryIO
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")
IMAGE_NAMES = ", ".join(f"*{suffix}" for suffix in SUFFIXES)
_KINDS = {
    "1": "black and white",
    "L": "grey",
    "LA": "grey with alpha",
    "P": "palette",
    "RGB": "",
}

# Of the largest cameras; beyond it a file is taken for a bomb.
Image.MAX_IMAGE_PIXELS = 2**28
# For good: to change Python's filters for each file would not be safe among threads.
warnings.simplefilter("error", Image.DecompressionBombWarning)


def list_images(folder: Path) -> list[Path]:
    """The image files of `folder` and of the folders in it, in order of their path.

    Raises:
        InputError: the folder is missing or holds no image.
    """
    files = [path for path in list_files(folder) if path.suffix.lower() in SUFFIXES]
    if not files:
        raise InputError(f"{folder}: no images in it (looked for {IMAGE_NAMES})")
    return files


def list_files(folder: Path) -> list[Path]:
    """All files of `folder` and of the folders in it but hidden ones, in order of their path.

    Raises:
        InputError: the folder is missing.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    files = []
    for path, folders, names in os.walk(folder, followlinks=True):
        here = Path(path).resolve()
        folders[:] = [
            name
            for name in folders
            if not name.startswith(".") and not here.is_relative_to((here / name).resolve())
        ]
        files += [Path(path, name) for name in names if not name.startswith(".")]
    return sorted(files)


@dataclass(frozen=True, eq=False)
class Picture:
    """A photograph as it is used here, and what became of it on the way.

    Args:
        pixels: [H, W, 3] uint8, sRGB, upright.
        mode: of the original: `RGB`, `L` (grey), `LA`, `RGBA`, `P` (palette), `CMYK`, `1`;
            with `;16` where a channel has 16 bits.
        conversion: what had to be converted, or None: `grey`, `RGBA`, `palette`, `16-bit`, `CMYK`,
            `ICC profile Display P3`, `16-bit grey, ICC profile Dot Gain 20%` …
        ignored: what the file says of its colours and was not heeded, or None:
            `unreadable ICC profile`, `PNG gAMA` …
        plain_png: whether the file is a PNG of these very pixels that says nothing else about
            them, so that it may be copied instead of being written anew.
    """

    pixels: RGB8
    mode: str
    conversion: str | None
    ignored: str | None
    plain_png: bool


def read_photo(source: Source, name: str | None = None) -> Picture:
    """Read a photograph of any kind.

    Turned as its EXIF data say, converted to sRGB from the colours of its ICC profile or its kind,
    put on white where it is transparent, 16-bit values rounded: round(v / 257).

    Args:
        source: the file's path, its bytes, or the file opened for reading bytes and seeking.
        name: what messages call it; the path if None.

    Raises:
        InputError: the file is missing, is no image, is cut short, holds several pictures, or
            pixels that have no known meaning.
    """
    with reading(source, name) as file:
        original, deep = decoded(file)
        image, profile, ignored = to_srgb(original)
        converted = [_kind(original, deep), profile]
        return Picture(
            pixels=np.array(on_white(image)),
            mode=f"{original.mode};16" if deep else original.mode,
            conversion=", ".join(filter(None, converted)) or None,
            ignored=ignored,
            plain_png=is_plain(file),
        )


def read_rgb(source: Source, name: str | None = None) -> tuple[RGB8, str | None]:
    """The pixels and the conversion of `read_photo`, which says more."""
    picture = read_photo(source, name)
    return picture.pixels, picture.conversion


def image_size(source: Source, name: str | None = None) -> tuple[int, int]:
    """Width and height of an image once it is upright, without decoding it.

    Args:
        source: as `read_photo` takes it.
        name: what messages call it; the path if None.

    Raises:
        InputError: the file is missing, is no image, or holds several pictures.
    """
    with reading(source, name) as file:
        return upright_size(file)


def _kind(image: Image.Image, deep: bool) -> str:
    """What there is to convert but the profile, in words; none for 8-bit RGB."""
    kind = _KINDS.get(image.mode, image.mode)
    if image.mode == "RGB" and image.has_transparency_data:
        kind = "RGB with a transparent colour"
    return f"16-bit {kind}".strip() if deep else kind


@contextmanager
def reading(source: Source, name: str | None) -> Iterator[BinaryIO]:
    """The file to read from; whatever goes wrong becomes one line that names it."""
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
    except UnidentifiedImageError:
        raise InputError(f"{name}: not a PNG, JPEG, WebP, TIFF or BMP that can be read") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise TooLarge(f"{name}: more pixels than an image can be trusted to have") from None
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    except MemoryError:
        raise InputError(f"{name}: this machine's memory cannot hold it") from None
    except Exception as error:  # decoders meet damaged bytes with any of Python's exceptions
        raise InputError(f"{name}: damaged or cut short ({error})") from None


def write_png(path: Path, image: npt.NDArray[Any]) -> None:
    """Write [H, W, 3] or [H, W] uint8 as PNG, whole or not at all."""
    with atomic_write(path) as temporary:
        # Runs alone, no search for repetitions: of photographs it makes nearly the smallest files
        # in nearly the shortest time (measured by `benchmarks/degrade.py`).
        Image.fromarray(image).save(temporary, format="PNG", compress_type=zlib.Z_RLE)


def crop_to_multiple(image: RGB8, multiple: int) -> RGB8:
    """Cut rows at the bottom and columns at the right so that both are multiples of `multiple`."""
    height, width = (side - side % multiple for side in image.shape[:2])
    return image[:height, :width]
