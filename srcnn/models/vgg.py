"""VGG16 and VGG19 (Simonyan and Zisserman 2015) as extractors of named features.

The convolutions are numbered as in torchvision's `vgg.features`, whose weights they take. The
networks are not built by torchvision, because its import takes a second longer than torch's.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from srcnn.errors import InputError
from srcnn.settings import VGG_BLOCKS

_WIDTHS = 64, 128, 256, 512, 512  # C_out of the convolutions in each block


class Layer(NamedTuple):
    """A convolution of VGG and the ReLU after it."""

    name: str  # as in Keras, such as block2_conv2
    conv: str  # name of the convolution in torchvision's vgg.features, such as 7
    relu: str  # name of the ReLU there, such as 8
    shape: torch.Size  # of the weight: [C_out, C_in, 3, 3]


def list_layers(network: str, until: Iterable[str] = ()) -> list[Layer]:
    """The layers of `vgg16` or `vgg19` in order, up to the last one named in `until`, or all."""
    layers: list[Layer] = []
    place, channels = 0, 3
    for block, (count, width) in enumerate(zip(VGG_BLOCKS[network], _WIDTHS, strict=True), 1):
        for number in range(1, count + 1):
            shape = torch.Size((width, channels, 3, 3))
            name = f"block{block}_conv{number}"
            layers.append(Layer(name, str(place), str(place + 1), shape))
            place, channels = place + 2, width
        place += 1  # the pool
    names = [layer.name for layer in layers]
    return layers[: max(map(names.index, until), default=len(names) - 1) + 1]


def _modules(layers: Iterable[Layer]) -> nn.Sequential:
    """The convolutions, ReLUs and pools on the meta device, which holds no weights."""
    modules = nn.Sequential()
    for layer in layers:
        if int(layer.conv) > len(modules):
            modules.append(nn.MaxPool2d(2))
        width, channels = layer.shape[:2]
        modules.append(nn.Conv2d(channels, width, 3, padding=1, device="meta"))
        modules.append(nn.ReLU(inplace=True))
    return modules


class VGGFeatures(nn.Module):
    """VGG up to the last of `layers`, frozen; it returns their features, each after its ReLU.

    `weights` has `{layer}.weight` [C_out, C_in, 3, 3] and `{layer}.bias` [C_out] for each layer.
    It may be None for random weights, which take as long to compute with. `prepare` replaces the
    normalisation of the input.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        weights: Mapping[str, Tensor] | None,
        network: str,
        layers: Iterable[str],
        prepare: Callable[[Tensor], Tensor] | None = None,
    ):
        super().__init__()
        asked = frozenset(layers)
        used = list_layers(network, asked)
        # Not after the convolutions, because the ReLUs work in place.
        self.names = {layer.relu: layer.name for layer in used if layer.name in asked}
        self.extractor = _modules(used)
        if weights is None:
            self.extractor.to_empty(device="cpu")
            for module in self.extractor.modules():
                if isinstance(module, nn.Conv2d):
                    module.reset_parameters()
        else:
            state = {
                f"{layer.conv}.{part}": weights[f"{layer.name}.{part}"]
                for layer in used
                for part in ("weight", "bias")
            }
            self.extractor.load_state_dict(state, assign=True)
        pools = sum(isinstance(module, nn.MaxPool2d) for module in self.extractor.modules())
        self.last, self.smallest_side = used[-1].name, 2**pools
        # The statistics of ImageNet that torchvision's weights were trained with.
        self.prepare = prepare or self._normalise
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))
        self.requires_grad_(False)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """Features [N, C_j, H_j, W_j] by layer name, of `image` [N, 3, H, W], RGB in [0, 1].

        Raises:
            InputError: the image is too small for the pools.
        """
        height, width = image.shape[2:]
        if min(height, width) < self.smallest_side:
            needed = f"{self.smallest_side}×{self.smallest_side} pixels, not {width}×{height}"
            raise InputError(f"loss.layers: {self.last} needs at least {needed}")
        x, features = self.prepare(image), {}
        for place, module in self.extractor.named_children():
            x = module(x)
            if place in self.names:
                features[self.names[place]] = x
        return features

    def _normalise(self, image: Tensor) -> Tensor:
        return (image - self.mean) / self.std
