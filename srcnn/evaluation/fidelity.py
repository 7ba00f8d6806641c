"""Measures of how far pixels differ: MSE, PSNR, SSIM, and the luma that they are computed on."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from srcnn.images.image_io import RGB8

Array = npt.NDArray[Any]


def mse(a: Array, b: Array) -> float:
    """Mean squared difference of two arrays of one shape."""
    return float(np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2))


def psnr(a: Array, b: Array) -> float:
    """Peak signal-to-noise ratio in dB, 10·log10(255² / MSE), of arrays in 0 … 255, or infinity."""
    error = mse(a, b)
    return 10 * math.log10(255**2 / error) if error else math.inf


def luma(image: RGB8) -> npt.NDArray[np.float64]:
    """Y of BT.601 in studio swing, as MATLAB's `rgb2ycbcr`: [H, W] in 16 … 235, not rounded."""
    return 16 + 219 / 255 * grey_values(image)


def grey_values(image: RGB8) -> npt.NDArray[np.float64]:
    """Y of BT.601 in full swing: [H, W] in 0 … 255, not rounded; exact where R = G = B."""
    red, green, blue = np.moveaxis(image.astype(np.float64), 2, 0)
    # No matrix product: its order of additions depends on the CPU.
    return (65481 * red + 128553 * green + 24966 * blue) / 219000


def ssim(a: Array, b: Array) -> float:
    """Structural similarity (Wang et al. 2004) of two [H, W] images in 0 … 255.

    Gaussian window 11×11 with σ = 1.5, K = (0.01, 0.03), only positions where the window fits.
    """
    from skimage.metrics import structural_similarity  # takes 0.2 s

    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    return float(structural_similarity(a, b, data_range=255, **settings))
