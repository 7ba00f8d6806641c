"""VGG's features of HR images that come again, computed once where memory allows."""

from collections.abc import Hashable, Sequence
from pathlib import Path

import psutil
import torch
from torch import Tensor

from srcnn.models.vgg import VGGFeatures

SHARE = 0.5
"""Of the memory that is free at the start, for all features together."""


class HRFeatures:
    """Keeps features by image.

    Each image goes through VGG alone, whether there is room to keep its features or not: the same
    numbers come out in either case.

    Args:
        vgg: on its device, where the features stay.
        processes: that share the host's memory.
        room: bytes; by default SHARE of what is free for a process.
    """

    def __init__(self, vgg: VGGFeatures, processes: int = 1, room: int | None = None):
        self.vgg, self.kept = vgg, dict[Hashable, dict[str, Tensor]]()
        self.room = int(SHARE * _free(vgg.mean.device, processes)) if room is None else room

    @torch.no_grad()
    def __call__(self, names: Sequence[Hashable], hr: Tensor) -> dict[str, Tensor]:
        """Features by layer, [N, C_j, H_j, W_j], of images [N, 3, H, W], RGB in [0, 1].

        Args:
            names: of the images; the same name stands for the same pixels.
            hr: the images.
        """
        each = [self._of(name, image) for name, image in zip(names, hr.split(1), strict=True)]
        if len(each) == 1:
            return each[0]  # not copied: whole images' features take gigabytes
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


def _free(device: torch.device, processes: int) -> int:
    """Bytes for each process: of its GPU, or of the host, or of what a container may have of it."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    free = int(psutil.virtual_memory().available)
    limit, used = (Path("/sys/fs/cgroup", f"memory.{name}") for name in ("max", "current"))
    if limit.is_file() and (allowed := limit.read_text().strip()) != "max":
        free = min(free, int(allowed) - int(used.read_text()))
    return free // processes
