"""Maps of where two images differ, and how their values become colours."""

from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import torch

from srcnn.evaluation.lpips import LPIPS
from srcnn.images.image_io import RGB8
from srcnn.models.tensors import to_tensor

Map = npt.NDArray[Any]

_COLOURS = (mpl.colormaps["cividis"](np.arange(256))[:, :3] * 255).round().astype(np.uint8)


def error_map(sr: RGB8, hr: RGB8) -> Map:
    """Absolute difference of two [H, W, 3] uint8 images in [0, 1], mean over RGB: [H, W]."""
    return np.abs(sr.astype(np.int16) - hr).mean(axis=2) / 255


@torch.no_grad()
def lpips_map(sr: RGB8, hr: RGB8, lpips: LPIPS) -> Map:
    """Where LPIPS lies, [H, W], its mean the distance of two [H, W, 3] uint8 images."""
    device = lpips.get_buffer("shift").device
    pair = (to_tensor(image[None], device) for image in (sr, hr))
    return lpips.map(*pair)[0].cpu().numpy()


def coloured(values: Map, top: float) -> RGB8:
    """Colours of values from 0, the darkest, to `top`, the lightest: [H, W, 3] of [H, W]."""
    levels = (
        (values / top * 256).astype(int).clip(0, 255) if top > 0 else np.zeros_like(values, int)
    )
    return _COLOURS[levels]


def colour_bar(height: int, width: int) -> RGB8:
    """All colours from left to right: [height, width, 3]."""
    ramp = np.arange(width) / width
    return coloured(np.broadcast_to(ramp, (height, width)), 1.0)
