"""MATLAB's `imresize`, value for value: how every low-resolution image is made.

Keys' cubic kernel (a = −1/2; Keys 1981) or a triangle, stretched by the scale when shrinking
(antialiasing), weights normalised to sum 1, samples centred at u = (x + ½)·s − ½, borders by
symmetric reflection, one dimension after the other, and uint8 rounded half away from zero after
each of them.
"""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Kernel = Literal["bicubic", "bilinear", "nearest"]


def cubic(x: Array) -> Array:
    """Keys' cubic convolution kernel, a = −1/2, support [−2, 2]."""
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x * x + 1  # products alone: the last bit of x**3 depends on the CPU
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0.0))


def triangle(x: Array) -> Array:
    """Linear interpolation's kernel, support [−1, 1]."""
    return np.maximum(1 - np.abs(x), 0.0)


_BLOCK = 16  # output samples per matrix product: the fastest of 8, 16, 32 and 64 at ×2 and ×4

_KERNELS: dict[str, tuple[Callable[[Array], Array], int]] = {
    "bicubic": (cubic, 4),
    "bilinear": (triangle, 2),
}


def imresize(
    image: Array,
    scale: float | None = None,
    size: tuple[int, int] | None = None,
    kernel: Kernel = "bicubic",
) -> Array:
    """Resize as MATLAB's `imresize(image, scale or size, kernel)`.

    Args:
        image: [H, W] or [H, W, C]; uint8 in 0 … 255 or float of any range.
        scale: factor of both sides; the result has ceil(scale · side) pixels.
        size: rows and columns of the result, instead of `scale`.
        kernel: `bicubic`, `bilinear` or `nearest`.

    Returns:
        The resized image in the type of `image`: uint8, float32 or float64.

    Raises:
        ValueError: both or neither of `scale` and `size`, an empty image or result, another dtype.
    """
    if (scale is None) == (size is None):
        raise ValueError("imresize takes either a scale or a size")
    if kernel not in (*_KERNELS, "nearest"):
        raise ValueError(f"imresize has no kernel {kernel}")
    if image.ndim not in (2, 3) or 0 in image.shape:
        raise ValueError(f"imresize takes [H, W] or [H, W, C] with pixels, not {image.shape}")
    if image.dtype not in (np.uint8, np.float32, np.float64):
        raise ValueError(f"imresize takes uint8, float32 or float64, not {image.dtype}")
    if scale is not None:
        if not 0 < scale < math.inf:
            raise ValueError(f"imresize cannot enlarge {scale} times")
        scales = (scale, scale)
        size = math.ceil(scale * image.shape[0]), math.ceil(scale * image.shape[1])
    else:
        assert size is not None
        if len(size) != 2 or min(size) < 1:
            raise ValueError(f"imresize cannot make an image of {size} pixels")
        scales = (size[0] / image.shape[0], size[1] / image.shape[1])
    for axis in sorted((0, 1), key=lambda axis: scales[axis]):
        image = _resize_axis(image, axis, size[axis], scales[axis], kernel)
    return image


def _resize_axis(image: Array, axis: int, length: int, scale: float, kernel: str) -> Array:
    """Resize one axis, rounding and clamping if the image is uint8."""
    if kernel == "nearest":
        u = (np.arange(length) + 0.5) / scale
        return np.take(image, np.minimum(u.astype(int), image.shape[axis] - 1), axis)
    indices, weights = taps(image.shape[axis], length, scale, kernel)
    exact = _exact_dtype(weights) if image.dtype == np.uint8 else None
    if exact is None:
        result = _tap_sums(image, axis, indices, weights)
    else:
        result = _block_products(image.astype(exact), axis, indices, weights.astype(exact))
    if image.dtype == np.uint8:
        np.add(result, 0.5, out=result)
        np.clip(result, 0, 255, out=result)  # truncation by the cast then is rounding half up
    return result.astype(image.dtype)


@lru_cache(maxsize=32)
def taps(n: int, length: int, scale: float, kernel: str) -> tuple[Array, Array]:
    """Where each output sample looks and with what weight.

    Args:
        n: input samples.
        length: output samples.
        scale: output samples per input sample.
        kernel: `bicubic` or `bilinear`.

    Returns:
        indices [length, taps] into the input extended by reflection (from −n to 2n − 1 and
        beyond), and weights [length, taps] in float64 that sum to 1.
    """
    function, support = _KERNELS[kernel]
    stretch = min(scale, 1.0)
    support_in = support / stretch
    u = (np.arange(length) + 0.5) / scale - 0.5
    first = np.floor(u - support_in / 2).astype(int)
    indices = first[:, None] + np.arange(math.ceil(support_in) + 2)
    weights = stretch * function(stretch * (u[:, None] - indices))
    weights /= weights.sum(axis=1, keepdims=True)
    used = np.flatnonzero(weights.any(axis=0))
    indices, weights = indices[:, used], weights[:, used]
    indices.flags.writeable = weights.flags.writeable = False
    return indices, weights


def reflect(indices: Array, n: int) -> Array:
    """Fold indices into [0, n) by symmetric reflection: … 1 0 | 0 1 … n−1 | n−1 … ."""
    folded = np.mod(indices, 2 * n)
    return np.where(folded < n, folded, 2 * n - 1 - folded)


def _tap_sums(image: Array, axis: int, indices: Array, weights: Array) -> Array:
    """Weighted sums in float64, tap after tap: the order of additions that MATLAB has."""
    shape = [1] * image.ndim
    shape[axis] = -1
    where = reflect(indices, image.shape[axis])
    total = 0.0
    for tap in range(indices.shape[1]):
        term = np.take(image, where[:, tap], axis)
        total = total + weights[:, tap].reshape(shape) * term
    return np.asarray(total, dtype=np.float64)


def _exact_dtype(weights: Array) -> type[np.floating[Any]] | None:
    """The type in which sums of uint8 with `weights` are exact in any order, if there is one.

    At ×2 and ×4 the weights are whole multiples of 2⁻¹², so that a sum fits float32's 24 bits.
    """
    for dtype, bits in ((np.float32, 12), (np.float64, 40)):
        scaled = weights * 2.0**bits
        if np.array_equal(scaled, np.rint(scaled)):
            return dtype
    return None


def _block_products(image: Array, axis: int, indices: Array, weights: Array) -> Array:
    """Weighted sums as products of small dense matrices with blocks of the image."""
    n = image.shape[axis]
    channels = image.shape[2] if image.ndim == 3 else 1
    before, after = max(0, -indices.min()), max(0, indices.max() - n + 1)
    extended = np.take(image, reflect(np.arange(-before, n + after), n), axis)
    rows = extended.reshape(extended.shape[0], -1)  # [H, W·C]
    length = len(indices)
    shape = (length, rows.shape[1]) if axis == 0 else (rows.shape[0], length * channels)
    result = np.empty(shape, image.dtype)
    for start in range(0, length, _BLOCK):
        block = slice(start, min(start + _BLOCK, length))
        first = indices[block].min()
        matrix = np.zeros((block.stop - start, indices[block].max() - first + 1), image.dtype)
        np.put_along_axis(matrix, indices[block] - first, weights[block], axis=1)
        seen = slice(first + before, first + before + matrix.shape[1])
        if axis == 0:
            np.matmul(matrix, rows[seen], out=result[block])
        else:
            matrix = np.kron(matrix.T, np.eye(channels, dtype=image.dtype))
            columns = rows[:, seen.start * channels : seen.stop * channels]
            result[:, start * channels : block.stop * channels] = columns @ matrix
    return (
        result.reshape(length, *image.shape[1:])
        if axis == 0
        else result.reshape(image.shape[0], length, *image.shape[2:])
    )


def upsampling_phases(scale: int, kernel: Kernel) -> Array:
    """Weights of enlarging by a whole factor, the same for every input pixel.

    Returns:
        [scale, 5] in float64: output scale·i + p is Σ_t weight[p, t] · input[i + t − 2].
    """
    indices, weights = taps(5, 5 * scale, scale, kernel)
    centre = slice(2 * scale, 3 * scale)
    phases = np.zeros((scale, 5))
    np.put_along_axis(phases, indices[centre], weights[centre], axis=1)
    return phases
