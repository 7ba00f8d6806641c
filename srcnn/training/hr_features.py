"""A cache of the VGG features of HR images that return in every epoch."""

from collections.abc import Hashable, Sequence
from pathlib import Path

import psutil
import torch
from torch import Tensor

from srcnn.models.vgg import VGGFeatures

FEATURE_MEMORY_SHARE = 0.5  # of the free memory, for the cached features


class HRFeatures:
    """Caches features by image while there is memory.

    Each image passes through VGG alone, cached or not, so that the numbers are the same. Features
    stay on the device of VGG. `processes` share the host's memory.
    """

    def __init__(self, vgg: VGGFeatures, processes: int = 1, room: int | None = None):
        self.vgg, self.cache = vgg, dict[Hashable, dict[str, Tensor]]()
        free = _free_memory(next(vgg.parameters()).device, processes)
        self.room = int(FEATURE_MEMORY_SHARE * free) if room is None else room  # bytes

    @torch.no_grad()
    def __call__(self, images: Sequence[Hashable], hr: Tensor) -> dict[str, Tensor]:
        """Features by layer, [N, C_j, H_j, W_j], of hr [N, 3, H, W], RGB in [0, 1].

        `images` has a key for each image; an equal key means equal pixels.
        """
        each = [self._features(key, image) for key, image in zip(images, hr.split(1), strict=True)]
        if len(each) == 1:
            return each[0]  # without a copy: the features of whole images take gigabytes
        return {layer: torch.cat([features[layer] for features in each]) for layer in each[0]}

    def _features(self, key: Hashable, image: Tensor) -> dict[str, Tensor]:
        if key in self.cache:
            return self.cache[key]
        features = self.vgg(image)
        size = sum(feature.nbytes for feature in features.values())
        if size <= self.room:
            self.room -= size
            self.cache[key] = features
        return features


def _free_memory(device: torch.device, processes: int) -> int:
    """Free bytes for each process: of its GPU, or of the host within the container's limit."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    free = int(psutil.virtual_memory().available)
    limit, used = (Path("/sys/fs/cgroup", f"memory.{name}") for name in ("max", "current"))
    if limit.is_file() and (allowed := limit.read_text().strip()) != "max":
        free = min(free, int(allowed) - int(used.read_text()))
    return free // processes
