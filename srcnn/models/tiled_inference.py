"""Super-resolves images of any size tile by tile, with little memory and without seams."""

import numpy as np
import torch

from srcnn.images.image_io import RGB8
from srcnn.images.pairs import with_halo
from srcnn.models.srcnn import SRCNN
from srcnn.models.tensors import to_tensor

TILE = 384  # HR pixels of a tile's sides: the fastest size below 1 GiB (`benchmarks/README.md`)


@torch.no_grad()
def super_resolve(model: SRCNN, lr: RGB8, tile: int = TILE) -> RGB8:
    """Enlarge [h, w, 3] uint8 to [scale·h, scale·w, 3] uint8 on the model's device.

    The tiles include all pixels that affect them: the result equals that of the whole image.
    """
    device, scale, halo = next(model.parameters()).device, model.scale, model.halo
    height, width = lr.shape[:2]
    side = max(1, tile // scale)
    sr = np.empty((height * scale, width * scale, 3), np.uint8)
    for top in range(0, height, side):
        for left in range(0, width, side):
            tall, wide = min(side, height - top), min(side, width - left)
            window = with_halo(lr, top, left, tall, wide, halo)
            enlarged = model(to_tensor(window[None], device), with_halo=True)[0]
            levels = enlarged.clamp_(0, 1).mul_(255).round_().byte().permute(1, 2, 0)
            y, x = top * scale, left * scale
            sr[y : y + tall * scale, x : x + wide * scale] = levels.cpu().numpy()
    return sr
