"""VGG16 and VGG19 (Simonyan and Zisserman 2015), as extractors of named features."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from srcnn.errors import InputError
from srcnn.settings import VGG_LAYERS


class Layer(NamedTuple):
    """A convolution of VGG; a ReLU follows it."""

    name: str  # as in Keras, such as block2_conv2
    block: int  # from 1; each block but the first starts with a pool
    conv: str  # the convolution's name in torchvision's vgg.features, such as 7
    shape: tuple[int, int, int, int]  # of the weight: C_out, C_in, 3, 3


def list_layers(network: str, until: Iterable[str] = ()) -> list[Layer]:
    """The layers of `vgg16` or `vgg19` in order, up to the last one named in `until`, or all."""
    names, layers, channels = VGG_LAYERS[network], list[Layer](), 3
    last = max(map(names.index, until), default=len(names) - 1)
    for number, name in enumerate(names[: last + 1]):
        block = int(name.removeprefix("block").partition("_")[0])
        width = min(32 * 2**block, 512)
        # In torchvision, a convolution and its ReLU take two places, and a pool takes one.
        place = 2 * number + block - 1
        layers.append(Layer(name, block, str(place), (width, channels, 3, 3)))
        channels = width
    return layers


class VGGFeatures(nn.Module):
    """VGG up to the last of `layers`, frozen; it returns their features, each after its ReLU.

    `weights` has `{layer}.weight` [C_out, C_in, 3, 3] and `{layer}.bias` [C_out] for each layer.
    It may be None for random weights, which take as long to compute with.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, weights: Mapping[str, Tensor] | None, network: str, layers: Iterable[str]):
        super().__init__()
        self.asked = frozenset(layers)
        self.used = list_layers(network, self.asked)
        # Without initial values, which take long to draw, if there are weights.
        with torch.device("cpu" if weights is None else "meta"):
            convolutions = {
                layer.name: nn.Conv2d(layer.shape[1], layer.shape[0], kernel_size=3, padding=1)
                for layer in self.used
            }
        self.convolutions = nn.ModuleDict(convolutions)
        if weights is not None:
            state = {name: weights[name] for name in self.convolutions.state_dict()}
            self.convolutions.load_state_dict(state, assign=True)
        # The statistics of ImageNet that torchvision's weights were trained with.
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))
        self.requires_grad_(False)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """Features [N, C_j, H_j, W_j] by layer name, of `image` [N, 3, H, W], RGB in [0, 1].

        Raises:
            InputError: the image is too small for the pools.
        """
        (height, width), last = image.shape[2:], self.used[-1]
        if min(height, width) < (side := 2 ** (last.block - 1)):
            problem = f"needs at least {side}×{side} pixels, not {width}×{height}"
            raise InputError(f"loss.layers: {last.name} {problem}")
        features, block = {}, 1
        x = (image - self.mean) / self.std
        for layer in self.used:
            if layer.block > block:
                x, block = F.max_pool2d(x, 2), layer.block
            x = F.relu(self.convolutions[layer.name](x), inplace=True)
            if layer.name in self.asked:
                features[layer.name] = x
        return features
