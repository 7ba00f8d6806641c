"""The discrete cosine transform of convolution kernels, in which Adam trains the first layer."""

from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize


class KernelDCT(nn.Module):
    """The orthonormal DCT-II (Ahmed et al. 1974) along the three axes of kernels [N, C, h, w].

    Neighbouring pixels of photographs are almost equal, and so are colours. Adam, with a step size
    per weight, is slow with such inputs. The DCT makes them almost uncorrelated, each with its own
    variance, to which the step sizes adapt.
    """

    inverse: Tensor

    def __init__(self, shape: tuple[int, ...]):
        super().__init__()
        matrices: list[Any] = [dct_matrix(length) for length in shape]
        inverse = torch.from_numpy(reduce(np.kron, matrices).T).float().contiguous()
        self.register_buffer("inverse", inverse, persistent=False)

    def forward(self, coefficients: Tensor) -> Tensor:
        """The kernels with these coefficients."""
        return transform(coefficients, self.inverse)

    def right_inverse(self, kernels: Tensor) -> Tensor:
        """The coefficients of kernels."""
        return transform(kernels, self.inverse.T)


def dct_matrix(length: int) -> npt.NDArray[np.float64]:
    """The orthonormal DCT-II of `length` values, a row per frequency."""
    frequencies, places = np.arange(length)[:, None], np.arange(length)
    rows = np.cos(np.pi * frequencies * (places + 0.5) / length) * np.sqrt(2 / length)
    rows[0] *= np.sqrt(0.5)
    return rows


def transform(kernels: Tensor, matrix: Tensor) -> Tensor:
    """Multiply each kernel of [N, C, h, w] by a matrix [C·h·w, C·h·w].

    As a convolution, because the last digits of a matrix product differ between makers of CPUs.
    """
    with torch.autocast(kernels.device.type, enabled=False):
        product = F.conv2d(kernels.reshape(len(kernels), -1, 1, 1), matrix[..., None, None])
    return product.reshape(kernels.shape)


def use_dct(layer: nn.Conv2d) -> None:
    """Make the DCT coefficients of a layer's kernels its parameter, instead of their values."""
    dct = KernelDCT(layer.weight.shape[1:]).to(layer.weight.device)
    parametrize.register_parametrization(layer, "weight", dct)


def end_dct(layer: nn.Conv2d) -> None:
    """Make the kernels' values the parameter again, if `use_dct` has replaced them."""
    if parametrize.is_parametrized(layer):
        parametrize.remove_parametrizations(layer, "weight")
