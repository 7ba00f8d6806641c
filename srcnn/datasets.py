"""Where photographs come from, and how they become `hr/{train,val}/NNNN.png`."""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from srcnn.errors import InputError
from srcnn.files import check_sha256, folder_written_whole, read_csv, write_csv
from srcnn.images import RGB8, crop_to_multiple, list_images, read_rgb, write_png

SPLITS = ("train", "val")


@dataclass(frozen=True)
class Photo:
    """An original photograph: where it is, what it is called, and which split it is in."""

    path: Path
    name: str
    split: str


def packaged_file(package: str, file: str, sha256: str) -> Path:
    """A data file inside an installed package, found without importing the package.

    Raises:
        InputError: the package or the file is missing, or its bytes are not those expected.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise InputError(f"{package}: not installed (make repro installs what the lock file lists)")
    path = Path(spec.submodule_search_locations[0]) / file
    if not path.is_file():
        raise InputError(f"{path}: no such file in the installed {package}")
    check_sha256(path, sha256)
    return path


def sample_photos(manifest: Path) -> list[Photo]:
    """The photographs of a manifest of files inside installed packages.

    Raises:
        InputError: a file is missing or not the one that the manifest names.
    """
    entries: list[dict[str, Any]] = YAML(typ="safe", pure=True).load(manifest)["images"]
    return [
        Photo(
            packaged_file(entry["package"], entry["file"], entry["sha256"]),
            Path(entry["file"]).name,
            entry["split"],
        )
        for entry in entries
    ]


def folder_photos(root: Path) -> list[Photo]:
    """The photographs in `root/train` and `root/val`.

    Raises:
        InputError: a folder is missing or empty.
    """
    try:
        return [
            Photo(path, str(path.relative_to(root / split)), split)
            for split in SPLITS
            for path in list_images(root / split)
        ]
    except InputError as error:
        raise InputError(f"data.root: {error}") from None


def write_hr(photos: Sequence[Photo], folder: Path, multiple: int) -> list[str]:
    """Write every photograph as `folder/{split}/NNNN.png`, cropped, and `folder/index.csv`.

    The folder is replaced once all of it is written.
    Numbers run on from train to val, so that a number names one image. `index.csv` has the columns
    image, split, name, width, height.

    Args:
        photos: the originals, in order.
        folder: where to write.
        multiple: of which both sides are made multiples by cropping at the bottom and right.

    Returns:
        a line for each kind of image that had to be converted.

    Raises:
        InputError: an image cannot be read or is smaller than `multiple`.
    """
    converted: dict[str, list[str]] = {}
    with folder_written_whole(folder) as temporary:
        rows = []
        for number, photo in enumerate(photos, start=1):
            image, kind = read_rgb(photo.path)
            if kind:
                converted.setdefault(kind, []).append(photo.name)
            cropped = _cropped(image, multiple, photo.path)
            image_id = f"{number:04d}"
            write_png(temporary / photo.split / f"{image_id}.png", cropped)
            rows.append(
                {
                    "image": image_id,
                    "split": photo.split,
                    "name": photo.name,
                    "width": cropped.shape[1],
                    "height": cropped.shape[0],
                }
            )
        write_csv(rows, temporary / "index.csv")
    return [f"{kind} converted to 8-bit RGB: {_some(names)}" for kind, names in converted.items()]


def _cropped(image: RGB8, multiple: int, path: Path) -> RGB8:
    cropped = crop_to_multiple(image, multiple)
    if cropped.size == 0:
        height, width = image.shape[:2]
        raise InputError(
            f"{path}: {width}×{height} pixels; at least {multiple}×{multiple} are needed"
        )
    return cropped


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def original_names(index: Path) -> dict[str, str]:
    """Name of the original photograph by image number, from `index.csv`."""
    return {row["image"]: row["name"] for row in read_csv(index)}


def lr_name(image_id: str, scale: int) -> str:
    """File name of an LR image, as DIV2K names it: `0001x2.png`."""
    return f"{image_id}x{scale}.png"
