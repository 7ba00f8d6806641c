from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from srcnn.data.pretrained_weights import vgg_weights
from srcnn.images.image_io import RGB8, read_rgb
from srcnn.models.tensors import Weights, to_tensor
from srcnn.models.vgg import VGGFeatures
from srcnn.utils.vgg_layers import LAYERS, channels, layers_up_to, torchvision_index

# Where torchvision's `vgg.features` has each layer's ReLU, as published (REFERENCE §1).
AFTER_RELU = {
    "block1_conv1": 1,
    "block1_conv2": 3,
    "block2_conv1": 6,
    "block2_conv2": 8,
    "block3_conv1": 11,
    "block3_conv2": 13,
    "block3_conv3": 15,
    "block3_conv4": 17,
    "block4_conv4": 26,
    "block5_conv4": 35,
}
# Simonyan and Zisserman's configurations D and E, as torchvision writes them.
CONFIGURATIONS = {
    "vgg16": "64 64 M 128 128 M 256 256 256 M 512 512 512 M 512 512 512 M",
    "vgg19": "64 64 M 128 128 M 256 256 256 256 M 512 512 512 512 M 512 512 512 512 M",
}


def random_weights(network: str, last: str) -> Weights:
    generator = torch.Generator().manual_seed(3)
    weights = {}
    for layer in layers_up_to(network, [last]):
        before, width = channels(layer)
        scale = (2 / (9 * before)) ** 0.5
        weights[f"{layer}.weight"] = scale * torch.randn(width, before, 3, 3, generator=generator)
        weights[f"{layer}.bias"] = 0.1 * torch.randn(width, generator=generator)
    return weights


def torchvision_features(network: str, weights: Weights, count: int) -> nn.Sequential:
    """The first modules of torchvision's `vgg.features`, in its order, with `weights`."""
    modules: list[nn.Module] = []
    before, layers = 3, iter(LAYERS[network])
    for width in CONFIGURATIONS[network].split():
        if width == "M":
            modules.append(nn.MaxPool2d(2, 2))
            continue
        conv, layer = nn.Conv2d(before, int(width), 3, padding=1), next(layers)
        if f"{layer}.weight" in weights:
            conv.load_state_dict({p: weights[f"{layer}.{p}"] for p in ("weight", "bias")})
        modules += [conv, nn.ReLU()]
        before = int(width)
    return nn.Sequential(*modules[:count])


def features(weights: Weights, layers: Iterable[str], image: Tensor) -> dict[str, Tensor]:
    result: dict[str, Tensor] = VGGFeatures(weights, "vgg16", layers)(image)
    return result


@pytest.mark.parametrize("layer", AFTER_RELU)
def test_the_convolution_of_a_layer_comes_right_before_its_relu(layer: str) -> None:
    assert torchvision_index("vgg19", layer) == AFTER_RELU[layer] - 1


@pytest.mark.parametrize("network", LAYERS)
def test_the_convolutions_lie_where_torchvision_has_them(network: str) -> None:
    modules = torchvision_features(network, {}, 99)
    convolutions = [i for i, module in enumerate(modules) if isinstance(module, nn.Conv2d)]
    assert [torchvision_index(network, layer) for layer in LAYERS[network]] == convolutions


@pytest.mark.parametrize("network", LAYERS)
def test_layers_have_the_widths_of_the_paper_that_names_them(network: str) -> None:
    widths = [int(width) for width in CONFIGURATIONS[network].split() if width != "M"]
    assert [channels(layer) for layer in LAYERS[network]] == list(
        zip([3, *widths], widths, strict=False)
    )


def test_vgg16_and_vgg19_are_the_same_up_to_block3_conv3() -> None:
    for layer in layers_up_to("vgg16", ["block3_conv3"]):
        assert torchvision_index("vgg16", layer) == torchvision_index("vgg19", layer)
    assert "block3_conv4" not in LAYERS["vgg16"]


def test_the_layers_needed_end_with_the_last_one_asked_for() -> None:
    needed = layers_up_to("vgg19", ["block2_conv1", "block1_conv1"])
    assert needed == ("block1_conv1", "block1_conv2", "block2_conv1")


@pytest.mark.parametrize(
    ("network", "layer"),
    [("vgg16", "block3_conv1"), ("vgg19", "block4_conv1"), ("vgg16", "block4_conv1")],
)
def test_features_equal_those_of_torchvisions_modules(network: str, layer: str) -> None:
    weights = random_weights(network, layer)
    image = torch.rand(2, 3, 16, 24, generator=torch.Generator().manual_seed(1))
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    normalised = (image - mean.view(1, 3, 1, 1)) / std.view(1, 3, 1, 1)
    modules = torchvision_features(network, weights, torchvision_index(network, layer) + 2)
    result = VGGFeatures(weights, network, [layer])(image)[layer]
    torch.testing.assert_close(result, modules(normalised).detach())


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


def test_features_of_an_earlier_layer_survive_what_comes_after(vgg16: Weights) -> None:
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


def test_the_image_itself_is_left_as_it_was(vgg16: Weights) -> None:
    image = torch.rand(1, 3, 16, 16)
    before = image.clone()
    features(vgg16, ["block2_conv2"], image)
    assert torch.equal(image, before)


def test_weights_that_lack_a_layer_are_not_made_up(vgg16: Weights) -> None:
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
    weights, _ = vgg_weights("vgg19", layers, file, {}, file.parent)
    vgg = VGGFeatures(weights, "vgg19", layers)
    totals: dict[str, list[float]] = {layer: [] for layer in layers}
    for name in ("baby", "bird", "butterfly", "head", "woman"):
        hr, _ = read_rgb(assets / f"Set5/HR/{name}.png")
        result = vgg(to_tensor(np.ascontiguousarray(hr[:200, :200])[None], torch.device("cpu")))
        for layer in layers:
            totals[layer].append(float(result[layer].mean()))
    for layer in layers:
        assert np.mean(totals[layer]) == pytest.approx(1, abs=0.35)
