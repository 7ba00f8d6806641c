"""Resizes an image that arrives in strips, equal in every value to `imresize` of the whole image.

Only the rows that the next strip depends on are in memory.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from srcnn.images.decode import PixelArray
from srcnn.images.resize import Array, reflected_taps

_ROWS = 16  # of a strip of the result, as in a TIFF file
_BLOCK = 2**15  # sums at a time, so that they stay in the CPU's cache


def resize_strips(
    strips: Iterable[PixelArray], source_size: tuple[int, int], size: tuple[int, int]
) -> Iterator[PixelArray]:
    """Resize by MATLAB's bicubic `imresize`, with antialiasing.

    As there, the axis that shrinks more is resized first, rows on a tie, and the values are rounded
    and clipped after each axis.

    Args:
        strips: [rows, width, C] of uint8 or uint16, from top to bottom.
        source_size: width and height of the image that the strips add up to.
        size: width and height of the result.
    """
    (old_width, old_height), (width, height) = source_size, size
    if height / old_height <= width / old_width:
        return _resize_width(_resize_height(strips, old_height, height), old_width, width)
    return _resize_height(_resize_width(strips, old_width, width), old_height, height)


def _resize_width(strips: Iterable[PixelArray], old: int, new: int) -> Iterator[PixelArray]:
    if old == new:
        yield from strips
        return
    where, weights = reflected_taps(old, new, new / old, "bicubic")
    for strip in strips:
        rows, _, channels = strip.shape
        lines = strip.swapaxes(0, 1).reshape(old, -1)  # pixels of one column side by side
        resized = _weighted_sums(lines, where, weights)
        yield np.ascontiguousarray(resized.reshape(new, rows, channels).swapaxes(0, 1))


def _resize_height(strips: Iterable[PixelArray], old: int, new: int) -> Iterator[PixelArray]:
    if old == new:
        yield from strips
        return
    where, weights = reflected_taps(old, new, new / old, "bicubic")
    # The first source row that each row of the result, or a later one, depends on.
    needed = np.minimum.accumulate(where.min(axis=1)[::-1])[::-1]
    source, window, start, end = iter(strips), list[PixelArray](), 0, 0
    for top in range(0, new, _ROWS):
        used = where[top : top + _ROWS]
        while end <= used.max():
            window.append(next(source))
            end += len(window[-1])
        rows = np.concatenate(window)[needed[top] - start :]
        window, start = [rows], int(needed[top])
        lines = rows.reshape(len(rows), -1)
        resized = _weighted_sums(lines, used - start, weights[top : top + _ROWS])
        yield resized.reshape(-1, *rows.shape[1:])


def _weighted_sums(lines: PixelArray, where: Array, weights: Array) -> PixelArray:
    """Sum lines of pixels, rounded half up and clipped to the dtype.

    Line n of the result is Σ_t weights[n, t] · lines[where[n, t]] in float64, added in the order of
    t as `imresize` does.
    """
    result = np.empty((len(where), lines.shape[1]), lines.dtype)
    step = max(1, _BLOCK // lines.shape[1])
    for start in range(0, len(where), step):
        part = slice(start, start + step)
        total = np.zeros(result[part].shape)
        for tap in range(where.shape[1]):
            total += weights[part, tap, None] * np.take(lines, where[part, tap], axis=0)
        total += 0.5
        result[part] = np.clip(total, 0, np.iinfo(lines.dtype).max, out=total)
    return result
