"""What is minimised: Eq. 1, or Eq. 3 with the terms of Eq. 2 made comparable with the MSE."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from srcnn.errors import InputError
from srcnn.images.pairs import Pair
from srcnn.images.resize import imresize
from srcnn.models.tensors import to_tensor
from srcnn.models.vgg import VGGFeatures
from srcnn.training import losses
from srcnn.training.losses import feature_losses, final_loss, perceptual_loss

Row = dict[str, float]


@dataclass(frozen=True)
class Objective:
    """Eq. 3 with its weights; its first term alone, by default Eq. 1, where there is no VGG.

    Args:
        vgg: the feature extractor, or None.
        lambda1: weight of the pixel loss.
        lambda2: weight of the perceptual loss.
        lambdas: λ_j by layer.
        ratios: what each term is divided by, from `balance_ratios`; 1 where it is not named.
        pixel: the pixel loss, `{pixel}_loss` of srcnn/training/losses.py.
    """

    vgg: VGGFeatures | None = None
    lambda1: float = 1.0
    lambda2: float = 0.0
    lambdas: Mapping[str, float] = field(default_factory=dict)
    ratios: Mapping[str, float] = field(default_factory=dict)
    pixel: str = "mse"

    @property
    def names(self) -> list[str]:
        """The raw terms' names: `mse`, the pixel loss if it is another, then the layers."""
        return list(dict.fromkeys(["mse", self.pixel, *self.lambdas]))

    def terms(
        self, sr: Tensor, hr: Tensor, features_hr: dict[str, Tensor] | None = None
    ) -> dict[str, Tensor]:
        """The raw terms, by `names`.

        Args:
            sr: [N, 3, H, W], RGB in [0, 1].
            hr: as `sr`.
            features_hr: VGG's features of `hr`, where they are known already.
        """
        pixels = dict.fromkeys(("mse", self.pixel))
        terms = {name: getattr(losses, f"{name}_loss")(sr.float(), hr) for name in pixels}
        if self.vgg is not None:
            if features_hr is None:
                with torch.no_grad():
                    features_hr = self.vgg(hr)
            terms |= feature_losses(self.vgg(sr), features_hr)
        return terms

    def loss(self, terms: Mapping[str, Tensor]) -> Tensor:
        """What is minimised."""
        lambda1 = self._balanced(self.pixel, self.lambda1)
        if self.vgg is None:
            return lambda1 * terms[self.pixel]
        lambdas = {layer: self._balanced(layer, value) for layer, value in self.lambdas.items()}
        perceptual = perceptual_loss({layer: terms[layer] for layer in lambdas}, lambdas)
        return final_loss(terms[self.pixel], perceptual, lambda1, self.lambda2)

    def _balanced(self, name: str, weight: float) -> float:
        return weight / self.ratios.get(name, 1.0)

    def report(self, terms: Mapping[str, float]) -> Row:
        """Columns for the loss curve: the loss, and its raw and weighted terms."""
        tensors = {name: torch.tensor(value, dtype=torch.float64) for name, value in terms.items()}
        row = {"loss": float(self.loss(tensors)), "mse": terms["mse"]}
        row[self.pixel] = terms[self.pixel]
        if self.vgg is None:
            return row
        raw = {layer: tensors[layer] for layer in self.lambdas}
        row["perceptual"] = float(perceptual_loss(raw, self.lambdas))
        weighted = self._balanced(self.pixel, self.lambda1) * terms[self.pixel]
        row[f"weighted_{self.pixel}"] = weighted
        row["weighted_perceptual"] = row["loss"] - weighted
        return row | {layer: terms[layer] for layer in self.lambdas}


@torch.no_grad()
def balance_ratios(
    vgg: VGGFeatures | None, pairs: Iterable[Pair], scale: int, pixel: str = "mse"
) -> Row:
    """How many times the MSE each other term is at the bicubic baseline.

    All are means over the images of `pairs`, of each its centre, up to 512 × 512 pixels.
    """
    objective = Objective(vgg, pixel=pixel)
    device = torch.device("cpu") if vgg is None else vgg.mean.device
    totals: dict[str, float] = {}
    for pair in pairs:
        bicubic = imresize(pair.lr, scale)
        both = np.stack([_centre(image) for image in (bicubic, pair.hr)])
        sr, hr = to_tensor(both, device).split(1)
        for name, term in objective.terms(sr, hr).items():
            totals[name] = totals.get(name, 0.0) + float(term)
    mse = totals.pop("mse")
    if mse == 0:
        raise InputError("loss.balance: bicubic restores the training images without error")
    return {name: total / mse for name, total in totals.items()}


def _centre(image: Any, side: int = 512) -> Any:
    top, left = (max(0, (length - side) // 2) for length in image.shape[:2])
    return image[top : top + side, left : left + side]
