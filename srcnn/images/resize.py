"""MATLAB's `imresize`, equal in every value. It makes every LR image.

Keys' cubic kernel (a = −1/2; Keys 1981) or a triangle, stretched by the scale when shrinking
(antialiasing); weights normalised to sum 1; samples centred at u = (x + ½)/scale − ½; borders by
symmetric reflection; one dimension after the other, and uint8 rounded half up after each.
"""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

Array = npt.NDArray[Any]
Kernel = Literal["bicubic", "bilinear", "nearest"]


def cubic(x: Array) -> Array:
    """Keys' cubic convolution kernel, a = −1/2, support [−2, 2]."""
    x = np.abs(x)
    x2 = x * x
    x3 = x2 * x  # a product: the last bit of x**3 depends on the CPU
    near = 1.5 * x3 - 2.5 * x2 + 1
    far = -0.5 * x3 + 2.5 * x2 - 4 * x + 2
    return np.where(x <= 1, near, np.where(x <= 2, far, 0.0))


def triangle(x: Array) -> Array:
    """The kernel of linear interpolation, support [−1, 1]."""
    return np.maximum(1 - np.abs(x), 0.0)


_KERNELS: dict[str, tuple[Callable[[Array], Array], float]] = {
    "bicubic": (cubic, 4.0),
    "bilinear": (triangle, 2.0),
}

# Factors at which float32 sums round to the correct level in any order of additions, so that a
# matrix product can compute them. At 2, 4 and 8 the sums are exact: weights are multiples of 2⁻¹⁶,
# and values shifted to −128 … 127 keep every partial sum below 2⁸, which fits in 24 bits. At 3
# weights are multiples of 1/81, so a sum is at least 1/162 away from the middle between two levels,
# more than a hundred times the error of float32.
_PRODUCT_FACTORS = (2, 3, 4, 8)
_STRIP = 64  # rows at a time along the second axis: the fastest of 16, 32, 64 and 128

# Each image is resized in its own thread. OpenBLAS splits products with more multiplications than
# this among further threads, which would wait for each other.
_MULTIPLICATIONS = 2**18


def imresize(
    image: Array,
    scale: float | None = None,
    size: tuple[int, int] | None = None,
    kernel: Kernel = "bicubic",
) -> Array:
    """Resize as MATLAB's `imresize(image, scale or size, kernel)`; the dtype stays the same.

    Args:
        image: [H, W] or [H, W, C]; uint8 in 0 … 255 or float of any range.
        scale: factor of both sides; the result has ceil(scale · side) pixels.
        size: rows and columns of the result, instead of `scale`.
        kernel: `bicubic`, `bilinear` or `nearest`.

    Raises:
        ValueError: both or neither of `scale` and `size` are given, the image or the result is
            empty, or the dtype is not supported.
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
    """Resize one axis; round and clamp if the image is uint8."""
    if kernel == "nearest":
        nearest = np.floor(_sample_positions(length, scale) + 0.5).astype(int) - 1
        return np.take(image, reflect(nearest, image.shape[axis]), axis)
    if image.dtype != np.uint8:
        return _tap_sums(image, axis, length, scale, kernel).astype(image.dtype)
    factor = max(scale, 1 / scale)
    if factor not in _PRODUCT_FACTORS:
        return _round_to_uint8(_tap_sums(image, axis, length, scale, kernel), 0.5)
    matrix, first = _block_weights(scale, kernel)
    if axis == 0:
        return _row_products(image, length, scale, matrix, first)
    return _column_products(image, length, scale, matrix, first)


def _sample_positions(length: int, scale: float) -> Array:
    """Positions of the output samples in the input, from 1 and to the last bit as in MATLAB."""
    return np.arange(1, length + 1) / scale + 0.5 * (1 - 1 / scale)


@lru_cache(maxsize=32)
def taps(length: int, scale: float, kernel: str) -> tuple[Array, Array]:
    """The input samples and weights of `length` output samples, `scale` per input sample.

    Returns:
        indices [length, taps] into the input extended by reflection (see `reflect`), and weights
        [length, taps] in float64 that sum to 1.
    """
    function, support = _KERNELS[kernel]
    stretch = min(scale, 1.0)
    support /= stretch
    u = _sample_positions(length, scale)[:, None]
    indices = np.floor(u - support / 2) + np.arange(math.ceil(support) + 2)
    weights = stretch * function(stretch * (u - indices))
    weights /= np.cumsum(weights, axis=1)[:, -1:]  # MATLAB's order of additions
    used = np.flatnonzero(weights.any(axis=0))
    indices, weights = indices[:, used].astype(int) - 1, weights[:, used]
    indices.flags.writeable = weights.flags.writeable = False
    return indices, weights


def reflect(indices: Array, n: int) -> Array:
    """Fold indices into [0, n) by symmetric reflection: … 1 0 | 0 1 … n−1 | n−1 … ."""
    folded = np.mod(indices, 2 * n)
    return np.where(folded < n, folded, 2 * n - 1 - folded)


def reflected_taps(n: int, length: int, scale: float, kernel: str) -> tuple[Array, Array]:
    """The samples of an input of `n` that each output sample depends on, and their weights."""
    indices, weights = taps(length, scale, kernel)
    return reflect(indices, n), weights


def _round_to_uint8(sums: Array, offset: float) -> Array:
    """Add `offset`, truncate and clamp to uint8; changes `sums`."""
    sums += offset
    return np.clip(sums, 0, 255, out=sums).astype(np.uint8)


def _tap_sums(image: Array, axis: int, length: int, scale: float, kernel: str) -> Array:
    """Weighted sums in float64, tap after tap, which is MATLAB's order of additions."""
    where, weights = reflected_taps(image.shape[axis], length, scale, kernel)
    along = [1] * image.ndim
    along[axis] = length
    total = weights[:, 0].reshape(along) * np.take(image, where[:, 0], axis)
    for tap in range(1, where.shape[1]):
        total += weights[:, tap].reshape(along) * np.take(image, where[:, tap], axis)
    return total


@lru_cache(maxsize=32)
def _block_weights(scale: float, kernel: str) -> tuple[Array, int]:
    """Weights of every block, float32 [outputs, inputs], and the first block's first input."""
    indices, weights = taps(max(8, round(4 * scale)), scale, kernel)
    first = int(indices.min())
    matrix = np.zeros((len(indices), indices.max() - first + 1), np.float32)
    np.put_along_axis(matrix, indices - first, weights.astype(np.float32), axis=1)
    matrix.flags.writeable = False
    return matrix, first


def _extend(image: Array, axis: int, before: int, after: int) -> Array:
    """Reflect the borders of a uint8 image along an axis, and shift it to −128 … 127 in int8."""
    widths = [(0, 0)] * image.ndim
    widths[axis] = before, after
    extended = np.pad(image, widths, "symmetric")
    extended ^= 128
    return extended.view(np.int8)


def _row_products(image: Array, length: int, scale: float, matrix: Array, first: int) -> Array:
    """Resize the first axis of a uint8 image, one block of output rows at a time."""
    outputs, inputs = matrix.shape
    step = round(outputs / scale)
    blocks = math.ceil(length / outputs)
    last = first + (blocks - 1) * step + inputs
    rows = _extend(image, 0, -first, last - len(image)).reshape(last - first, -1)
    width = rows.shape[1]  # W·C
    part = _MULTIPLICATIONS // matrix.size
    result = np.empty((length, width), np.uint8)
    sums = np.empty((outputs, width), np.float32)
    for block in range(blocks):
        used = rows[block * step :][:inputs].astype(np.float32)
        for left in range(0, width, part):
            right = left + part
            np.matmul(matrix, used[:, left:right], out=sums[:, left:right])
        start = block * outputs
        result[start : start + outputs] = _round_to_uint8(sums, 128.5)[: length - start]
    return result.reshape(length, *image.shape[1:])


def _column_products(image: Array, length: int, scale: float, matrix: Array, first: int) -> Array:
    """Resize the second axis of a uint8 image, one strip of rows at a time."""
    outputs, inputs = matrix.shape
    step = round(outputs / scale)
    last = first + (math.ceil(length / outputs) - 1) * step + inputs
    lines = _extend(image, 1, -first, last - image.shape[1]).reshape(len(image), -1)
    channels = math.prod(image.shape[2:])
    matrix = np.kron(matrix.T, np.eye(channels, dtype=np.float32))  # channels are interleaved
    strip = max(1, min(_STRIP, _MULTIPLICATIONS // matrix.size))
    result = np.empty((len(image), length * channels), np.uint8)
    for top in range(0, len(image), strip):
        seen = lines[top : top + strip].astype(np.float32)
        windows = sliding_window_view(seen, len(matrix), axis=1)[:, :: step * channels]
        sums = windows.swapaxes(0, 1) @ matrix  # [blocks, rows, outputs·C]
        levels = _round_to_uint8(sums, 128.5)
        line = levels.swapaxes(0, 1).reshape(len(seen), -1)
        result[top : top + strip] = line[:, : length * channels]
    return result.reshape(len(image), length, *image.shape[2:])


def upsampling_phases(scale: int, kernel: Kernel) -> Array:
    """Weights [scale, 5] in float64 of enlarging by an integer factor.

    Output scale·i + p is Σ_t weight[p, t] · input[i + t − 2].
    """
    indices, weights = taps(5 * scale, scale, kernel)
    centre = slice(2 * scale, 3 * scale)
    phases = np.zeros((scale, 5))
    np.put_along_axis(phases, indices[centre], weights[centre], axis=1)
    return phases
