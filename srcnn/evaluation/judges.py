"""The networks that judge images, by the names of their metrics."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import torch

from srcnn.evaluation.dists import DISTS
from srcnn.evaluation.lpips import HEADS, LPIPS, load_lpips
from srcnn.evaluation.trunks import weight_names
from srcnn.images.image_io import RGB8
from srcnn.models.tensors import Weights, read_weights

MAX_SIDE = 1440  # pixels of a tile of VGG16, which then takes two gigabytes


class Judge(Protocol):
    """A distance between images."""

    def distances(self, srs: Sequence[RGB8], hr: RGB8) -> list[float]:
        """Distance of each [H, W, 3] uint8 image from the ground truth."""


def load_judges(
    device: torch.device, weights: Mapping[str, Weights] | None = None
) -> dict[str, Judge]:
    """All judges on a device, by default with the weights that fetch_weights stores.

    Args:
        device: where they compute.
        weights: of `alexnet` and `vgg16`, from `srcnn.data.pretrained_weights.judge_weights`.

    Raises:
        InputError: the stored weights are missing or damaged.
    """
    stored = Path("data/weights/judges_vgg16.safetensors")
    needed = [*weight_names("vgg16"), *HEADS, "alpha", "beta"]
    alexnet, vgg16 = (weights["alexnet"], weights["vgg16"]) if weights else (None, None)
    vgg16 = vgg16 or read_weights(stored, needed)
    return {
        "lpips": load_lpips(device, alexnet),
        "lpips_vgg": LPIPS(vgg16, "vgg16", MAX_SIDE).to(device),
        "dists": DISTS(vgg16).to(device),
    }
