"""Hallucination: texture in a super-resolved image that the ground truth does not have.

The luma of both images is split into frequency bands. In each band and around each pixel, the SR
image is a scaled copy of the HR image (scaled by least squares) plus a remainder. The energy of
the remainder,

    E_sr − C² / E_hr

with the energies E_sr and E_hr of the two images and their product C, averaged around the pixel,
measures what the HR image does not have. Blur and sharpening only scale the copy and leave no
remainder; false patterns, jagged edges and texture on a plain wall do.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.fft import dctn, idctn
from scipy.ndimage import gaussian_filter

from srcnn.analysis.results import Results
from srcnn.evaluation.fidelity import luma
from srcnn.images.image_io import RGB8
from srcnn.utils.threads import map_threads

Array = npt.NDArray[Any]

BANDS = 8  # of equal width; the first has periods of 16 pixels or more: shading

_RADIUS = 4.0  # standard deviation, in pixels, of the Gaussian that averages energies
_RANGE = 219  # of studio swing's luma, 16 … 235


def hallucination_map(sr: RGB8, hr: RGB8) -> Array:
    """Energy of hallucinated texture around each pixel: [H, W] float32 from [H, W, 3] uint8.

    In units of the MSE of luma in [0, 1], over all BANDS but the first. Raises ValueError if the
    images differ in shape.
    """
    return _maps([sr], hr)[0]


def energy_by_band(sr: RGB8, hr: RGB8, bands: int = BANDS) -> Array:
    """Mean energy of hallucinated texture by frequency band, as `hallucination_map`: [bands].

    The bands are rings of equal width from frequency 0 to 1/2; the last one includes the corners.
    """
    return np.array([part.mean(dtype=np.float64) for (part,) in _remainders([sr], hr, bands)])


def texture_energies(results: Results, methods: Sequence[str]) -> pd.DataFrame:
    """Mean energy of hallucinated texture: a row for each image, a column for each method."""

    def energies(image: str) -> list[float]:
        pictures = results.pictures(image, *methods)
        maps = _maps([pictures[method] for method in methods], pictures["hr"])
        return [float(energy.mean(dtype=np.float64)) for energy in maps]

    rows = map_threads(energies, results.names, f"texture ×{results.scale}")
    return pd.DataFrame(rows, index=list(results.names), columns=list(methods))


def _maps(srs: Sequence[RGB8], hr: RGB8) -> list[Array]:
    """The `hallucination_map` of each SR image."""
    parts = _remainders(srs, hr, BANDS)
    maps = [np.zeros_like(remainder) for remainder in next(parts)]  # leaves out the first band
    for remainders in parts:
        for total, remainder in zip(maps, remainders, strict=True):
            total += remainder
    return maps


def _remainders(srs: Sequence[RGB8], hr: RGB8, bands: int) -> Iterator[list[Array]]:
    """For each band, energy of the remainder around each pixel, [H, W], of each SR image."""
    for sr in srs:
        if sr.shape != hr.shape:
            raise ValueError(f"cannot compare {sr.shape} with {hr.shape}")
    for hr_band, *sr_bands in zip(*(_split(image, bands) for image in (hr, *srs)), strict=True):
        energy_hr = _around(hr_band * hr_band)
        yield [_remainder(sr_band, hr_band, energy_hr) for sr_band in sr_bands]


def _remainder(sr_band: Array, hr_band: Array, energy_hr: Array) -> Array:
    energy_sr, common = _around(sr_band * sr_band), _around(sr_band * hr_band)
    copied = np.zeros_like(energy_sr)
    np.divide(common * common, energy_hr, out=copied, where=energy_hr > 0)
    return (energy_sr - copied).clip(0)


def _around(products: Array) -> Array:
    """The average around each pixel."""
    return gaussian_filter(products, _RADIUS)


def _split(image: RGB8, bands: int) -> Iterator[Array]:
    """Bands of the image's luma, [H, W] each, that add up to it; borders are reflected."""
    spectrum = dctn((luma(image) / _RANGE).astype(np.float32), norm="ortho")
    rows, columns = (np.arange(length) / (2 * length) for length in spectrum.shape)
    ring = (np.hypot(rows[:, None], columns) * 2 * bands).astype(int).clip(max=bands - 1)
    for band in range(bands):
        yield idctn(np.where(ring == band, spectrum, 0), norm="ortho")
