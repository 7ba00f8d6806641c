"""How a network is judged while it trains: on a fixed set of crops of the val images."""

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
from srcnn.training.fabric import summed
from srcnn.training.objective import Objective, Row
from srcnn.training.spectrum import grid_peak
from srcnn.utils.threads import map_threads

SIDE = 256
"""HR pixels of a crop's sides, where there are enough."""

GRID = "grid/"
"""Begins the names of the peaks at the grid's period; the crop's name follows."""

SHARE = 0.1
"""Pixels of all crops as a share of those that an epoch trains on; these cost twice as much."""


class Crops:
    """The centres of val images, as [N, h, w, 3] uint8: `lr` with a halo, and `hr`; `names`.

    Args:
        pairs: the val images.
        scale: of the LR images.
        halo: LR pixels of context around an LR crop.
        pixels: HR pixels that an epoch trains on.
    """

    def __init__(self, pairs: Sequence[Pair], scale: int, halo: int, pixels: int):
        room = int(SHARE * pixels)
        least = min(min(pair.hr.shape[:2]) for pair in pairs)
        side = min(SIDE, least, max(64, math.isqrt(room // len(pairs)))) // scale
        count = max(1, min(len(pairs), room // (side * scale) ** 2))
        chosen = [pairs[number * len(pairs) // count] for number in range(count)]
        lr, hr = zip(*(_centre(pair, side, scale, halo) for pair in chosen), strict=True)
        self.lr, self.hr = np.stack(lr), np.stack(hr)
        self.names = [pair.name for pair in chosen]

    def __len__(self) -> int:
        """How many."""
        return len(self.lr)


def _centre(pair: Pair, side: int, scale: int, halo: int) -> tuple[RGB8, RGB8]:
    y, x = ((length - side) // 2 for length in pair.lr.shape[:2])
    hr = pair.hr[y * scale :, x * scale :][: side * scale, : side * scale]
    return with_halo(pair.lr, y, x, side, side, halo), hr


@torch.no_grad()
def validate(
    fabric: Fabric, model: SRCNN, objective: Objective, crops: Crops, together: int = 1
) -> Row:
    """Means over the crops: the terms of the objective, the RGB PSNR, and that of interpolation.

    And for each crop `grid/{name}`, by how many dB its error stands out at the period of the
    scale's grid (see `srcnn.training.spectrum.grid_peak`), where it is large enough to tell.

    The network runs in float32, as in use; VGG in the precision of training.

    Args:
        fabric: device, precision and processes.
        model: on the device.
        objective: whose terms are taken.
        crops: of the val images.
        together: so many go through the networks at once.
    """
    totals: dict[str, Tensor] = {}
    large = min(crops.hr.shape[1:3]) >= 16 * model.scale
    grids = [f"{GRID}{name}" for name in crops.names] if large else []
    errors: dict[str, npt.NDArray[np.float64]] = {}
    for first in range(fabric.global_rank * together, len(crops), fabric.world_size * together):
        chunk = slice(first, first + together)
        lr, hr = (to_tensor(a[chunk], fabric.device) for a in (crops.lr, crops.hr))
        up = model.upsample(lr)
        sr = model.refine(up).clamp(0, 1)
        with fabric.autocast():
            terms = objective.terms(sr, hr)
        inner = up[..., MARGIN:-MARGIN, MARGIN:-MARGIN].clamp(0, 1)
        for name, term in terms.items():
            totals[name] = totals.get(name, 0) + len(sr) * term.double()
        for name, made in (("psnr_rgb", sr), ("psnr_interpolated", inner)):
            for psnr in map(_psnr, made.split(1), hr.split(1)):
                totals[name] = totals.get(name, 0) + psnr
        for name, error in zip(grids[chunk], (sr - hr).permute(0, 2, 3, 1), strict=False):
            errors[name] = error.double().cpu().numpy()
    peaks = map_threads(lambda error: grid_peak(error, model.scale), errors.values())  # 3 ms each
    for name, peak in zip(errors, peaks, strict=True):
        totals[name] = torch.tensor(peak, device=fabric.device)
    psnrs = ["psnr_rgb", "psnr_interpolated"]
    sums = summed(fabric, totals, [*objective.names, *psnrs, *grids])
    means = {name: sums[name] / len(crops) for name in [*objective.names, *psnrs]}
    psnr_means = {name: means.pop(name) for name in psnrs}
    return objective.report(means) | psnr_means | {name: sums[name] for name in grids}


def _psnr(sr: Tensor, hr: Tensor) -> Tensor:
    return -10 * torch.log10(F.mse_loss(sr, hr).double().clamp_min(1e-10))
