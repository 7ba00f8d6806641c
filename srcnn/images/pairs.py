"""Pairs of HR and LR images: files, pixels, and windows with a halo."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from srcnn.errors import InputError
from srcnn.images.image_io import RGB8, image_size, list_images, read_rgb
from srcnn.utils.paths import lr_name


@dataclass(frozen=True)
class Pair:
    """One photograph: `hr` [H, W, 3] and `lr` [H/s, W/s, 3], uint8."""

    name: str
    hr: RGB8
    lr: RGB8


@dataclass(frozen=True)
class PairFiles:
    """The files of one photograph, and width and height of its HR image."""

    name: str
    hr: Path
    lr: Path
    size: tuple[int, int]

    def read(self) -> Pair:
        """Decode both images.

        Raises:
            InputError: one of them is damaged.
        """
        return Pair(self.name, read_rgb(self.hr), read_rgb(self.lr))


def list_pairs(hr_folder: Path, lr_folder: Path, scale: int) -> list[PairFiles]:
    """Find the LR image of every HR image in a folder, and check their sizes.

    Raises:
        InputError: the folder is empty, or an LR image is missing or of the wrong size.
    """
    pairs = []
    for hr_file in list_images(hr_folder):
        lr_file = lr_folder / lr_name(hr_file.stem, scale)
        size, (width, height) = image_size(hr_file), image_size(lr_file)
        if size != (width * scale, height * scale):
            raise InputError(f"{lr_file}: not 1/{scale} of the size of {hr_file}")
        pairs.append(PairFiles(hr_file.stem, hr_file, lr_file, size))
    return pairs


def read_pairs(hr_folder: Path, lr_folder: Path, scale: int) -> Iterator[Pair]:
    """Decode the pairs of `list_pairs` one by one, when they are needed.

    Raises:
        InputError: as `list_pairs`, immediately; or an image is damaged, during iteration.
    """
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
