"""LPIPS 0.1 with AlexNet (Zhang et al. 2018): a perceptual distance between images."""

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from srcnn.models.tensors import Weights, read_weights

_STRIDE_PADDING = ((4, 2), (1, 2), (1, 1), (1, 1), (1, 1))
_POOLED_BEFORE = (1, 2)


class LPIPS(nn.Module):
    """Weighted squared difference of unit-length features, averaged over positions, in five layers.

    `srcnn.data.pretrained_weights.lpips_weights` makes its weights.
    """

    WEIGHTS = tuple(
        name for i in range(1, 6) for name in (f"conv{i}.weight", f"conv{i}.bias", f"head{i}")
    )

    def __init__(self, weights: dict[str, Tensor]):
        super().__init__()
        for name in self.WEIGHTS:
            self.register_buffer(name.replace(".", "_"), weights[name])
        self.register_buffer("shift", torch.tensor([-0.030, -0.088, -0.188]).view(1, 3, 1, 1))
        self.register_buffer("scale", torch.tensor([0.458, 0.448, 0.450]).view(1, 3, 1, 1))

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Distance of each pair: [N] from two [N, 3, H, W], RGB in [0, 1], sides at least 32."""
        return self.between(self.features(first), self.features(second))

    def between(self, first: list[Tensor], second: list[Tensor]) -> Tensor:
        """Distance of each pair, [N], from the `features` of its images."""
        zero = torch.zeros(len(first[0]), device=first[0].device)
        return sum((part.mean((1, 2)) for part in self._distances(first, second)), zero)

    def map(self, first: Tensor, second: Tensor) -> Tensor:
        """Distance at each position, [N, H, W], with the distance as its mean; inputs as `forward`.

        Each layer's map is resized to H × W bilinearly, then scaled to keep its mean.
        """
        total = torch.zeros(len(first), *first.shape[2:], device=first.device)
        for distances in self._distances(self.features(first), self.features(second)):
            large = F.interpolate(distances[:, None], first.shape[2:], mode="bilinear")[:, 0]
            mean, enlarged_mean = (part.mean((1, 2), keepdim=True) for part in (distances, large))
            total = total + large * (mean / enlarged_mean.clamp_min(1e-30))
        return total

    def _distances(self, first: list[Tensor], second: list[Tensor]) -> Iterator[Tensor]:
        """Each layer's weighted squared difference by position, [N, h, w]."""
        for i, (a, b) in enumerate(zip(first, second, strict=True)):
            head = self.get_buffer(f"head{i + 1}").view(1, -1, 1, 1)
            yield (head * (a - b) ** 2).sum(1)

    def features(self, image: Tensor) -> list[Tensor]:
        """Features of the five layers after ReLU, scaled to unit length at each position."""
        x = (2 * image - 1 - self.get_buffer("shift")) / self.get_buffer("scale")
        features = []
        for i, (stride, padding) in enumerate(_STRIDE_PADDING):
            if i in _POOLED_BEFORE:
                x = F.max_pool2d(x, 3, 2)
            weight, bias = (self.get_buffer(f"conv{i + 1}_{part}") for part in ("weight", "bias"))
            x = F.relu(F.conv2d(x, weight, bias, stride, padding))
            # sqrt() would differ from CPU to CPU.
            length = torch.linalg.vector_norm(x, dim=1, keepdim=True)
            features.append(x / (length + 1e-10))
        return features


def load_lpips(device: torch.device, weights: Weights | None = None) -> LPIPS:
    """LPIPS on a device, by default with the weights that the stage fetch_weights stores.

    Raises:
        InputError: the stored weights are missing or damaged.
    """
    stored = Path("data/weights/lpips.safetensors")
    return LPIPS(weights or read_weights(stored, LPIPS.WEIGHTS)).to(device)
