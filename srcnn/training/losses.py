"""The paper's three equations, and what else may stand in the place of the first."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F


def mse_loss(sr: Tensor, hr: Tensor) -> Tensor:
    """Eq. 1: L_mse = 1/N Σ_i ‖Y_i − SRCNN(X_i)‖², per value: divided by 3·H·W as well.

    Args:
        sr: SRCNN(X), [N, 3, H, W], RGB in [0, 1].
        hr: Y, as `sr`.

    Returns:
        a scalar; Table I is in this unit.
    """
    return F.mse_loss(sr, hr)


def l1_loss(sr: Tensor, hr: Tensor) -> Tensor:
    """Mean absolute error, per value; arguments as of `mse_loss`."""
    return F.l1_loss(sr, hr)


def charbonnier_loss(sr: Tensor, hr: Tensor) -> Tensor:
    """Mean of √(d² + ε²), ε = 10⁻³ (Lai et al., LapSRN, 2017); arguments as of `mse_loss`."""
    # Not by sqrt, which differs from CPU to CPU in its last bit.
    return torch.hypot(sr - hr, sr.new_tensor(1e-3)).mean()


def feature_losses(sr: Mapping[str, Tensor], hr: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The terms of Eq. 2 by layer: 1/(C_j H_j W_j) ‖φ_j(Y) − φ_j(Ŷ)‖², mean over the batch.

    Args:
        sr: φ_j(Ŷ) by layer, each [N, C_j, H_j, W_j].
        hr: φ_j(Y), as `sr`.
    """
    return {layer: F.mse_loss(sr[layer].float(), hr[layer].float()) for layer in hr}


def perceptual_loss(terms: Mapping[str, Tensor], lambdas: Mapping[str, float]) -> Tensor:
    """Eq. 2: L_perceptual = Σ_j λ_j · 1/(C_j H_j W_j) ‖φ_j(Y) − φ_j(Ŷ)‖².

    Args:
        terms: what `feature_losses` gives, scalars by layer.
        lambdas: λ_j by layer.
    """
    return torch.stack([lambdas[layer] * term for layer, term in terms.items()]).sum()


def final_loss(pixel: Tensor, perceptual: Tensor, lambda1: float, lambda2: float) -> Tensor:
    """Eq. 3: L_final = λ1·L_mse + λ2·L_perceptual, or another pixel loss instead of L_mse."""
    return lambda1 * pixel + lambda2 * perceptual
