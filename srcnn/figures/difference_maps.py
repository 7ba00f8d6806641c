"""Maps of where two images differ, and the colours that show their values."""

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
    """LPIPS by pixel, [H, W], of two [H, W, 3] uint8 images; its mean is their distance."""
    device = lpips.get_buffer("shift").device
    pair = (to_tensor(image[None], device) for image in (sr, hr))
    return lpips.map(*pair)[0].cpu().numpy()


def colourise(values: Map, maximum: float) -> RGB8:
    """Colours from dark (0) to light (`maximum`): [H, W, 3] uint8 of [H, W]."""
    levels = values / maximum * 256 if maximum > 0 else np.zeros_like(values)
    return _COLOURS[levels.astype(int).clip(0, 255)]


def colour_bar(height: int, width: int) -> RGB8:
    """All colours from left to right: [height, width, 3]."""
    ramp = np.arange(width) / width
    return colourise(np.broadcast_to(ramp, (height, width)), 1.0)
