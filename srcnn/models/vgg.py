"""VGG16 and VGG19 (Simonyan and Zisserman 2015) from torchvision, as extractors of named features.

torchvision takes more than a second to import, so it is imported only where a network is built.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from srcnn.errors import InputError


class Layer(NamedTuple):
    """A convolution of VGG and the ReLU after it."""

    name: str  # as in Keras, such as block2_conv2
    conv: str  # name of the convolution in torchvision's vgg.features, such as 7
    relu: str  # name of the ReLU there, such as 8
    shape: torch.Size  # of the weight: [C_out, C_in, 3, 3]


def list_layers(network: str, until: Iterable[str] = ()) -> list[Layer]:
    """The layers of `vgg16` or `vgg19` in order, up to the last one named in `until`, or all."""
    layers: list[Layer] = []
    block = number = 1
    for (name, module), (following, _) in pairwise(_modules(network).named_children()):
        if isinstance(module, nn.MaxPool2d):
            block, number = block + 1, 1
        elif isinstance(module, nn.Conv2d):
            shape = module.weight.shape
            layers.append(Layer(f"block{block}_conv{number}", name, following, shape))
            number += 1
    names = [layer.name for layer in layers]
    return layers[: max(map(names.index, until), default=len(names) - 1) + 1]


def _modules(network: str) -> nn.Sequential:
    """The convolutions, ReLUs and pools on the meta device, which holds no weights."""
    from torchvision.models import get_model

    with torch.device("meta"):
        modules: nn.Sequential = get_model(network, init_weights=False).features
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
        from torchvision.models.feature_extraction import create_feature_extractor

        super().__init__()
        asked = frozenset(layers)
        used = list_layers(network, asked)
        # Not the nodes of the convolutions, because the ReLUs work in place.
        nodes = {layer.relu: layer.name for layer in used if layer.name in asked}
        self.extractor = create_feature_extractor(_modules(network), nodes)
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
        features: dict[str, Tensor] = self.extractor(self.prepare(image))
        return features

    def _normalise(self, image: Tensor) -> Tensor:
        return (image - self.mean) / self.std
