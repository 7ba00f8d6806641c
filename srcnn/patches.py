"""Pairs of HR and LR images in memory, and the patches that an epoch of training draws."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from srcnn.datasets import lr_name
from srcnn.errors import InputError
from srcnn.images import RGB8, list_images, read_rgb


@dataclass(frozen=True)
class Pair:
    """One photograph: `hr` [H, W, 3] and `lr` [H/s, W/s, 3], uint8."""

    name: str
    hr: RGB8
    lr: RGB8


def read_pairs(hr_folder: Path, lr_folder: Path, scale: int) -> list[Pair]:
    """Read every HR image of a folder with its LR image.

    Raises:
        InputError: the folder is empty, or an LR image is missing or of the wrong size.
    """
    pairs = []
    for hr_file in list_images(hr_folder):
        hr, _ = read_rgb(hr_file)
        lr_file = lr_folder / lr_name(hr_file.stem, scale)
        lr, _ = read_rgb(lr_file)
        if hr.shape[:2] != (lr.shape[0] * scale, lr.shape[1] * scale):
            raise InputError(f"{lr_file}: not 1/{scale} of the size of {hr_file}")
        pairs.append(Pair(hr_file.stem, hr, lr))
    return pairs


def to_tensor(images: RGB8, device: torch.device) -> Tensor:
    """[N, H, W, 3] uint8 to [N, 3, H, W] float32 in [0, 1], channels last in memory."""
    return torch.from_numpy(images).to(device).permute(0, 3, 1, 2).float().div_(255)


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
        InputError: an image is smaller than a patch, or whole images of several sizes would have
            to share a batch.
    """

    def __init__(
        self,
        pairs: list[Pair],
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
        self.scale, self.halo, self.batch_size = scale, halo, batch_size
        self.patch_size, self.geometry, self.colour = patch_size, geometry, colour
        self.random = np.random.default_rng(seed)
        widths = ((halo, halo), (halo, halo), (0, 0))
        self.images = [(np.pad(pair.lr, widths, "symmetric"), pair.hr) for pair in pairs]
        self.draws = len(pairs) * (patches_per_image if patch_size else 1)
        if patch_size is None:
            self._check_one_size(pairs)
        for pair in pairs:
            if patch_size and min(pair.hr.shape[:2]) < patch_size:
                height, width = pair.hr.shape[:2]
                raise InputError(
                    f"training image {pair.name}: {width}×{height} pixels cannot hold a patch of "
                    f"train.patch_size: {patch_size} (data/hr/index.csv names the photograph)"
                )

    def _check_one_size(self, pairs: list[Pair]) -> None:
        sizes = {pair.hr.shape[:2] for pair in pairs}
        if self.batch_size > 1 and len(sizes) > 1:
            raise InputError(
                f"train.patch_size: null batches whole images, but the {len(pairs)} training "
                f"images have {len(sizes)} sizes; set train.batch_size: 1 or a patch size"
            )
        if (
            self.batch_size > 1
            and self.geometry
            and any(height != width for height, width in sizes)
        ):
            # Quarter turns would give a batch two shapes.
            raise InputError(
                "train.augment.geometry: turns whole images that are not square, which cannot "
                "share a batch; set it to false, or train.batch_size: 1"
            )

    def __len__(self) -> int:
        """Batches in an epoch."""
        return -(-self.draws // self.batch_size)

    def epoch(self) -> Iterator[tuple[RGB8, RGB8]]:
        """Draw one epoch.

        Yields:
            lr [N, p/s + 2·halo, p/s + 2·halo, 3] and hr [N, p, p, 3], uint8.
        """
        order = self.random.permutation(self.draws) % len(self.images)
        for start in range(0, self.draws, self.batch_size):
            drawn = [self._draw(index) for index in order[start : start + self.batch_size]]
            lr, hr = zip(*drawn, strict=True)
            yield np.stack(lr), np.stack(hr)

    def _draw(self, index: int) -> tuple[RGB8, RGB8]:
        lr, hr = self.images[index]
        if self.patch_size:
            side, context = self.patch_size // self.scale, 2 * self.halo
            y = self.random.integers(lr.shape[0] - context - side + 1)
            x = self.random.integers(lr.shape[1] - context - side + 1)
            lr = lr[y : y + side + context, x : x + side + context]
            y, x = y * self.scale, x * self.scale
            hr = hr[y : y + self.patch_size, x : x + self.patch_size]
        if self.geometry:
            turns, mirror = self.random.integers(4), self.random.integers(2)
            lr, hr = _turn(lr, turns, mirror), _turn(hr, turns, mirror)
        if self.colour:
            channels = self.random.permutation(3)
            lr, hr = lr[..., channels], hr[..., channels]
        return lr, hr


def _turn(image: RGB8, turns: Any, mirror: Any) -> RGB8:
    image = np.rot90(image, turns)
    return image[:, ::-1] if mirror else image
