from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional as F

from srcnn.data.pretrained_weights import vgg_weights
from srcnn.images.image_io import RGB8, read_rgb
from srcnn.models.tensors import Weights, to_tensor
from srcnn.models.vgg import Layer, VGGFeatures, list_layers
from srcnn.settings import VGG_LAYERS

# Where torchvision's `vgg.features` has the ReLU of each layer of VGG19.
AFTER_RELU = {
    "block1_conv1": "1",
    "block1_conv2": "3",
    "block2_conv1": "6",
    "block2_conv2": "8",
    "block3_conv1": "11",
    "block3_conv2": "13",
    "block3_conv3": "15",
    "block3_conv4": "17",
    "block4_conv4": "26",
    "block5_conv4": "35",
}
# Simonyan and Zisserman's configurations D and E.
CONFIGURATIONS = {
    "vgg16": "64 64 M 128 128 M 256 256 256 M 512 512 512 M 512 512 512 M",
    "vgg19": "64 64 M 128 128 M 256 256 256 256 M 512 512 512 512 M 512 512 512 512 M",
}


def random_weights(network: str, last: str) -> Weights:
    generator = torch.Generator().manual_seed(3)
    weights = {}
    for layer in list_layers(network, [last]):
        scale = (2 / (9 * layer.shape[1])) ** 0.5
        weights[f"{layer.name}.weight"] = scale * torch.randn(layer.shape, generator=generator)
        weights[f"{layer.name}.bias"] = 0.1 * torch.randn(layer.shape[0], generator=generator)
    return weights


def plain_features(weights: Weights, network: str, image: Tensor) -> dict[str, Tensor]:
    """The features of every layer of `weights`, by plain calls in the order of the paper."""
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x = (image - mean.view(1, 3, 1, 1)) / std.view(1, 3, 1, 1)
    result, block, number = {}, 1, 1
    for width in CONFIGURATIONS[network].split():
        layer = f"block{block}_conv{number}"
        if width == "M":
            x = F.max_pool2d(x, 2)
            block, number = block + 1, 1
        elif f"{layer}.weight" in weights:
            x = F.conv2d(x, weights[f"{layer}.weight"], weights[f"{layer}.bias"], padding=1).relu()
            result[layer] = x
            number += 1
        else:
            break
    return result


def torchvision_layers(network: str) -> list[Layer]:
    """The layers in torchvision's `vgg.features`."""
    layers: list[Layer] = []
    block = number = 1
    with torch.device("meta"):
        modules = torchvision.models.get_model(network, init_weights=False).features
    for (name, module), (following, _) in pairwise(modules.named_children()):
        if isinstance(module, nn.MaxPool2d):
            block, number = block + 1, 1
        elif isinstance(module, nn.Conv2d):
            shape = module.weight.shape
            layers.append(Layer(f"block{block}_conv{number}", name, following, shape))
            number += 1
    return layers


def features(weights: Weights, layers: Iterable[str], image: Tensor) -> dict[str, Tensor]:
    result: dict[str, Tensor] = VGGFeatures(weights, "vgg16", layers)(image)
    return result


@pytest.mark.parametrize("network", VGG_LAYERS)
def test_settings_know_the_layers_that_torchvision_has(network: str) -> None:
    layers = torchvision_layers(network)
    assert list_layers(network) == layers
    assert tuple(layer.name for layer in layers) == VGG_LAYERS[network]


@pytest.mark.parametrize("layer", AFTER_RELU)
def test_a_layer_is_a_convolution_with_its_relu(layer: str) -> None:
    found = {each.name: each for each in list_layers("vgg19")}[layer]
    assert found.relu == AFTER_RELU[layer]
    assert int(found.conv) == int(found.relu) - 1


@pytest.mark.parametrize("network", VGG_LAYERS)
def test_layers_have_the_widths_of_the_paper_that_names_them(network: str) -> None:
    widths = [int(width) for width in CONFIGURATIONS[network].split() if width != "M"]
    shapes = [(out, into, 3, 3) for into, out in zip([3, *widths], widths, strict=False)]
    assert [tuple(layer.shape) for layer in list_layers(network)] == shapes


def test_the_layers_needed_end_with_the_last_one_asked_for() -> None:
    needed = list_layers("vgg19", ["block2_conv1", "block1_conv1"])
    assert [layer.name for layer in needed] == ["block1_conv1", "block1_conv2", "block2_conv1"]


@pytest.mark.parametrize(
    ("network", "layers"),
    [
        ("vgg16", ["block3_conv1"]),
        ("vgg19", ["block3_conv4", "block1_conv1"]),
        ("vgg16", ["block1_conv2", "block2_conv1", "block4_conv1"]),
    ],
)
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_features_and_gradients_equal_those_of_plain_calls(
    network: str, layers: list[str], memory_format: torch.memory_format
) -> None:
    weights = random_weights(network, max(layers))
    image = torch.rand(2, 3, 16, 24, generator=torch.Generator().manual_seed(1))
    vgg = VGGFeatures(weights, network, layers).to(memory_format=memory_format)
    weights = {
        name: value.contiguous(memory_format=memory_format) if value.dim() == 4 else value
        for name, value in weights.items()
    }
    plain, ours = (image.clone(memory_format=memory_format).requires_grad_() for _ in range(2))
    expected, result = plain_features(weights, network, plain), vgg(ours)
    assert list(result) == sorted(layers)
    assert all(torch.equal(result[layer], expected[layer]) for layer in layers)
    for found in (result, expected):
        torch.stack([found[layer].square().mean() for layer in layers]).sum().backward()
    assert plain.grad is not None
    assert ours.grad is not None
    assert torch.equal(ours.grad, plain.grad)


def test_random_weights_are_finite_and_follow_the_seed() -> None:
    torch.manual_seed(1)
    first = VGGFeatures(None, "vgg16", ["block2_conv1"]).state_dict()
    torch.manual_seed(1)
    again = VGGFeatures(None, "vgg16", ["block2_conv1"]).state_dict()
    assert all(value.isfinite().all() and value.any() for value in first.values())
    assert all(torch.equal(value, again[name]) for name, value in first.items())


def test_features_come_by_name_and_halve_with_each_block(vgg16: Weights) -> None:
    layers = ["block2_conv2", "block1_conv1", "block2_conv1"]
    result = features(vgg16, layers, torch.rand(2, 3, 20, 34))
    assert {layer: tuple(value.shape) for layer, value in result.items()} == {
        "block1_conv1": (2, 64, 20, 34),
        "block2_conv1": (2, 128, 10, 17),
        "block2_conv2": (2, 128, 10, 17),
    }


def test_features_are_taken_after_the_relu(vgg16: Weights) -> None:
    result = features(vgg16, ["block1_conv2", "block2_conv2"], torch.rand(1, 3, 32, 32))
    for value in result.values():
        assert value.min() == 0
        assert value.max() > 0


def test_later_layers_do_not_change_features_of_earlier_ones(vgg16: Weights) -> None:
    image = torch.rand(1, 3, 16, 16)
    both = features(vgg16, ["block1_conv1", "block2_conv2"], image)
    alone = features(vgg16, ["block1_conv1"], image)
    assert torch.equal(both["block1_conv1"], alone["block1_conv1"])


def test_an_image_of_the_mean_colour_of_imagenet_is_zero_to_the_network(vgg16: Weights) -> None:
    image = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1).expand(1, 3, 8, 8)
    result = features(vgg16, ["block1_conv1"], image)["block1_conv1"]
    expected = vgg16["block1_conv1.bias"].relu().view(1, 64, 1, 1).expand(1, 64, 8, 8)
    torch.testing.assert_close(result, expected, atol=1e-5, rtol=0)


def test_the_network_ends_with_the_last_layer_asked_for(vgg16: Weights) -> None:
    vgg = VGGFeatures(vgg16, "vgg16", ["block2_conv1"])
    counts = sum(value.numel() for value in vgg.parameters())
    assert counts == sum(
        vgg16[f"{layer}.{part}"].numel()
        for layer in ("block1_conv1", "block1_conv2", "block2_conv1")
        for part in ("weight", "bias")
    )


def test_no_weight_of_the_network_trains(vgg16: Weights) -> None:
    vgg = VGGFeatures(vgg16, "vgg16", ["block2_conv2"])
    image = torch.rand(1, 3, 16, 16, requires_grad=True)
    vgg(image)["block2_conv2"].sum().backward()
    assert not any(value.requires_grad for value in vgg.parameters())
    assert all(value.grad is None for value in vgg.parameters())


def test_the_gradient_reaches_the_image(vgg16: Weights) -> None:
    image = torch.rand(1, 3, 16, 16, requires_grad=True)
    features(vgg16, ["block2_conv2"], image)["block2_conv2"].sum().backward()
    assert image.grad is not None
    assert image.grad.isfinite().all()
    assert (image.grad != 0).float().mean() > 0.9


def test_the_image_is_not_changed(vgg16: Weights) -> None:
    image = torch.rand(1, 3, 16, 16)
    before = image.clone()
    features(vgg16, ["block2_conv2"], image)
    assert torch.equal(image, before)


def test_weights_that_lack_a_layer_raise_key_error(vgg16: Weights) -> None:
    with pytest.raises(KeyError, match="block3_conv1"):
        VGGFeatures(vgg16, "vgg16", ["block3_conv1"])


def test_red_and_blue_are_not_the_same_to_the_network(
    vgg16: Weights, picture: Callable[..., RGB8]
) -> None:
    image = to_tensor(picture(32, 32)[None], torch.device("cpu"))
    rgb, bgr = (
        features(vgg16, ["block2_conv2"], x)["block2_conv2"] for x in (image, image.flip(1))
    )
    assert not torch.allclose(rgb, bgr, atol=0.1)


def test_gatys_features_of_photographs_are_about_one_on_average(assets: Path) -> None:
    file = assets / "vgg19/vgg19_gatys_conv1_1-conv3_1.safetensors"
    layers = ["block1_conv1", "block2_conv2", "block3_conv1"]
    weights, _ = vgg_weights("vgg19", layers, file, file.parent)
    vgg = VGGFeatures(weights, "vgg19", layers)
    totals: dict[str, list[float]] = {layer: [] for layer in layers}
    for name in ("baby", "bird", "butterfly", "head", "woman"):
        hr = read_rgb(assets / f"Set5/HR/{name}.png")
        result = vgg(to_tensor(np.ascontiguousarray(hr[:200, :200])[None], torch.device("cpu")))
        for layer in layers:
            totals[layer].append(float(result[layer].mean()))
    for layer in layers:
        assert np.mean(totals[layer]) == pytest.approx(1, abs=0.35)
