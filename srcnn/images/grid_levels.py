"""Levels of grids, such as square tiles, in an image of differences (claim C5).

Two kinds of grid are measured, both in dB, and both near 0 without a grid:

- a fine grid with the period of the scale: `grid_peak`, by the spectrum;
- tiles of TILES pixels, and a 3 × 3 grid of tiles: `seam_level`, by the jumps across their borders.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

TILES = (8, 16, 32, 64)  # pixels per side

_MIN_PERIODS = 16  # of the fine grid, that each side of an image needs
_NEIGHBOURS = slice(2, 7)  # steps from a peak or a line, for the level around it
_FLOOR = 0.1  # levels of 255; smaller jumps do not count


def grid_levels(detail: Array, scale: int) -> dict[str, float]:
    """The level of each grid in [H, W, 3], in levels of 255, in dB by its name.

    `scale` is the fine grid, numbers are the pixels of a tile's side, and `thirds` is 3 × 3 tiles.
    An image too small for a grid has no level of it.
    """
    grey = detail.mean(axis=2)
    levels = {}
    for grid in grids_of(grey.shape, scale):
        if grid == "scale":
            levels[grid] = grid_peak(grey, scale)
        elif grid == "thirds":
            levels[grid] = seam_level(grey, thirds(grey.shape))
        else:
            levels[grid] = seam_level(grey, [range(int(grid), n, int(grid)) for n in grey.shape])
    return levels


def thirds(shape: Sequence[int]) -> list[list[int]]:
    """Where 3 × 3 tiles meet: the rows and the columns before which a tile begins."""
    return [[round(length / 3), round(2 * length / 3)] for length in shape[:2]]


def grids_of(shape: Sequence[int], scale: int) -> list[str]:
    """The names of the grids that an image of this shape is large enough for."""
    side = min(shape[:2])
    tiles = [str(tile) for tile in TILES if side >= 3 * tile]
    return ["scale"] * (side >= _MIN_PERIODS * scale) + tiles + ["thirds"] * bool(tiles)


def seam_level(image: Array, lines: Sequence[Sequence[int]]) -> float:
    """How much larger the jumps across lines are than beside them, in dB: the mean over the lines.

    `lines` are row numbers and column numbers; a line lies before the row or column. The jump
    across a line is the median over its length, because a tile's border is long and the edges of
    objects are short. A jump is compared with the median of those 2 to 6 pixels away.
    """
    levels = []
    for axis, numbers in enumerate(lines):
        # jumps[i] is the jump across the line before row (or column) i + 1
        jumps = np.maximum(np.median(np.abs(np.diff(image, axis=axis)), axis=1 - axis), _FLOOR)
        for number in numbers:
            place = number - 1
            before, after = jumps[: place + 1][::-1], jumps[place:]
            around = np.concatenate([before[_NEIGHBOURS], after[_NEIGHBOURS]])
            levels.append(20 * np.log10(jumps[place] / np.median(around)))
    return float(np.mean(levels))


def grid_peak(image: Array, period: int) -> float:
    """How far the spectrum of [H, W] rises at the frequencies of a grid, in dB.

    A pattern that repeats every `period` pixels has all its power at the multiples of 1/period.
    That power is divided by the mean power at neighbouring frequencies. The result is the mean
    over rows and columns.
    """
    height, width = (length // period * period for length in image.shape)
    peaks, spectra = [], _line_spectra(image[:height, :width])
    for length, spectrum in zip((width, height), spectra, strict=True):  # a row has `width` pixels
        step = length // period
        peak, level = 0.0, 0.0
        for place in range(step, len(spectrum), step):
            neighbours = [spectrum[: place + 1][::-1][_NEIGHBOURS], spectrum[place:][_NEIGHBOURS]]
            peak, level = peak + spectrum[place], level + np.concatenate(neighbours).mean()
        peaks.append(10 * np.log10(peak / level) if level > 0 and peak > 0 else 0.0)
    return float(np.mean(peaks))


def _line_spectra(image: Array) -> list[Array]:
    """Mean power of the rows and of the columns, by frequency from 0 to 1/2.

    The mean of each line is subtracted, and a Hann window is applied so that the image's borders
    make no peaks.
    """
    spectra = []
    for lines in (image, image.T):
        window = np.hanning(lines.shape[1] + 1)[:-1]
        centred = lines - lines.mean(axis=1, keepdims=True)
        spectra.append((np.abs(np.fft.rfft(centred * window, axis=1)) ** 2).mean(axis=0))
    return spectra
