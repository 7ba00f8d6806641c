"""Pairs of HR and LR images: files, pixels, and windows with a halo."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from srcnn.errors import InputError
from srcnn.images.image_folders import list_images
from srcnn.images.image_io import RGB8, image_size, read_photo, read_rgb
from srcnn.utils.paths import lr_name


@dataclass(frozen=True)
class Pair:
    """The images of one photograph."""

    name: str
    hr: RGB8  # [H, W, 3]
    lr: RGB8  # [H/scale, W/scale, 3]
    is_grey: bool = False  # whether the HR file is stored as grey


@dataclass(frozen=True)
class PairFiles:
    """The files of one photograph."""

    name: str
    hr: Path
    lr: Path
    size: tuple[int, int]  # width and height of the HR image

    def read(self) -> Pair:
        """Decode both images; raise InputError if one is damaged."""
        hr = read_photo(self.hr)
        return Pair(self.name, hr.pixels, read_rgb(self.lr), hr.is_grey)


def list_pairs(hr_folder: Path, lr_folder: Path, scale: int) -> list[PairFiles]:
    """Find the LR image of every HR image; InputError if none, or one is missing or not 1/scale."""
    pairs = []
    for hr_file in list_images(hr_folder):
        lr_file = lr_folder / lr_name(hr_file.stem, scale)
        size, (width, height) = image_size(hr_file), image_size(lr_file)
        if size != (width * scale, height * scale):
            raise InputError(f"{lr_file}: not 1/{scale} of the size of {hr_file}")
        pairs.append(PairFiles(hr_file.stem, hr_file, lr_file, size))
    return pairs


def read_pairs(hr_folder: Path, lr_folder: Path, scale: int) -> Iterator[Pair]:
    """Decode the pairs of `list_pairs` one by one; a damaged image raises InputError then."""
    return (files.read() for files in list_pairs(hr_folder, lr_folder, scale))


def with_halo(image: RGB8, top: int, left: int, height: int, width: int, halo: int) -> RGB8:
    """Cut out a window with `halo` more pixels on each side, reflected at the image's borders."""
    spans = (top - halo, top + height + halo), (left - halo, left + width + halo)
    beyond = [
        (max(0, -start), max(0, stop - length))
        for (start, stop), length in zip(spans, image.shape[:2], strict=True)
    ]
    (top, bottom), (left, right) = spans
    inside = image[max(0, top) : bottom, max(0, left) : right]
    return np.pad(inside, (*beyond, (0, 0)), "symmetric") if any(map(any, beyond)) else inside
