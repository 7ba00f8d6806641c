"""LPIPS 0.1 (Zhang et al. 2018) with AlexNet or VGG16: a perceptual distance between images."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from srcnn.evaluation.trunks import Tile, Trunk, tiles, weight_names
from srcnn.images.image_io import RGB8
from srcnn.models.tensors import Weights, read_weights, to_tensor

HEADS = [f"head{i}" for i in range(1, 6)]  # weights of the channels in each stage


class LPIPS(nn.Module):
    """Weighted squared difference of unit-length features, averaged over positions, in five stages.

    `weights` are those of `trunks.weight_names` and `head1` … `head5` [C_i];
    `srcnn.data.pretrained_weights.judge_weights` makes them. Tiles of VGG16 limit the memory.
    """

    def __init__(self, weights: Weights, network: str = "alexnet", max_side: int | None = None):
        super().__init__()
        self.trunk, self.max_side = Trunk(network, weights), max_side
        for name in HEADS:
            self.register_buffer(name, weights[name].view(1, -1, 1, 1))
        self.register_buffer("shift", torch.tensor([-0.030, -0.088, -0.188]).view(1, 3, 1, 1))
        self.register_buffer("scale", torch.tensor([0.458, 0.448, 0.450]).view(1, 3, 1, 1))

    @torch.no_grad()
    def distances(self, srs: Sequence[RGB8], hr: RGB8) -> list[float]:
        """Distance of each [H, W, 3] uint8 image from `hr`, whose features are computed once."""
        sums, positions = np.zeros((len(srs), len(HEADS))), np.zeros(len(HEADS))
        for tile in tiles(hr.shape[0], hr.shape[1], self.max_side):
            truth = list(self._in_tile(hr, tile))
            positions += [features[0, 0].numel() for features in truth]
            for i, sr in enumerate(srs):
                parts = self._distances(self._in_tile(sr, tile), truth)
                sums[i] += [float(part.sum()) for part in parts]
        return (sums / positions).sum(axis=1).tolist()

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        """Distance of each pair: [N] from two [N, 3, H, W], RGB in [0, 1], sides at least 32."""
        return self.between(self.features(first), self.features(second))

    def between(self, first: list[Tensor], second: list[Tensor]) -> Tensor:
        """Distance of each pair, [N], from the `features` of its images."""
        zero = torch.zeros(len(first[0]), device=first[0].device)
        return sum((part.mean((1, 2)) for part in self._distances(first, second)), zero)

    def map(self, first: Tensor, second: Tensor) -> Tensor:
        """Distance at each position, [N, H, W], with the distance as its mean; inputs as `forward`.

        Each stage's map is resized to H × W bilinearly, then scaled to keep its mean.
        """
        total = torch.zeros(len(first), *first.shape[2:], device=first.device)
        for distances in self._distances(self.features(first), self.features(second)):
            large = F.interpolate(distances[:, None], first.shape[2:], mode="bilinear")[:, 0]
            mean, enlarged_mean = (part.mean((1, 2), keepdim=True) for part in (distances, large))
            total = total + large * (mean / enlarged_mean.clamp_min(1e-30))
        return total

    def features(self, image: Tensor) -> list[Tensor]:
        """Features of the five stages, scaled to unit length at each position."""
        return list(self._features(image))

    def _in_tile(self, image: RGB8, tile: Tile) -> Iterator[Tensor]:
        """The features inside a tile of [H, W, 3] uint8, one stage after the other."""
        device = self.get_buffer("shift").device
        pixels = to_tensor(image[tile.rows, tile.columns][None], device)
        return map(tile.inside, self._features(pixels), count())

    def _features(self, image: Tensor) -> Iterator[Tensor]:
        x = (2 * image - 1 - self.get_buffer("shift")) / self.get_buffer("scale")
        for features in self.trunk(x):
            # sqrt() would differ from CPU to CPU.
            length = torch.linalg.vector_norm(features, dim=1, keepdim=True)
            yield features / (length + 1e-10)

    def _distances(self, first: Iterable[Tensor], second: Iterable[Tensor]) -> Iterator[Tensor]:
        """Each stage's weighted squared difference by position, [N, h, w]."""
        for name, a, b in zip(HEADS, first, second, strict=True):
            yield (a - b).square_().mul_(self.get_buffer(name)).sum(1)


def load_lpips(device: torch.device, weights: Weights | None = None) -> LPIPS:
    """LPIPS with AlexNet on a device, by default with the weights that fetch_weights stores.

    Raises:
        InputError: the stored weights are missing or damaged.
    """
    stored = Path("data/weights/lpips.safetensors")
    needed = [*weight_names("alexnet"), *HEADS]
    return LPIPS(weights or read_weights(stored, needed)).to(device)
