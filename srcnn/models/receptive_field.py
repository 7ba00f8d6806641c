"""The receptive field of SRCNN 9-1-5."""

import math

MARGIN = 6  # pixels that the convolutions remove on each side: 4 (9×9) + 0 (1×1) + 2 (5×5)


def halo_of(scale: int) -> int:
    """LR pixels around a tile that affect its result: 2 for the upsampling, and MARGIN."""
    return 2 + math.ceil(MARGIN / scale)
