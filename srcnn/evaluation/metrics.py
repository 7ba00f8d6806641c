"""The scores of a super-resolved image, each in the convention in which it is published."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from skimage.metrics import structural_similarity

from srcnn.evaluation.lpips import LPIPS
from srcnn.images.image_io import RGB8
from srcnn.models.tensors import to_tensor

BEST_PSNR = 100.0
"""What is written for a PSNR that is higher still, so that equal images have a number."""


@dataclass(frozen=True)
class Metric:
    """What a reader has to know of a metric.

    Args:
        name: for people.
        digits: after the point, in a terminal.
        digits_on_page: after the point, on the report's page.
        lower: whether less is better.
        unit: such as dB; empty where there is none.
    """

    name: str
    digits: int
    digits_on_page: int
    lower: bool
    unit: str = ""

    @property
    def label(self) -> str:
        """Name, unit and an arrow that points to where it is better."""
        unit = f", {self.unit}" if self.unit else ""
        return f"{self.name}{unit} {'↓' if self.lower else '↑'}"


METRICS: Mapping[str, Metric] = {
    "mse": Metric("MSE", 6, 5, lower=True),
    "psnr_rgb": Metric("PSNR RGB", 2, 2, lower=False, unit="dB"),
    "psnr_y": Metric("PSNR Y", 2, 2, lower=False, unit="dB"),
    "ssim_y": Metric("SSIM Y", 4, 4, lower=False),
    "lpips": Metric("LPIPS", 4, 4, lower=True),
}
"""All of them by their names in files, in the order of all tables."""


def convention(scale: int) -> dict[str, dict[str, Any]]:
    """How each metric is computed at a scale; stored beside the numbers."""
    whole = {"input": "uint8 as saved", "mean": "over images of the per-image value"}
    shaved = {**whole, "border": f"{scale} pixels shaved on each side"}
    luma = "Y of BT.601, studio swing, 16 … 235, not rounded"
    return {
        "mse": {**whole, "colour": "RGB in [0, 1]", "border": "none shaved"},
        "psnr_rgb": {**shaved, "colour": "RGB", "range": 255, "unit": f"dB, at most {BEST_PSNR:g}"},
        "psnr_y": {**shaved, "colour": luma, "range": 255, "unit": f"dB, at most {BEST_PSNR:g}"},
        "ssim_y": {
            **shaved,
            "colour": luma,
            "range": 255,
            "window": "Gaussian 11×11, σ 1.5, valid positions",
            "k": [0.01, 0.03],
        },
        "lpips": {
            **whole,
            "colour": "RGB in [−1, 1]",
            "border": "none shaved",
            "network": "AlexNet, LPIPS 0.1",
        },
    }


def score(sr: RGB8, hr: RGB8, scale: int, lpips: LPIPS) -> dict[str, float]:
    """All of METRICS for one image.

    Args:
        sr: [H, W, 3] uint8.
        hr: the ground truth, as `sr`.
        scale: by which `sr` was enlarged; sets the border that is shaved.
        lpips: on the device that computes it.

    Raises:
        ValueError: the images differ in shape.
    """
    if sr.shape != hr.shape:
        raise ValueError(f"cannot compare {sr.shape} with {hr.shape}")
    inner = slice(scale, -scale), slice(scale, -scale)
    sr_y, hr_y = luma(sr)[inner], luma(hr)[inner]
    return {
        "mse": mse(sr / 255, hr / 255),
        "psnr_rgb": min(psnr(sr[inner], hr[inner]), BEST_PSNR),
        "psnr_y": min(psnr(sr_y, hr_y), BEST_PSNR),
        "ssim_y": ssim(sr_y, hr_y),
        "lpips": lpips_distance(sr, hr, lpips),
    }


def rounded(scores: Mapping[str, float]) -> dict[str, float]:
    """Each metric to six significant digits; what is beyond them is noise of the machine."""
    return {metric: float(f"{value:.6g}") for metric, value in scores.items()}


def mse(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> float:
    """Mean squared difference of two arrays of one shape."""
    return float(np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2))


def psnr(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> float:
    """Peak signal-to-noise ratio in dB, 10·log10(255² / MSE), of arrays in 0 … 255.

    Infinite for equal arrays.
    """
    error = mse(a, b)
    return 10 * math.log10(255**2 / error) if error else math.inf


def luma(image: RGB8) -> npt.NDArray[np.float64]:
    """Y of BT.601 in studio swing, as MATLAB's `rgb2ycbcr`: [H, W] in 16 … 235, not rounded."""
    red, green, blue = np.moveaxis(image.astype(np.float64), 2, 0)
    # No matrix product, whose order of additions depends on the CPU.
    return 16 + (65.481 * red + 128.553 * green + 24.966 * blue) / 255


def ssim(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> float:
    """Structural similarity (Wang et al. 2004) of two [H, W] images in 0 … 255.

    Gaussian window 11×11 with σ = 1.5, K = (0.01, 0.03), only positions where the window fits.
    """
    value = structural_similarity(
        a, b, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    return float(value)


@torch.no_grad()
def lpips_distance(a: RGB8, b: RGB8, lpips: LPIPS) -> float:
    """LPIPS of two [H, W, 3] uint8 images."""
    device = lpips.get_buffer("shift").device
    return float(lpips(to_tensor(a[None], device), to_tensor(b[None], device)))
