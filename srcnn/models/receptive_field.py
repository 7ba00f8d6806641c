"""How far SRCNN 9-1-5 looks: the pixels around an output pixel that reach into it."""

import math

MARGIN = 6
"""Pixels that the three convolutions take off each side: 4 (9×9) + 0 (1×1) + 2 (5×5)."""


def halo_of(scale: int) -> int:
    """LR pixels around a tile that reach into its result: 2 of the upsampling, and MARGIN."""
    return 2 + math.ceil(MARGIN / scale)
