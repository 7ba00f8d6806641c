"""The terms of the loss: a pixel loss and the perceptual loss. Another term is another class."""

from collections.abc import Hashable, Mapping, Sequence

import torch
from torch import Tensor

from srcnn.models.vgg import VGGFeatures
from srcnn.training import losses
from srcnn.training.hr_features import HRFeatures


class Term:
    """One weighted term of the loss. A term with one value only has to define `measure`.

    Args:
        name: name of the term, and of its columns in the training curve.
        weight: factor of the term in the sum, λ1 or λ2 in Eq. 3.
    """

    def __init__(self, name: str, weight: float):
        self.name, self.weight = name, weight

    @property
    def value_names(self) -> list[str]:
        """Names of the values that `measure` returns."""
        return [self.name]

    def measure(self, sr: Tensor, hr: Tensor, images: Sequence[Hashable]) -> dict[str, Tensor]:
        """Compute the raw values, scalars by name.

        Args:
            sr: [N, 3, H, W], RGB in [0, 1].
            hr: as `sr`.
            images: a key for each image if the same images return in every epoch, else empty.
        """
        raise NotImplementedError

    def total(
        self, values: Mapping[str, Tensor], ratios: Mapping[str, float], weight: float
    ) -> Tensor:
        """The term from its raw values: each divided by its ratio (default 1), times `weight`."""
        return weight / ratios.get(self.name, 1.0) * values[self.name]


class PixelTerm(Term):
    """A pixel loss: `{name}_loss` of `losses.py`, by default Eq. 1."""

    def __init__(self, name: str = "mse", weight: float = 1.0):
        super().__init__(name, weight)

    def measure(self, sr: Tensor, hr: Tensor, images: Sequence[Hashable]) -> dict[str, Tensor]:
        """Compute the pixel loss in float32."""
        return {self.name: getattr(losses, f"{self.name}_loss")(sr.float(), hr)}


class PerceptualTerm(Term):
    """The perceptual loss, Eq. 2. Its raw values are the terms of the sum, by layer.

    Args:
        vgg: the feature extractor, on its device.
        lambdas: λ_j by layer.
        weight: λ2 in Eq. 3.
        processes: number of processes that share the memory for HR features.
    """

    def __init__(
        self,
        vgg: VGGFeatures,
        lambdas: Mapping[str, float],
        weight: float = 1.0,
        processes: int = 1,
    ):
        super().__init__("perceptual", weight)
        self.vgg, self.lambdas = vgg, lambdas
        self.hr_features = HRFeatures(vgg, processes)

    @property
    def value_names(self) -> list[str]:
        """The layers."""
        return list(self.lambdas)

    def measure(self, sr: Tensor, hr: Tensor, images: Sequence[Hashable]) -> dict[str, Tensor]:
        """Compute the term of each layer."""
        with torch.no_grad():
            hr_features = self.hr_features(images, hr) if images else self.vgg(hr)
        return losses.feature_losses(self.vgg(sr), hr_features)

    def total(
        self, values: Mapping[str, Tensor], ratios: Mapping[str, float], weight: float
    ) -> Tensor:
        """`weight` · Eq. 2, each layer divided by its ratio."""
        lambdas = {layer: value / ratios.get(layer, 1.0) for layer, value in self.lambdas.items()}
        return weight * losses.perceptual_loss(values, lambdas)
