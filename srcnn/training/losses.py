"""The losses of the paper (Eq. 1 and 2) and the other pixel losses that may replace Eq. 1.

Eq. 3, the weighted sum, is in `objective.py`. To add a pixel loss, add a function `{name}_loss`
here and its name to `PixelLoss` in `srcnn/settings.py`.
"""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F


def mse_loss(sr: Tensor, hr: Tensor) -> Tensor:
    """Eq. 1: L_mse = 1/N Σ_i ‖Y_i − SRCNN(X_i)‖², also divided by the 3·H·W values of an image.

    The paper does not print this second division; `loss.balance: printed` leaves it out.
    `sr` (SRCNN(X)) and `hr` (Y) are [N, 3, H, W], RGB in [0, 1]; the scalar is that of Table I.
    """
    return F.mse_loss(sr, hr)


def l1_loss(sr: Tensor, hr: Tensor) -> Tensor:
    """Mean absolute error per value; arguments as in `mse_loss`."""
    return F.l1_loss(sr, hr)


def charbonnier_loss(sr: Tensor, hr: Tensor) -> Tensor:
    """Mean of √(d² + ε²), ε = 10⁻³ (Lai et al., LapSRN, 2017); arguments as in `mse_loss`."""
    # hypot, because the last bit of sqrt differs between CPUs.
    return torch.hypot(sr - hr, sr.new_tensor(1e-3)).mean()


def feature_losses(sr: Mapping[str, Tensor], hr: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The terms of Eq. 2 by layer: 1/(C_j H_j W_j) ‖φ_j(Y) − φ_j(Ŷ)‖², mean over the batch.

    `sr` and `hr` are φ_j(Ŷ) and φ_j(Y) by layer, each [N, C_j, H_j, W_j].
    """
    return {layer: F.mse_loss(sr[layer].float(), hr[layer].float()) for layer in hr}


def perceptual_loss(values: Mapping[str, Tensor], lambdas: Mapping[str, float]) -> Tensor:
    """Eq. 2: L_perceptual = Σ_j λ_j · 1/(C_j H_j W_j) ‖φ_j(Y) − φ_j(Ŷ)‖².

    `values` are scalars by layer, from `feature_losses`; `lambdas` are λ_j by layer.
    """
    return torch.stack([lambdas[layer] * values[layer] for layer in lambdas]).sum()
