"""Image files: any common kind in, 8-bit RGB arrays out, and PNG written whole or not at all."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from srcnn.errors import InputError
from srcnn.files import written_whole

RGB8 = npt.NDArray[np.uint8]
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")


def list_images(folder: Path) -> list[Path]:
    """The image files of `folder` and of the folders in it, in order of their path.

    Raises:
        InputError: the folder is missing or holds no image.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and path.is_file() and not path.name.startswith(".")
    )
    if not files:
        looked_for = ", ".join(f"*{suffix}" for suffix in SUFFIXES)
        raise InputError(f"{folder}: no images in it (looked for {looked_for})")
    return files


def read_rgb(path: Path) -> tuple[RGB8, str | None]:
    """Read an image upright as RGB.

    Returns:
        the image, [H, W, 3] uint8, and what had to be converted, if anything: `grey`, `RGBA`,
        `palette`, `16-bit`, `CMYK` …

    Raises:
        InputError: the file is missing, is no image, or is cut short.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                if image.mode in ("I", "F"):
                    raise InputError(
                        f"{path}: 32-bit pixels have no known range; save it as 8- or 16-bit"
                    )
                deep = ";16" in str(
                    image.tile
                )  # 16 bits a channel, of which Pillow keeps the first 8
                rgb, kind = _to_rgb(ImageOps.exif_transpose(image))
                return rgb, "16-bit" if deep and kind is None else kind
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (PermissionError, IsADirectoryError) as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except UnidentifiedImageError:
        raise InputError(f"{path}: not an image that can be read") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise InputError(f"{path}: more pixels than an image can be trusted to have") from None
    except InputError:
        raise
    except Exception as error:  # decoders meet damaged bytes with any of Python's exceptions
        raise InputError(f"{path}: damaged or cut short ({error})") from None


def _to_rgb(image: Image.Image) -> tuple[RGB8, str | None]:
    if image.mode.startswith("I"):
        grey = np.rint(np.asarray(image, dtype=np.float64) / 257).clip(0, 255).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2), "16-bit grey"
    kinds = {"L": "grey", "1": "black and white", "P": "palette", "LA": "grey with alpha"}
    kind = None if image.mode == "RGB" else kinds.get(image.mode, image.mode)
    if image.has_transparency_data:
        kind = kind or "RGB with a transparent colour"
        # Transparent pixels have a colour that nobody sees: show them on white.
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return np.array(image.convert("RGB")), kind


def write_png(path: Path, image: npt.NDArray[Any]) -> None:
    """Write [H, W, 3] or [H, W] uint8 as PNG, whole or not at all."""
    with written_whole(path) as temporary:
        Image.fromarray(image).save(temporary, format="PNG", compress_level=_COMPRESSION)


_COMPRESSION = 3
"""zlib level: for DIV2K-sized LR images 1.5 × the time of level 1 and a tenth fewer bytes."""


def crop_to_multiple(image: RGB8, multiple: int) -> RGB8:
    """Cut rows at the bottom and columns at the right so that both are multiples of `multiple`."""
    height, width = (side - side % multiple for side in image.shape[:2])
    return image[:height, :width]
