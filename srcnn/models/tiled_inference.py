"""Super-resolves images of any size tile by tile, with little memory and without seams."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from srcnn.images.image_io import RGB8
from srcnn.images.pairs import with_halo
from srcnn.models.srcnn import SRCNN
from srcnn.models.tensors import to_tensor

TILE = 384  # HR pixels of a tile's sides: the fastest size below 1 GiB (`benchmarks/README.md`)


@torch.no_grad()
def super_resolve(model: SRCNN, lr: RGB8, tile: int = TILE) -> RGB8:
    """Enlarge [h, w, 3] uint8 to [scale·h, scale·w, 3] uint8 on the model's device.

    The tiles include all pixels that affect them: the result equals that of the whole image. A
    network that is not local gets the whole image, which takes memory.
    """
    sr = np.empty((lr.shape[0] * model.scale, lr.shape[1] * model.scale, 3), np.uint8)
    for place, window in _tiles(model, lr, tile):
        enlarged = model(window, with_halo=True)[0]
        levels = model.quantise(enlarged).byte().permute(1, 2, 0)
        sr[place] = levels.cpu().numpy()
    return sr


@torch.no_grad()
def added_detail(model: SRCNN, lr: RGB8, tile: int = TILE) -> npt.NDArray[np.float32]:
    """What the network adds to its interpolation of an image, as `super_resolve`, in levels of 255.

    The result is [scale·h, scale·w, 3]; both images are clipped to [0, 255] and not rounded.
    """
    detail = np.empty((lr.shape[0] * model.scale, lr.shape[1] * model.scale, 3), np.float32)
    for place, window in _tiles(model, lr, tile):
        up = model.upsample(window)
        added = model.refine(up).clamp(0, 1) - model.interpolation(up).clamp(0, 1)
        detail[place] = added[0].mul_(255).permute(1, 2, 0).cpu().numpy()
    return detail


def _tiles(model: SRCNN, lr: RGB8, tile: int) -> Iterator[tuple[tuple[slice, slice], Tensor]]:
    """The place of each tile in the result, and its LR pixels with a halo, [1, 3, h, w]."""
    device, scale = next(model.parameters()).device, model.scale
    height, width = lr.shape[:2]
    side = max(1, tile // scale) if model.is_local else max(height, width)
    for top in range(0, height, side):
        for left in range(0, width, side):
            tall, wide = min(side, height - top), min(side, width - left)
            window = with_halo(lr, top, left, tall, wide, model.halo)
            y, x = top * scale, left * scale
            place = slice(y, y + tall * scale), slice(x, x + wide * scale)
            yield place, to_tensor(window[None], device)
