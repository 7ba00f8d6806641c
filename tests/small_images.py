"""Hypothesis strategies for the tests of resize: small images, factors and kernels."""

from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from srcnn.images.resize import Kernel

Array = npt.NDArray[Any]

FACTORS = (2, 3, 4, 8)
SCALES = (*FACTORS, 1 / 2, 1 / 3, 1 / 4, 1 / 8)
SMOOTH: tuple[Kernel, ...] = ("bicubic", "bilinear")
KERNELS: tuple[Kernel, ...] = (*SMOOTH, "nearest")
FLOATS = (np.float32, np.float64)

scales = st.sampled_from(SCALES)
smooth = st.sampled_from(SMOOTH)
kernels = st.sampled_from(KERNELS)
sides = st.integers(1, 9)


@st.composite
def images(draw: st.DrawFn, low: int = 0, high: int = 255, multiple: int = 1) -> Array:
    """Draw grey or colour uint8 images with sides of 1 to 9 times `multiple`."""
    shape: tuple[int, ...] = (multiple * draw(sides), multiple * draw(sides))
    if draw(st.booleans()):
        shape = (*shape, draw(st.integers(1, 4)))
    return draw(arrays(np.uint8, shape, elements=st.integers(low, high)))


@st.composite
def float_images(draw: st.DrawFn) -> Array:
    """Draw float32 or float64 images with some values outside 0 … 255."""
    values = draw(images()).astype(draw(st.sampled_from(FLOATS)))
    return values * values.dtype.type(1.7) - values.dtype.type(60.3)


def noise(shape: tuple[int, ...], low: int = 0) -> Array:
    """Return an image of random uint8 values."""
    return np.random.default_rng(1).integers(low, 256, shape, dtype=np.uint8)
