"""Scores of a network after each epoch, on fixed crops of images that are not trained on."""

import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.nn import functional as F

from srcnn.images.image_io import RGB8
from srcnn.images.pairs import Pair, with_halo
from srcnn.models.device import to_float64
from srcnn.models.srcnn import SRCNN
from srcnn.models.tensors import to_tensor
from srcnn.training.fabric import sum_processes
from srcnn.training.objective import Objective, Row
from srcnn.utils.text import join_names

CROP_SIDE = 256  # HR pixels per side of a crop, if the image has as many
MIN_SIDE = 64  # HR pixels; a smaller image is left out
MIN_CROPS = 5  # if there are as many images, so that no single one decides
CROP_PIXEL_SHARE = 0.1  # of an epoch's pixels, for all crops; their pixels cost twice as much
PSNRS = ["psnr_rgb", "psnr_interpolated"]


class Crop(NamedTuple):
    """A square part of an image."""

    name: str  # of the image
    lr: RGB8  # [h + 2·halo, w + 2·halo, 3]
    hr: RGB8  # [scale·h, scale·w, 3]


class Crops(list[Crop]):
    """One crop from each of some images, each as large as its image and the budget allow.

    `pixels` are the HR pixels of an epoch of training, which limit number and size of the crops.
    `left_out` lists the images without a crop, with the reason: they are smaller than MIN_SIDE
    pixels, or the crop would have one colour. If hardly an image would be left, all are used. With
    `whole`, for networks that are not local, the crops are whole images.
    """

    def __init__(
        self, pairs: Sequence[Pair], scale: int, halo: int, pixels: int, *, whole: bool = False
    ):
        super().__init__()
        self.left_out: dict[str, str] = {}
        if whole:
            size = max(pair.hr.shape[0] * pair.hr.shape[1] for pair in pairs)
            count = min(len(pairs), max(MIN_CROPS, int(CROP_PIXEL_SHARE * pixels) // size))
            chosen = [pairs[number * len(pairs) // count] for number in range(count)]
            self += [Crop(pair.name, pair.lr, pair.hr) for pair in chosen]
            return
        large = [i for i, pair in enumerate(pairs) if min(pair.hr.shape[:2]) >= MIN_SIDE]
        if len(large) < min(2, len(pairs)):
            large = list(range(len(pairs)))
        for i in sorted(set(range(len(pairs))) - set(large)):
            self.left_out[pairs[i].name] = f"smaller than {MIN_SIDE} pixels"
        room = int(CROP_PIXEL_SHARE * pixels)
        limit = min(CROP_SIDE, max(MIN_SIDE, math.isqrt(room // len(large))))
        count = min(len(large), max(MIN_CROPS, room // limit**2))
        spread = [large[number * len(large) // count] for number in range(count)]
        crops: dict[int, Crop] = {}
        for i in [*spread, *(i for i in large if i not in set(spread))]:
            if len(crops) < count:
                crop = _cut(pairs[i], limit // scale, scale, halo)
                if _is_constant(crop.hr):
                    self.left_out[crop.name] = "one colour in the middle and the corners"
                else:
                    crops[i] = crop
        self += [crops[i] for i in sorted(crops)]
        if not self:
            self.left_out.clear()
            self += [_cut(pairs[i], limit // scale, scale, halo) for i in spread]

    def notes(self, *, choose: bool = False) -> Iterator[str]:
        """Lines about images that are left out, or are used although they say little.

        The images are for validation or, with `choose`, choose the epoch that is kept.
        """
        use = "the choice of the epoch" if choose else "validation"
        for reason in dict.fromkeys(self.left_out.values()):
            names = [name for name, why in self.left_out.items() if why == reason]
            yield f"left out of {use} ({reason}): {join_names(names)}"
        poor = [c.name for c in self if min(c.hr.shape[:2]) < MIN_SIDE or _is_constant(c.hr)]
        if poor:
            weak = "the choice of the epoch means" if choose else "val scores say"
            yield f"tiny or of one colour, so that {weak} little: {join_names(poor)}"

    def batches(self, size: int) -> Iterator[list[Crop]]:
        """Neighbouring crops of one shape, at most `size` together."""
        for _, group in groupby(self, lambda crop: crop.hr.shape):
            alike = list(group)
            yield from (alike[first : first + size] for first in range(0, len(alike), size))


def _cut(pair: Pair, side: int, scale: int, halo: int) -> Crop:
    """The centre of an image, `side` LR pixels wide if the image has as many.

    If the centre has one colour, a corner that has not is taken instead.
    """
    side = min(side, *pair.lr.shape[:2])
    height, width = (length - side for length in pair.lr.shape[:2])
    places = [(height // 2, width // 2), *((y, x) for y in (0, height) for x in (0, width))]

    def hr(y: int, x: int) -> RGB8:
        return pair.hr[y * scale :, x * scale :][: side * scale, : side * scale]

    y, x = next((place for place in places if not _is_constant(hr(*place))), places[0])
    return Crop(pair.name, with_halo(pair.lr, y, x, side, side, halo), hr(y, x))


def _is_constant(image: RGB8) -> bool:
    return bool((image == image[0, 0]).all())


@torch.no_grad()
def validate(
    fabric: Fabric, model: SRCNN, objective: Objective, crops: Crops, batch_size: int = 1
) -> Row:
    """Means over the crops: the loss with its terms, and the PSNR of the network and interpolation.

    A crop without error has no finite PSNR and is left out of its mean. The network runs in
    float32, as after training; VGG runs in the precision of training. Up to `batch_size` crops
    pass through the networks together.
    """
    sums: dict[str, Tensor] = {}
    batches = list(crops.batches(batch_size))
    for batch in batches[fabric.global_rank :: fabric.world_size]:
        lr = to_tensor(np.stack([crop.lr for crop in batch]), fabric.device)
        hr = to_tensor(np.stack([crop.hr for crop in batch]), fabric.device)
        interpolated = model.upsample(lr)
        sr = model.refine(interpolated).clamp(0, 1)
        with fabric.autocast():
            values = objective.measure(sr, hr)
        for name, value in values.items():
            sums[name] = sums.get(name, 0) + len(sr) * to_float64(value)
        inner = model.interpolation(interpolated).clamp(0, 1)
        for name, image in zip(PSNRS, (sr, inner), strict=True):
            error = to_float64(F.mse_loss(image, hr, reduction="none")).mean((1, 2, 3))
            is_finite = error > 0
            sums[name] = sums.get(name, 0) - 10 * torch.log10(error[is_finite]).sum()
            sums[f"{name} count"] = sums.get(f"{name} count", 0) + is_finite.sum()
    counts = [f"{name} count" for name in PSNRS]
    totals = sum_processes(fabric, sums, [*objective.names, *PSNRS, *counts])
    row = objective.report({name: totals[name] / len(crops) for name in objective.names})
    for name, count in zip(PSNRS, counts, strict=True):
        row[name] = totals[name] / totals[count] if totals[count] else math.inf
    return row
