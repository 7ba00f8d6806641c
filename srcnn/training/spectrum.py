"""Spectra of images: the strength of grid artefacts, patterns that repeat with the scale."""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
MIN_PERIODS = 16  # of the grid, that each side of an image needs
_NEIGHBOURS = slice(2, 7)  # steps of the spectrum from a peak, for the level around it


def line_spectra(image: Array) -> list[Array]:
    """Mean power of the rows and of the columns of [H, W], by frequency from 0 to 1/2.

    The mean of each line is subtracted, and a Hann window is applied so that the image's borders
    make no peaks.
    """
    spectra = []
    for lines in (image, image.T):
        window = np.hanning(lines.shape[1] + 1)[:-1]
        centred = lines - lines.mean(axis=1, keepdims=True)
        spectra.append((np.abs(np.fft.rfft(centred * window, axis=1)) ** 2).mean(axis=0))
    return spectra


def grid_peak(error: Array, period: int) -> float:
    """How far the spectrum of an error (SR − HR) rises at the frequencies of a grid, in dB.

    A pattern that repeats every `period` pixels has all its power at the multiples of 1/period.
    That power is divided by the mean power at neighbouring frequencies. 0 dB means no grid.

    The error is [H, W] or [H, W, 3], and the result the mean over rows and columns.

    Raises:
        ValueError: a side has fewer than MIN_PERIODS periods.
    """
    grey = error.mean(axis=2) if error.ndim == 3 else error
    height, width = (length // period * period for length in grey.shape)
    if min(height, width) < MIN_PERIODS * period:
        raise ValueError(f"{grey.shape} pixels are too few for a grid of {period}")
    peaks = []
    # A row is as long as the image is wide.
    for length, spectrum in zip((width, height), line_spectra(grey[:height, :width]), strict=True):
        step = length // period
        peak, level = 0.0, 0.0
        for place in range(step, len(spectrum), step):
            neighbours = np.concatenate(
                [spectrum[: place + 1][::-1][_NEIGHBOURS], spectrum[place:][_NEIGHBOURS]]
            )
            peak, level = peak + spectrum[place], level + neighbours.mean()
        peaks.append(10 * np.log10(peak / level) if level > 0 and peak > 0 else 0.0)
    return float(np.mean(peaks))
