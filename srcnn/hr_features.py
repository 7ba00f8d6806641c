"""VGG's features of HR images that come again, computed once where memory allows."""

from collections.abc import Hashable, Sequence

import psutil
import torch
from torch import Tensor

from srcnn.vgg import VGGFeatures

SHARE = 0.5
"""Of the memory that is free at the start, for all features together."""


class HRFeatures:
    """Keeps features by image.

    Each image goes through VGG alone, whether there is room to keep its features or not: the same
    numbers come out in either case.

    Args:
        vgg: on its device, where the features stay.
        room: bytes; by default SHARE of what is free.
    """

    def __init__(self, vgg: VGGFeatures, room: int | None = None):
        self.vgg, self.kept = vgg, dict[Hashable, dict[str, Tensor]]()
        self.room = int(SHARE * _free(vgg.mean.device)) if room is None else room

    @torch.no_grad()
    def __call__(self, names: Sequence[Hashable], hr: Tensor) -> dict[str, Tensor]:
        """Features by layer, [N, C_j, H_j, W_j], of images [N, 3, H, W], RGB in [0, 1].

        Args:
            names: of the images; the same name stands for the same pixels.
            hr: the images.
        """
        each = [self._of(name, image) for name, image in zip(names, hr.split(1), strict=True)]
        return {layer: torch.cat([features[layer] for features in each]) for layer in each[0]}

    def _of(self, name: Hashable, image: Tensor) -> dict[str, Tensor]:
        if name in self.kept:
            return self.kept[name]
        features = self.vgg(image)
        size = sum(feature.nbytes for feature in features.values())
        if size <= self.room:
            self.room -= size
            self.kept[name] = features
        return features


def _free(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return int(psutil.virtual_memory().available)
