"""Grid artefacts: square tiles that a network adds to its own interpolation (claim C5).

What is measured is SR − interpolation, which the network adds, so the ground truth's content does
not count.
"""

from collections.abc import Sequence

import torch
from lightning_fabric import Fabric
from torch import Tensor

from srcnn.images.grid_levels import grid_levels, grids_of
from srcnn.images.pairs import Pair
from srcnn.models.srcnn import SRCNN
from srcnn.models.tiled_inference import added_detail
from srcnn.training.fabric import sum_processes
from srcnn.training.objective import Row

GRID = "grid/"  # prefix of a row's columns with levels; `{image}/{grid}` follows
MAX_IMAGES = 24  # enough for a claim about them to have power (analysis.MIN_POWERED)


def measure_grids(fabric: Fabric, model: SRCNN, pairs: Sequence[Pair]) -> Row:
    """The level of each grid in at most MAX_IMAGES of the images, evenly spread, in dB.

    The keys are `grid/{image}/{grid}`; processes share the images.
    """
    count = min(MAX_IMAGES, len(pairs))
    chosen = [pairs[number * len(pairs) // count] for number in range(count)]
    names = [
        f"{GRID}{pair.name}/{grid}"
        for pair in chosen
        for grid in grids_of(pair.hr.shape, model.scale)
    ]
    levels: dict[str, Tensor] = {}
    for pair in chosen[fabric.global_rank :: fabric.world_size]:
        found = grid_levels(added_detail(model, pair.lr), model.scale)
        for grid, level in found.items():
            levels[f"{GRID}{pair.name}/{grid}"] = torch.tensor(level, device=fabric.device)
    return sum_processes(fabric, levels, names) if names else {}
