"""Validation during training, on a fixed set of crops of the val images."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.nn import functional as F

from srcnn.images.image_io import RGB8
from srcnn.images.pairs import Pair, with_halo
from srcnn.models.receptive_field import MARGIN
from srcnn.models.srcnn import SRCNN
from srcnn.models.tensors import to_tensor
from srcnn.training.fabric import sum_processes
from srcnn.training.objective import Objective, Row
from srcnn.training.spectrum import MIN_PERIODS, grid_peak
from srcnn.utils.threads import map_threads

CROP_SIDE = 256  # HR pixels per side of a crop, if the image has as many
CROP_PIXEL_SHARE = 0.1  # of an epoch's pixels, for all crops; their pixels cost twice as much
GRID = "grid/"  # prefix of the columns with the peak of the grid artefacts; the crop's name follows
PSNRS = ["psnr_rgb", "psnr_interpolated"]


class Crops:
    """The centres of val images: `lr` with a halo and `hr`, [N, h, w, 3] uint8, and `names`.

    `pixels` are the HR pixels of an epoch of training, which decide on the number of crops.
    """

    def __init__(self, pairs: Sequence[Pair], scale: int, halo: int, pixels: int):
        room = int(CROP_PIXEL_SHARE * pixels)
        smallest = min(min(pair.hr.shape[:2]) for pair in pairs)
        side = min(CROP_SIDE, smallest, max(64, math.isqrt(room // len(pairs)))) // scale
        count = max(1, min(len(pairs), room // (side * scale) ** 2))
        chosen = [pairs[number * len(pairs) // count] for number in range(count)]
        lr, hr = zip(*(_centre(pair, side, scale, halo) for pair in chosen), strict=True)
        self.lr, self.hr = np.stack(lr), np.stack(hr)
        self.names = [pair.name for pair in chosen]

    def __len__(self) -> int:
        return len(self.names)


def _centre(pair: Pair, side: int, scale: int, halo: int) -> tuple[RGB8, RGB8]:
    y, x = ((length - side) // 2 for length in pair.lr.shape[:2])
    hr = pair.hr[y * scale :, x * scale :][: side * scale, : side * scale]
    return with_halo(pair.lr, y, x, side, side, halo), hr


@torch.no_grad()
def validate(
    fabric: Fabric, model: SRCNN, objective: Objective, crops: Crops, batch_size: int = 1
) -> Row:
    """Means over the crops: the loss with its terms, and the PSNR of the network and interpolation.

    If the crops are large enough, also `grid/{name}` for each crop: the peak of its error, in dB,
    at the period of the scale (see `grid_peak`). The network runs in float32, as after training;
    VGG runs in the precision of training. `batch_size` crops pass through the networks together.
    """
    sums: dict[str, Tensor] = {}
    large = min(crops.hr.shape[1:3]) >= MIN_PERIODS * model.scale
    grids = [f"{GRID}{name}" for name in crops.names] if large else []
    errors: dict[str, npt.NDArray[np.float64]] = {}
    step = fabric.world_size * batch_size
    for first in range(fabric.global_rank * batch_size, len(crops), step):
        batch = slice(first, first + batch_size)
        lr, hr = (to_tensor(array[batch], fabric.device) for array in (crops.lr, crops.hr))
        interpolated = model.upsample(lr)
        sr = model.refine(interpolated).clamp(0, 1)
        with fabric.autocast():
            values = objective.measure(sr, hr)
        for name, value in values.items():
            sums[name] = sums.get(name, 0) + len(sr) * value.double()
        inner = interpolated[..., MARGIN:-MARGIN, MARGIN:-MARGIN].clamp(0, 1)
        for name, image in zip(PSNRS, (sr, inner), strict=True):
            for psnr in map(_psnr, image.split(1), hr.split(1)):
                sums[name] = sums.get(name, 0) + psnr
        for name, error in zip(grids[batch], (sr - hr).permute(0, 2, 3, 1), strict=False):
            errors[name] = error.double().cpu().numpy()
    peaks = map_threads(lambda error: grid_peak(error, model.scale), errors.values())  # 3 ms each
    sums |= {n: torch.tensor(p, device=fabric.device) for n, p in zip(errors, peaks, strict=True)}
    totals = sum_processes(fabric, sums, [*objective.names, *PSNRS, *grids])
    means = {name: totals[name] / len(crops) for name in [*objective.names, *PSNRS]}
    row = objective.report({name: means[name] for name in objective.names})
    return row | {name: means[name] for name in PSNRS} | {name: totals[name] for name in grids}


def _psnr(sr: Tensor, hr: Tensor) -> Tensor:
    return -10 * torch.log10(F.mse_loss(sr, hr).double().clamp_min(1e-10))
