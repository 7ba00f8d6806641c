"""A plain numpy version of MATLAB's `imresize`, the reference for the tests and the benchmark.

It follows the function `contributions` of MATLAB's imresize.m line by line, with positions that
start at 1. Then it sums weighted samples in float64, tap by tap, one dimension after the other.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def cubic(x: Array) -> Array:
    absx = np.abs(x)
    absx2 = absx * absx
    absx3 = absx2 * absx
    return (1.5 * absx3 - 2.5 * absx2 + 1) * (absx <= 1) + (
        -0.5 * absx3 + 2.5 * absx2 - 4 * absx + 2
    ) * ((absx > 1) & (absx <= 2))


def triangle(x: Array) -> Array:
    return (x + 1) * ((x >= -1) & (x < 0)) + (1 - x) * ((x >= 0) & (x <= 1))


def box(x: Array) -> Array:
    return ((x >= -0.5) & (x < 0.5)).astype(float)


KERNELS: dict[str, tuple[Callable[[Array], Array], float, bool]] = {
    "bicubic": (cubic, 4, True),  # function, width, whether downscaling stretches it
    "bilinear": (triangle, 2, True),
    "nearest": (box, 1, False),
}


def contributions(n: int, length: int, scale: float, kernel: str) -> tuple[Array, Array]:
    """Return the weights of `length` outputs and the indices in [0, n) of their inputs, by tap."""
    function, width, antialias = KERNELS[kernel]
    stretch = scale if antialias and scale < 1 else 1.0
    width /= stretch
    x = np.arange(1, length + 1)
    u = x / scale + 0.5 * (1 - 1 / scale)
    left = np.floor(u - width / 2)
    indices = left[:, None] + np.arange(math.ceil(width) + 2)
    weights = stretch * function(stretch * (u[:, None] - indices))
    total = np.zeros(length)
    for tap in range(weights.shape[1]):
        total += weights[:, tap]
    weights /= total[:, None]
    mirrored = np.concatenate([np.arange(n), np.arange(n)[::-1]])
    indices = mirrored[(indices.astype(int) - 1) % (2 * n)]
    used = weights.any(axis=0)
    return weights[:, used], indices[:, used]


def resize_along(image: Array, axis: int, weights: Array, indices: Array) -> Array:
    lines = np.moveaxis(image, axis, 0)
    result = np.zeros((len(weights), *lines.shape[1:]))
    for tap in range(weights.shape[1]):
        column = weights[:, tap].reshape(-1, *[1] * (lines.ndim - 1))
        result += column * lines[indices[:, tap]]
    if image.dtype == np.uint8:
        # Rounds half away from zero: below zero this would be down, but those values become 0.
        result = np.floor(result + 0.5).clip(0, 255)
    return np.moveaxis(result, 0, axis).astype(image.dtype)


def plain_imresize(
    image: Array,
    scale: float | None = None,
    size: tuple[int, int] | None = None,
    kernel: str = "bicubic",
) -> Array:
    """Resize [H, W] or [H, W, C] of uint8, float32 or float64 by a factor or to a size."""
    height, width = image.shape[:2]
    if scale is not None:
        scales = [scale, scale]
        size = math.ceil(scale * height), math.ceil(scale * width)
    else:
        assert size is not None
        scales = [size[0] / height, size[1] / width]
    for axis in np.argsort(scales, kind="stable"):
        weights, indices = contributions(image.shape[axis], size[axis], scales[axis], kernel)
        image = resize_along(image, axis, weights, indices)
    return image
