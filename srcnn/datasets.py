"""Where photographs come from, and how they become `hr/{train,val}/NNNN.png`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from srcnn.errors import InputError
from srcnn.files import folder_written_whole, packaged_file, read_csv, write_csv
from srcnn.images import RGB8, crop_to_multiple, list_images, read_rgb, write_png

SPLITS = ("train", "val")


@dataclass(frozen=True)
class Photo:
    """An original photograph: where it is, what it is called, and which split it is in."""

    path: Path
    name: str
    split: str


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


def write_hr(
    photos: Sequence[Photo], folder: Path, multiple: int, smallest_val: int = 1
) -> list[str]:
    """Write every photograph as `folder/{split}/NNNN.png`, cropped, and `folder/index.csv`.

    The folder is replaced once all of it is written.
    Numbers run on from train to val, so that a number names one image. `index.csv` has the columns
    image, split, name, width, height.

    Args:
        photos: the originals, in order.
        folder: where to write.
        multiple: of which both sides are made multiples by cropping at the bottom and right.
        smallest_val: pixels that each side of a val image needs after that.

    Returns:
        a line for each kind of image that had to be converted.

    Raises:
        InputError: an image cannot be read or is too small.
    """
    converted: dict[str, list[str]] = {}
    with folder_written_whole(folder) as temporary:
        rows = []
        for number, photo in enumerate(photos, start=1):
            image, kind = read_rgb(photo.path)
            if kind:
                converted.setdefault(kind, []).append(photo.name)
            smallest = max(multiple, smallest_val) if photo.split == "val" else multiple
            cropped = _cropped(image, multiple, smallest, photo.path)
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


def _cropped(image: RGB8, multiple: int, smallest: int, path: Path) -> RGB8:
    cropped = crop_to_multiple(image, multiple)
    if min(cropped.shape[:2]) < smallest:
        height, width = image.shape[:2]
        least = -(-smallest // multiple) * multiple
        raise InputError(f"{path}: {width}×{height} pixels; at least {least}×{least} are needed")
    return cropped


def smallest_val_side(scale: int) -> int:
    """Pixels that each side of a val image needs to be scored.

    AlexNet's two pools need 32 for LPIPS; SSIM's window of 11 must fit in what shaving leaves.
    """
    return max(32, 11 + 2 * scale)


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def original_names(index: Path) -> dict[str, str]:
    """Name of the original photograph by image number, from `index.csv`."""
    return {row["image"]: row["name"] for row in read_csv(index)}


def lr_name(image_id: str, scale: int) -> str:
    """File name of an LR image, as DIV2K names it: `0001x2.png`."""
    return f"{image_id}x{scale}.png"
