"""VGG as a frozen extractor of named features for the perceptual loss."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from srcnn.errors import InputError
from srcnn.utils.vgg_layers import channels, layers_up_to, pools_before


class VGGFeatures(nn.Module):
    """VGG cut after the last layer that is asked for; its weights never train.

    Args:
        weights: `{layer}.weight` [C_out, C_in, 3, 3] and `{layer}.bias` [C_out] by layer name.
        network: `vgg16` or `vgg19`.
        layers: the layers whose features are returned, taken after their ReLU.

    Raises:
        KeyError: a layer's weights are missing.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, weights: dict[str, Tensor], network: str, layers: Iterable[str]):
        super().__init__()
        self.layers = frozenset(layers)
        self.convs = nn.ModuleDict()
        for name in layers_up_to(network, self.layers):
            conv = nn.Conv2d(*channels(name), kernel_size=3, padding=1)
            parts = {part: weights[f"{name}.{part}"] for part in ("weight", "bias")}
            conv.load_state_dict(parts)
            self.convs[name] = conv
        # The statistics of ImageNet that torchvision's weights were trained with.
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))
        self.requires_grad_(False)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """Features by layer name, [N, C_j, H_j, W_j], of `image` [N, 3, H, W], RGB in [0, 1].

        Raises:
            InputError: the pools leave nothing of so small an image.
        """
        side = 2 ** sum(pools_before(name) for name in self.convs)
        if min(image.shape[2:]) < side:
            height, width = image.shape[2:]
            raise InputError(
                f"loss.layers: {[*self.convs][-1]} needs at least {side}×{side} pixels, "
                f"not {width}×{height}"
            )
        features = {}
        x = (image - self.mean) / self.std
        for name, conv in self.convs.items():
            x = F.relu_(conv(F.max_pool2d(x, 2) if pools_before(name) else x))
            if name in self.layers:
                features[name] = x
        return features
