"""Pairs of HR and LR images, and the patches that an epoch of training draws from them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from srcnn.errors import InputError
from srcnn.images import RGB8, image_size, list_images, read_rgb
from srcnn.layout import lr_name


@dataclass(frozen=True)
class Pair:
    """One photograph: `hr` [H, W, 3] and `lr` [H/s, W/s, 3], uint8."""

    name: str
    hr: RGB8
    lr: RGB8


@dataclass(frozen=True)
class PairFiles:
    """Where one photograph lies, and width and height of its HR image."""

    name: str
    hr: Path
    lr: Path
    size: tuple[int, int]

    def read(self) -> Pair:
        """Decode both images.

        Raises:
            InputError: one is damaged.
        """
        return Pair(self.name, read_rgb(self.hr)[0], read_rgb(self.lr)[0])


def list_pairs(hr_folder: Path, lr_folder: Path, scale: int) -> list[PairFiles]:
    """Find every HR image of a folder with its LR image, and look at their sizes.

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
    """Decode the pairs of `list_pairs` one by one, as they are asked for.

    Raises:
        InputError: as `list_pairs`, at once; an image is damaged, when its turn comes.
    """
    return (files.read() for files in list_pairs(hr_folder, lr_folder, scale))


def to_tensor(images: RGB8, device: torch.device) -> Tensor:
    """[N, H, W, 3] uint8 to [N, 3, H, W] float32 in [0, 1], channels last in memory."""
    return torch.tensor(images, device=device).permute(0, 3, 1, 2).float().div_(255)


def check_sizes(
    sizes: Mapping[str, tuple[int, int]],
    patch_size: int | None,
    batch_size: int,
    *,
    geometry: bool,
) -> None:
    """Refuse training images, width and height by name, of which `Patches` could not draw.

    Raises:
        InputError: an image is smaller than a patch, or whole images of several sizes would have
            to share a batch.
    """
    for name, (width, height) in sizes.items():
        if patch_size and min(height, width) < patch_size:
            raise InputError(
                f"training image {name}: {width}×{height} pixels cannot hold a patch of "
                f"train.patch_size: {patch_size} (data/hr/index.csv names the photograph)"
            )
    if patch_size or batch_size == 1:
        return
    several = set(sizes.values())
    if len(several) > 1:
        raise InputError(
            f"train.patch_size: null batches whole images, but the {len(sizes)} training "
            f"images have {len(several)} sizes; set train.batch_size: 1 or a patch size"
        )
    if geometry and any(width != height for width, height in several):
        # Quarter turns would give a batch two shapes.
        raise InputError(
            "train.augment.geometry: turns whole images that are not square, which cannot "
            "share a batch; set it to false, or train.batch_size: 1"
        )


class Patches:
    """Random patches of the training images, or the whole images, batch by batch.

    Args:
        pairs: the training images.
        scale: of the LR images.
        halo: LR pixels of context around an LR patch, reflected at the image's border.
        patch_size: HR pixels, a multiple of `scale`; None for whole images.
        patches_per_image: drawn from each image in an epoch; whole images count once.
        batch_size: patches or images in a batch; the last batch of an epoch may be smaller.
        geometry: also draw mirrored and quarter-turned patches.
        colour: also permute the colour channels.
        seed: of everything that is random here.

    Raises:
        InputError: as `check_sizes`.
    """

    def __init__(
        self,
        pairs: Sequence[Pair],
        scale: int,
        halo: int,
        *,
        patch_size: int | None,
        patches_per_image: int,
        batch_size: int,
        geometry: bool,
        colour: bool,
        seed: int,
    ):
        sizes = {pair.name: (pair.hr.shape[1], pair.hr.shape[0]) for pair in pairs}
        check_sizes(sizes, patch_size, batch_size, geometry=geometry)
        self.pairs, self.scale, self.halo, self.batch_size = pairs, scale, halo, batch_size
        self.patch_size, self.geometry, self.colour = patch_size, geometry, colour
        self.random = np.random.default_rng(seed)
        self.draws = len(pairs) * (patches_per_image if patch_size else 1)

    def __len__(self) -> int:
        """Batches in an epoch."""
        return -(-self.draws // self.batch_size)

    def epoch(self) -> Iterator[tuple[RGB8, RGB8]]:
        """Draw one epoch.

        Yields:
            lr [N, p/s + 2·halo, p/s + 2·halo, 3] and hr [N, p, p, 3], uint8.
        """
        order = self.random.permutation(self.draws) % len(self.pairs)
        for start in range(0, self.draws, self.batch_size):
            drawn = [self._draw(index) for index in order[start : start + self.batch_size]]
            lr, hr = zip(*drawn, strict=True)
            yield np.stack(lr), np.stack(hr)

    def _draw(self, index: int) -> tuple[RGB8, RGB8]:
        pair, scale = self.pairs[index], self.scale
        y, x, (height, width) = 0, 0, pair.lr.shape[:2]
        if self.patch_size:
            side = self.patch_size // scale
            y = self.random.integers(height - side + 1)
            x = self.random.integers(width - side + 1)
            height = width = side
        lr = _with_halo(pair.lr, y, x, height, width, self.halo)
        hr = pair.hr[y * scale : (y + height) * scale, x * scale : (x + width) * scale]
        if self.geometry:
            turns, mirror = self.random.integers(4), self.random.integers(2)
            lr, hr = _turn(lr, turns, mirror), _turn(hr, turns, mirror)
        if self.colour:
            channels = self.random.permutation(3)
            return lr[..., channels], hr[..., channels]
        return lr.copy(), hr.copy()  # a view would keep its whole image mapped


def _with_halo(image: RGB8, top: int, left: int, height: int, width: int, halo: int) -> RGB8:
    """A window and its neighbourhood, mirrored at the image's borders."""
    spans = (top - halo, top + height + halo), (left - halo, left + width + halo)
    beyond = [
        (max(0, -start), max(0, stop - length))
        for (start, stop), length in zip(spans, image.shape[:2], strict=True)
    ]
    (top, bottom), (left, right) = spans
    inside = image[max(0, top) : bottom, max(0, left) : right]
    return np.pad(inside, (*beyond, (0, 0)), "symmetric") if any(map(any, beyond)) else inside


def _turn(image: RGB8, turns: Any, mirror: Any) -> RGB8:
    # np.rot90 does the same in six times the time, which counts at a patch.
    if turns % 2:
        image = image.swapaxes(0, 1)[::-1]
    if turns >= 2:
        image = image[::-1, ::-1]
    return image[:, ::-1] if mirror else image
