"""The metrics of a super-resolved image, each in the convention in which papers publish it.

A new metric is one entry in METRICS. Evaluation, comparisons, sweeps, tolerances, the report and
the command line take it from there.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from skimage.metrics import structural_similarity

from srcnn.evaluation.lpips import LPIPS
from srcnn.images.image_io import RGB8
from srcnn.models.tensors import to_tensor

Array = npt.NDArray[Any]

BEST_PSNR = 100.0  # dB; an upper limit, so that equal images have a number


@dataclass(frozen=True)
class ImagePair:
    """A super-resolved image and its ground truth, in the forms that metrics need."""

    sr: RGB8  # [H, W, 3] uint8
    hr: RGB8  # the ground truth, as sr
    scale: int  # also the width in pixels of the border that PSNR and SSIM leave out
    lpips: LPIPS  # the network, on the device that computes it

    def __post_init__(self) -> None:
        if self.sr.shape != self.hr.shape:
            raise ValueError(f"cannot compare {self.sr.shape} with {self.hr.shape}")

    def inside(self, image: Array) -> Array:
        """The part of an image inside the border."""
        return image[self.scale : -self.scale, self.scale : -self.scale]

    @cached_property
    def inner_luma(self) -> tuple[Array, Array]:
        """Luma of both images inside the border."""
        return self.inside(luma(self.sr)), self.inside(luma(self.hr))


@dataclass(frozen=True)
class Metric:
    """A metric: how to compute it, how to show it and how far machines may differ.

    The tolerance, `relative` or `absolute`, is how far a mean may differ on another CPU: about
    three times the difference measured between AVX-512 with bfloat16 and AVX2 with float32.
    """

    name: str  # for people
    compute: Callable[[ImagePair], float]
    digits: int  # after the decimal point, in a terminal
    report_digits: int  # after the decimal point, in the report
    tolerance: Mapping[str, float]
    convention: Mapping[str, Any]  # how it is computed, in words; {scale} stands for the scale
    unit: str = ""  # such as dB
    lower_is_better: bool = False

    @property
    def label(self) -> str:
        """Name, unit and an arrow that points to where it is better."""
        unit = f", {self.unit}" if self.unit else ""
        return f"{self.name}{unit} {'↓' if self.lower_is_better else '↑'}"


def mse(a: Array, b: Array) -> float:
    """Mean squared difference of two arrays of one shape."""
    return float(np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2))


def psnr(a: Array, b: Array) -> float:
    """Peak signal-to-noise ratio in dB, 10·log10(255² / MSE), of arrays in 0 … 255, or infinity."""
    error = mse(a, b)
    return 10 * math.log10(255**2 / error) if error else math.inf


def luma(image: RGB8) -> npt.NDArray[np.float64]:
    """Y of BT.601 in studio swing, as MATLAB's `rgb2ycbcr`: [H, W] in 16 … 235, not rounded."""
    red, green, blue = np.moveaxis(image.astype(np.float64), 2, 0)
    # No matrix product: its order of additions depends on the CPU.
    return 16 + (65.481 * red + 128.553 * green + 24.966 * blue) / 255


def ssim(a: Array, b: Array) -> float:
    """Structural similarity (Wang et al. 2004) of two [H, W] images in 0 … 255.

    Gaussian window 11×11 with σ = 1.5, K = (0.01, 0.03), only positions where the window fits.
    """
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    return float(structural_similarity(a, b, data_range=255, **settings))


@torch.no_grad()
def lpips_distance(a: RGB8, b: RGB8, lpips: LPIPS) -> float:
    """LPIPS of two [H, W, 3] uint8 images."""
    device = lpips.get_buffer("shift").device
    return float(lpips(to_tensor(a[None], device), to_tensor(b[None], device)))


_WHOLE = {"border": "none shaved"}
_SHAVED = {"border": "{scale} pixels shaved on each side"}
_Y = {"colour": "Y of BT.601, studio swing, 16 … 235, not rounded", "range": 255}
_DECIBELS = {"unit": f"dB, at most {BEST_PSNR:g}"}
_WINDOW = {"window": "Gaussian 11×11, σ 1.5, valid positions", "k": [0.01, 0.03]}

METRICS: dict[str, Metric] = {
    "mse": Metric(
        "MSE",
        lambda pair: mse(pair.sr / 255, pair.hr / 255),
        lower_is_better=True,
        digits=6,
        report_digits=5,
        tolerance={"relative": 0.02},
        convention={"colour": "RGB in [0, 1]", **_WHOLE},
    ),
    "psnr_rgb": Metric(
        "PSNR RGB",
        lambda pair: min(psnr(pair.inside(pair.sr), pair.inside(pair.hr)), BEST_PSNR),
        digits=2,
        report_digits=2,
        tolerance={"absolute": 0.15},
        convention={**_SHAVED, "colour": "RGB", "range": 255, **_DECIBELS},
        unit="dB",
    ),
    "psnr_y": Metric(
        "PSNR Y",
        lambda pair: min(psnr(*pair.inner_luma), BEST_PSNR),
        digits=2,
        report_digits=2,
        tolerance={"absolute": 0.15},
        convention={**_SHAVED, **_Y, **_DECIBELS},
        unit="dB",
    ),
    "ssim_y": Metric(
        "SSIM Y",
        lambda pair: ssim(*pair.inner_luma),
        digits=4,
        report_digits=4,
        tolerance={"absolute": 0.005},
        convention={**_SHAVED, **_Y, **_WINDOW},
    ),
    "lpips": Metric(
        "LPIPS",
        lambda pair: lpips_distance(pair.sr, pair.hr, pair.lpips),
        lower_is_better=True,
        digits=4,
        report_digits=4,
        tolerance={"absolute": 0.006},
        convention={"colour": "RGB in [−1, 1]", **_WHOLE, "network": "AlexNet, LPIPS 0.1"},
    ),
}
"""All metrics by their names in files, in the order of all tables."""


def convention(scale: int) -> dict[str, dict[str, Any]]:
    """How each metric is computed at a scale; stored beside the numbers."""
    shared = {"input": "uint8 as saved", "mean": "over images of the per-image value"}

    def filled(value: Any) -> Any:
        return value.format(scale=scale) if isinstance(value, str) else value

    return {
        key: {name: filled(value) for name, value in {**shared, **metric.convention}.items()}
        for key, metric in METRICS.items()
    }


def score(sr: RGB8, hr: RGB8, scale: int, lpips: LPIPS) -> dict[str, float]:
    """All METRICS of one image; the arguments, and a ValueError, as for ImagePair."""
    pair = ImagePair(sr, hr, scale, lpips)
    return {key: metric.compute(pair) for key, metric in METRICS.items()}


def format_scores(scores: Mapping[str, float]) -> str:
    """The METRICS of one image or a mean, on one line for a terminal."""
    return "  ".join(
        f"{metric.name} {scores[key]:.{metric.digits}f}{f' {metric.unit}' * bool(metric.unit)}"
        for key, metric in METRICS.items()
    )


def rounded(values: Any) -> Any:
    """Six significant digits of all floats in nested mappings; the rest depends on the machine."""
    if isinstance(values, Mapping):
        return {name: rounded(value) for name, value in values.items()}
    return float(f"{values:.6g}") if isinstance(values, float) else values
