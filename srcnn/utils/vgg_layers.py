"""The layers of VGG16 and VGG19: their names, order and widths (Simonyan and Zisserman 2015)."""

from collections.abc import Iterable

_CONVS_PER_BLOCK = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
_CHANNELS_PER_BLOCK = (64, 128, 256, 512, 512)

LAYERS: dict[str, tuple[str, ...]] = {
    network: tuple(
        f"block{block}_conv{conv}"
        for block, convs in enumerate(blocks, start=1)
        for conv in range(1, convs + 1)
    )
    for network, blocks in _CONVS_PER_BLOCK.items()
}
"""Layer names by network, first to last, as Keras names them."""


def layers_up_to(network: str, last: Iterable[str]) -> tuple[str, ...]:
    """Names of all the layers of `network` that the layers `last` need, in order."""
    names = LAYERS[network]
    return names[: max(names.index(layer) for layer in last) + 1]


def pools_before(layer: str) -> bool:
    """Whether the features are halved by a max-pool before `layer`."""
    return layer.endswith("_conv1") and layer != "block1_conv1"


def channels(layer: str) -> tuple[int, int]:
    """Channels in and out of `layer`."""
    block = int(layer[len("block")]) - 1
    width = _CHANNELS_PER_BLOCK[block]
    if not layer.endswith("_conv1"):
        return width, width
    return (_CHANNELS_PER_BLOCK[block - 1] if block else 3), width


def torchvision_index(network: str, layer: str) -> int:
    """Index of the convolution `layer` in torchvision's `vgg.features`."""
    before = LAYERS[network][: LAYERS[network].index(layer)]
    # Each earlier layer is a convolution and a ReLU; each block ends with a pool.
    return 2 * len(before) + int(layer[len("block")]) - 1
