"""Spectra of images: how far patterns that repeat with a grid stand out."""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_BESIDE = slice(2, 7)
"""Distances, in steps of the spectrum, at which its level beside a peak is taken."""


def line_spectra(image: Array) -> list[Array]:
    """Mean power of the rows and of the columns of [H, W], by frequency from 0 to 1/2.

    Each line has its mean taken off and is weighed by Hann's window, so that the image's borders
    make no peaks.
    """
    spectra = []
    for lines in (image, image.T):
        window = np.hanning(lines.shape[1] + 1)[:-1]
        centred = lines - lines.mean(axis=1, keepdims=True)
        spectra.append((np.abs(np.fft.rfft(centred * window, axis=1)) ** 2).mean(axis=0))
    return spectra


def grid_peak(error: Array, period: int) -> float:
    """How far the spectrum of an error stands out at the frequencies of a grid, in dB.

    A pattern that repeats every `period` pixels, such as square tiles, has all its power at the
    multiples of 1/period. That power is compared with the spectrum's mean level beside it. 0 dB is
    no grid at all.

    Args:
        error: SR − HR, [H, W] or [H, W, 3].
        period: of the grid in pixels; both sides of the image hold at least 16 of them.

    Returns:
        the mean over rows and columns; 0 where there is no error.

    Raises:
        ValueError: the image is too small.
    """
    grey = error.mean(axis=2) if error.ndim == 3 else error
    height, width = (length // period * period for length in grey.shape)
    if min(height, width) < 16 * period:
        raise ValueError(f"{grey.shape} pixels are too few for a grid of {period}")
    peaks = []
    # Rows are as long as the image is wide.
    for length, spectrum in zip((width, height), line_spectra(grey[:height, :width]), strict=True):
        step = length // period
        at, beside = 0.0, 0.0
        for place in range(step, len(spectrum), step):
            around = np.concatenate(
                [spectrum[: place + 1][::-1][_BESIDE], spectrum[place:][_BESIDE]]
            )
            at, beside = at + spectrum[place], beside + around.mean()
        peaks.append(10 * np.log10(at / beside) if beside > 0 and at > 0 else 0.0)
    return float(np.mean(peaks))
