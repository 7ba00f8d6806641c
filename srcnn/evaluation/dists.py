"""DISTS (Ding et al. 2020): a distance of the structure and the texture of two images."""

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from srcnn.evaluation.trunks import Trunk
from srcnn.images.image_io import RGB8
from srcnn.models.tensors import Weights, to_tensor

SIDE = 256  # pixels to which the authors reduce the shorter side
_TINY = 1e-6  # the authors' c1 and c2


class DISTS(nn.Module):
    """Differences of the means and of the patterns of VGG16's features over the whole image.

    `weights` are those of `trunks.weight_names`, and the authors' `alpha` (for means, or texture)
    and `beta` (for patterns, or structure), each [1475]: of RGB and of all features of the stages.
    """

    def __init__(self, weights: Weights):
        super().__init__()
        self.trunk = Trunk("vgg16", weights)
        total = weights["alpha"].sum() + weights["beta"].sum()
        for name in ("alpha", "beta"):
            self.register_buffer(name, weights[name] / total)
        hann = torch.tensor([0.25, 0.5, 0.25])
        self.register_buffer("window", hann[:, None] * hann)
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))

    @torch.no_grad()
    def distances(self, srs: Sequence[RGB8], hr: RGB8) -> list[float]:
        """Distance of each [H, W, 3] uint8 image from `hr`, after `reduce`; 0 for equal images."""
        truth = self._features(hr)
        return [self._distance(self._features(sr), truth) for sr in srs]

    def _features(self, image: RGB8) -> list[Tensor]:
        """The image itself and the features of the five stages: [C, h, w] each."""
        x = to_tensor(reduce(image)[None], self.get_buffer("mean").device)
        normalised = (x - self.get_buffer("mean")) / self.get_buffer("std")
        return [features[0] for features in (x, *self.trunk(normalised, self._pool))]

    def _pool(self, x: Tensor) -> Tensor:
        """Halve both sides by the root of the weighted mean of squares."""
        channels = x.shape[1]
        window = self.get_buffer("window").expand(channels, 1, 3, 3)
        squares = F.conv2d(x * x, window, stride=2, padding=1, groups=channels) + 1e-12
        return squares * squares.rsqrt()  # sqrt() would differ from CPU to CPU

    def _distance(self, first: list[Tensor], second: list[Tensor]) -> float:
        """The authors' 1 − Σ (α l + β s), with 1 − l and 1 − s in a form that is exact near 0."""
        means, patterns = [], []
        for a, b in zip(first, second, strict=True):
            mean_a, mean_b = (x.mean((1, 2), keepdim=True) for x in (a, b))
            a, b = a - mean_a, b - mean_b
            square_a, square_b, square = (x.square().mean((1, 2)) for x in (a, b, a - b))
            patterns.append(square / (square_a + square_b + _TINY))
            mean_a, mean_b = mean_a.flatten(), mean_b.flatten()
            means.append((mean_a - mean_b) ** 2 / (mean_a**2 + mean_b**2 + _TINY))
        alpha, beta = self.get_buffer("alpha"), self.get_buffer("beta")
        return float((alpha * torch.cat(means) + beta * torch.cat(patterns)).sum())


def reduce(image: RGB8) -> RGB8:
    """Reduce [H, W, 3] as the authors do: bilinear, to a shorter side of SIDE if it is longer."""
    height, width = image.shape[:2]
    if min(height, width) <= SIDE:
        return image
    size = (SIDE * width // min(height, width), SIDE * height // min(height, width))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR))
