"""Hallucination: texture in a super-resolved image that the ground truth does not have.

The luma of both images is split into bands of frequencies. In each band and around each pixel, the
SR image is a copy of the HR image at some strength, found by least squares, and a rest. The energy
of the rest,

    E_sr − C² / E_hr

where E_sr and E_hr are the energies of the two and C is their product, averaged around the pixel,
is what the HR image does not have. Blur and sharpening change the strength of a copy and leave no
rest; false patterns, jagged edges and texture on a plain wall do.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.fft import dctn, idctn
from scipy.ndimage import gaussian_filter

from srcnn.evaluation.metrics import luma
from srcnn.images.image_io import RGB8

Array = npt.NDArray[Any]

BANDS = 8
"""Of equal width. What is in the first repeats in 16 pixels or more: shading, and no texture."""

RADIUS = 4.0
"""Standard deviation, in pixels, of the Gaussian by which energies are averaged."""

_RANGE = 219  # of studio swing's luma, 16 … 235


def hallucinated(sr: RGB8, hr: RGB8) -> Array:
    """Energy of texture that SR has and HR does not, around each pixel: [H, W] float32.

    In units of the MSE, of luma in [0, 1]; of all bands but the first of BANDS.

    Args:
        sr: [H, W, 3] uint8.
        hr: the ground truth, as `sr`.

    Raises:
        ValueError: the images differ in shape.
    """
    maps = _rests(sr, hr, BANDS)
    total = np.zeros_like(next(maps))
    for rest in maps:
        total += rest
    return total


def hallucinated_energy(sr: RGB8, hr: RGB8, bands: int = BANDS) -> Array:
    """The mean over the pixels of what SR has and HR does not, by band of frequencies: [bands].

    In units of the MSE, of luma in [0, 1]. Bands are rings of equal width from frequency 0 to 1/2,
    the corners beyond it in the last.

    Args:
        sr: [H, W, 3] uint8.
        hr: the ground truth, as `sr`.
        bands: how many.

    Raises:
        ValueError: the images differ in shape.
    """
    return np.array([rest.mean(dtype=np.float64) for rest in _rests(sr, hr, bands)])


def _rests(sr: RGB8, hr: RGB8, bands: int) -> Iterator[Array]:
    """The energy of the rest around each pixel, [H, W], by band."""
    if sr.shape != hr.shape:
        raise ValueError(f"cannot compare {sr.shape} with {hr.shape}")
    for of_sr, of_hr in zip(_split(sr, bands), _split(hr, bands), strict=True):
        products = of_sr * of_sr, of_hr * of_hr, of_sr * of_hr
        energy_sr, energy_hr, common = (gaussian_filter(product, RADIUS) for product in products)
        copied = np.zeros_like(energy_sr)
        np.divide(common * common, energy_hr, out=copied, where=energy_hr > 0)
        yield (energy_sr - copied).clip(0)


def _split(image: RGB8, bands: int) -> Iterator[Array]:
    """The bands of the image's luma, [H, W] each, which add up to it; borders are reflected."""
    spectrum = dctn((luma(image) / _RANGE).astype(np.float32), norm="ortho")
    rows, columns = (np.arange(length) / (2 * length) for length in spectrum.shape)
    ring = (np.hypot(rows[:, None], columns) * 2 * bands).astype(int).clip(max=bands - 1)
    for band in range(bands):
        yield idctn(np.where(ring == band, spectrum, 0), norm="ortho")
