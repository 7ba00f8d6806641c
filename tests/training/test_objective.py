import math
from collections.abc import Callable, Mapping
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from srcnn.errors import InputError
from srcnn.images.pairs import Pair
from srcnn.images.resize import imresize
from srcnn.models.tensors import Weights, to_tensor
from srcnn.models.vgg import VGGFeatures
from srcnn.settings import PixelLoss
from srcnn.training import losses
from srcnn.training.objective import Objective, PerceptualTerm, PixelTerm, balance_ratios

MakePair = Callable[..., Pair]
OneLine = Callable[[Any], str]
Array = npt.NDArray[np.float64]

CPU = torch.device("cpu")
LAYERS = {"block1_conv2": 0.5, "block2_conv2": 1.0}
RATIOS = {"block1_conv2": 30.0, "block2_conv2": 400.0}

# VGG16 up to its third block, with the channels of each layer; a pool has none.
NETWORK = {
    "block1_conv1": (3, 64),
    "block1_conv2": (64, 64),
    "block1_pool": None,
    "block2_conv1": (64, 128),
    "block2_conv2": (128, 128),
    "block2_pool": None,
    "block3_conv1": (128, 256),
    "block3_conv2": (256, 256),
}
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])  # of ImageNet


@pytest.fixture(scope="module")
def small() -> Weights:
    """Random weights of the layers of `NETWORK` that keep the size of the features."""
    random, weights = np.random.default_rng(5), {}
    for layer, widths in NETWORK.items():
        if widths is not None:
            before, width = widths
            kernel = random.normal(0, math.sqrt(2 / (9 * before)), (width, before, 3, 3))
            weights[f"{layer}.weight"] = torch.from_numpy(kernel).float()
            weights[f"{layer}.bias"] = torch.from_numpy(random.normal(0, 0.1, width)).float()
    return weights


def convolution(x: Array, kernel: Array, bias: Array) -> Array:
    """[C, H, W] to [C', H, W] by [C', C, 3, 3], with zeros around `x`."""
    _, height, width = x.shape
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    result = np.zeros((len(kernel), height, width)) + bias[:, None, None]
    for i in range(3):
        for j in range(3):
            seen = padded[:, i : i + height, j : j + width]
            result += np.einsum("oc,chw->ohw", kernel[:, :, i, j], seen, optimize=True)
    return result


def features_in_numpy(weights: Weights, image: Array, last: str) -> dict[str, Array]:
    """The features of [3, H, W], RGB in [0, 1], up to a layer, by their definition."""
    x, features = (image - MEAN[:, None, None]) / STD[:, None, None], {}
    for layer, widths in NETWORK.items():
        if widths is None:
            height, width = x.shape[1] // 2, x.shape[2] // 2
            x = x[:, : 2 * height, : 2 * width].reshape(-1, height, 2, width, 2).max((2, 4))
        else:
            kernel, bias = (weights[f"{layer}.{p}"].double().numpy() for p in ("weight", "bias"))
            x = features[layer] = np.maximum(convolution(x, kernel, bias), 0)
        if layer == last:
            break
    return features


def eq_2_in_numpy(weights: Weights, sr: Array, hr: Array, layers: list[str]) -> dict[str, float]:
    """The terms of Eq. 2 by layer, for [N, 3, H, W] images."""
    terms = dict.fromkeys(layers, 0.0)
    for y_hat, y in zip(sr, hr, strict=True):
        phi_hat, phi = (features_in_numpy(weights, image, layers[-1]) for image in (y_hat, y))
        for layer in layers:
            c, h, w = phi[layer].shape
            norm = np.sum((phi[layer] - phi_hat[layer]) ** 2)
            terms[layer] += float(norm) / (c * h * w) / len(sr)
    return terms


def eq_3_objective(
    vgg: VGGFeatures,
    lambdas: Mapping[str, float],
    ratios: Mapping[str, float] | None = None,
    lambda1: float = 1.0,
    lambda2: float = 1.0,
) -> Objective:
    terms = [PixelTerm("mse", lambda1), PerceptualTerm(vgg, lambdas, lambda2)]
    return Objective(terms, ratios or {})


def images(*shape: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(shape, generator=generator), torch.rand(shape, generator=generator)


def in_numpy(*tensors: Tensor) -> list[Array]:
    return [tensor.detach().double().numpy() for tensor in tensors]


def test_without_vgg_the_loss_is_eq_1() -> None:
    sr, hr = images(4, 3, 6, 5)
    objective = Objective()
    values = objective.measure(sr, hr)
    assert list(values) == objective.names == ["mse"]
    assert torch.equal(objective.loss(values), torch.nn.functional.mse_loss(sr, hr))
    x, y = in_numpy(sr, hr)
    norms = [np.linalg.norm(y[i] - x[i]) ** 2 / (3 * 6 * 5) for i in range(4)]
    assert float(objective.loss(values)) == pytest.approx(np.mean(norms), rel=1e-6)


@pytest.mark.parametrize("size", [(12, 16), (9, 13)])
def test_features_equal_their_definition(small: Weights, size: tuple[int, int]) -> None:
    layers = [layer for layer, widths in NETWORK.items() if widths is not None]
    image, _ = images(1, 3, *size)
    result = VGGFeatures(small, "vgg16", layers)(image)
    expected = features_in_numpy(small, in_numpy(image[0])[0], layers[-1])
    for layer in layers:
        assert expected[layer].std() > 0.1, "the test does not apply"
        np.testing.assert_allclose(result[layer][0], expected[layer], rtol=1e-4, atol=1e-5)


def test_the_loss_equals_the_definition_of_eq_3(small: Weights) -> None:
    lambdas = {"block1_conv2": 0.5, "block2_conv1": 2.0, "block3_conv2": 0.25}
    ratios = {"block1_conv2": 3.0, "block2_conv1": 0.7, "block3_conv2": 11.0}
    objective = eq_3_objective(VGGFeatures(small, "vgg16", lambdas), lambdas, ratios, 0.3, 0.9)
    sr, hr = images(2, 3, 10, 13)
    values = objective.measure(sr, hr)
    x, y = in_numpy(sr, hr)
    eq_1 = np.mean((x - y) ** 2)
    eq_2 = eq_2_in_numpy(small, x, y, list(lambdas))
    assert {name: float(value) for name, value in values.items()} == pytest.approx(
        {"mse": eq_1, **eq_2}, rel=1e-4
    )
    eq_3 = 0.3 * eq_1 + 0.9 * sum(lambdas[j] / ratios[j] * eq_2[j] for j in lambdas)
    assert float(objective.loss(values)) == pytest.approx(eq_3, rel=1e-4)


def test_the_gradient_equals_finite_differences_of_eq_3(small: Weights) -> None:
    lambdas = {"block1_conv2": 0.5, "block2_conv1": 2.0}
    ratios = {"block1_conv2": 3.0, "block2_conv1": 0.7}
    objective = eq_3_objective(VGGFeatures(small, "vgg16", lambdas), lambdas, ratios, 0.3, 0.9)
    sr, hr = images(1, 3, 5, 6)
    objective.loss(objective.measure(sr.requires_grad_(), hr)).backward()
    assert sr.grad is not None

    x, y = in_numpy(sr, hr)

    def eq_3(x: Array) -> float:
        eq_2 = eq_2_in_numpy(small, x, y, list(lambdas))
        perceptual = sum(lambdas[j] / ratios[j] * eq_2[j] for j in lambdas)
        return 0.3 * float(np.mean((x - y) ** 2)) + 0.9 * perceptual

    step, expected = 1e-6, np.zeros_like(x)
    for place in np.ndindex(x.shape):
        change = np.zeros_like(x)
        change[place] = step
        expected[place] = (eq_3(x + change) - eq_3(x - change)) / (2 * step)
    scale = np.abs(expected).max()
    np.testing.assert_allclose(sr.grad / scale, expected / scale, rtol=0, atol=1e-4)


def test_only_the_super_resolved_image_has_a_perceptual_gradient(small: Weights) -> None:
    vgg = VGGFeatures(small, "vgg16", ["block1_conv2"])
    objective = eq_3_objective(vgg, {"block1_conv2": 1}, {}, 0, 1)
    sr, hr = (image.requires_grad_() for image in images(1, 3, 4, 4))
    objective.loss(objective.measure(sr, hr)).backward()
    assert sr.grad is not None
    assert (sr.grad != 0).all()
    assert hr.grad is None or not hr.grad.any()


def test_equal_images_have_no_loss(small: Weights) -> None:
    vgg = VGGFeatures(small, "vgg16", LAYERS)
    sr, _ = images(2, 3, 8, 8)
    values = eq_3_objective(vgg, LAYERS, RATIOS, 0.1, 0.9).measure(sr, sr.clone())
    assert {float(value) for value in values.values()} == {0.0}


def test_a_report_has_raw_and_weighted_terms_that_add_up_to_the_loss(small: Weights) -> None:
    vgg = VGGFeatures(small, "vgg16", LAYERS)
    objective = eq_3_objective(vgg, LAYERS, RATIOS, 0.1, 0.9)
    values = {"mse": 0.004, "block1_conv2": 0.3, "block2_conv2": 7.0}
    assert objective.names == list(values)
    row = objective.report(values)
    assert list(row) == [
        *("loss", "mse", "perceptual", "weighted_mse", "weighted_perceptual"),
        *LAYERS,
    ]
    weighted = 0.9 * (0.5 * 0.3 / 30 + 1.0 * 7 / 400)
    assert row == pytest.approx(
        {
            "loss": 0.1 * 0.004 + weighted,
            "perceptual": 0.5 * 0.3 + 1.0 * 7,
            "weighted_mse": 0.1 * 0.004,
            "weighted_perceptual": weighted,
            **values,
        }
    )


@pytest.mark.parametrize("pixel", [name for name in get_args(PixelLoss) if name != "mse"])
def test_another_pixel_loss_replaces_the_mse_in_eq_3(small: Weights, pixel: str) -> None:
    lambdas, ratios = {"block1_conv2": 0.5}, {"block1_conv2": 3.0, pixel: 7.0}
    vgg = VGGFeatures(small, "vgg16", lambdas)
    sr, hr = images(2, 3, 8, 9)
    x, y = in_numpy(sr, hr)
    known = {"l1": np.abs(x - y), "charbonnier": np.sqrt((x - y) ** 2 + 1e-6)}
    term = (
        np.mean(known[pixel]) if pixel in known else float(getattr(losses, f"{pixel}_loss")(sr, hr))
    )
    eq_2 = eq_2_in_numpy(small, x, y, list(lambdas))["block1_conv2"]
    perceptual = PerceptualTerm(vgg, lambdas, 0.9)
    for others, rest in (([perceptual], 0.9 * 0.5 / 3 * eq_2), ([], 0)):
        objective = Objective([PixelTerm(pixel, 0.3), *others], ratios)
        layers = lambdas if others else {}
        values = objective.measure(sr, hr)
        assert list(values) == objective.names == ["mse", pixel, *layers]
        assert float(values[pixel]) == pytest.approx(term, rel=1e-5)
        assert float(objective.loss(values)) == pytest.approx(0.3 / 7 * term + rest, rel=1e-4)
        row = objective.report({name: float(value) for name, value in values.items()})
        assert row["mse"] == pytest.approx(np.mean((x - y) ** 2), rel=1e-5)
        assert row[pixel] == pytest.approx(term, rel=1e-5)
        assert ("weighted_" + pixel in row) == bool(others)


def test_eq_1_as_printed_is_the_sum_over_the_values_of_an_image() -> None:
    sr, hr = (torch.rand(3, 3, 16, 24, generator=torch.Generator().manual_seed(n)) for n in (1, 2))
    objective = Objective([PixelTerm("mse", 0.1, summed=True)])
    values = objective.measure(sr, hr)
    squares = ((sr - hr).double() ** 2).sum((1, 2, 3))  # of each image
    assert float(values["mse_summed"]) == pytest.approx(float(squares.mean()), rel=1e-6)
    assert float(values["mse_summed"] / values["mse"]) == pytest.approx(3 * 16 * 24)
    assert float(objective.loss(values)) == pytest.approx(0.1 * float(squares.mean()), rel=1e-6)


def test_charbonnier_has_a_gradient_where_images_are_equal() -> None:
    sr = torch.full((1, 3, 4, 4), 0.5, requires_grad=True)
    loss = Objective([PixelTerm("charbonnier")]).measure(sr, sr.detach())["charbonnier"]
    loss.backward()
    assert float(loss.detach()) == pytest.approx(1e-3)
    assert sr.grad is not None
    assert not sr.grad.any()


@pytest.mark.parametrize("pixel", get_args(PixelLoss))
def test_a_pixel_loss_is_balanced_like_a_layer(pair: Pair, pixel: str) -> None:
    objective = Objective([PixelTerm(pixel)])
    ratios = balance_ratios(objective, [pair], 2, CPU)
    values = objective.measure(*baseline(pair))
    assert ratios == pytest.approx(
        {} if pixel == "mse" else {pixel: float(values[pixel] / values["mse"])}
    )


def test_the_report_of_eq_1_has_the_loss_and_the_mse() -> None:
    assert Objective().report({"mse": 0.004}) == {"loss": 0.004, "mse": 0.004}


@pytest.fixture
def pair(make_pair: MakePair) -> Pair:
    return make_pair("0001", 32, 40)


@pytest.fixture
def vgg(vgg16: Weights) -> VGGFeatures:
    return VGGFeatures(vgg16, "vgg16", LAYERS)


def baseline(pair: Pair) -> tuple[Tensor, Tensor]:
    """The bicubic image and the HR image."""
    return to_tensor(imresize(pair.lr, 2)[None], CPU), to_tensor(pair.hr[None], CPU)


def test_a_balance_ratio_is_the_term_over_the_mse_at_the_bicubic_baseline(
    pair: Pair, vgg: VGGFeatures
) -> None:
    sr, hr = baseline(pair)
    mse = np.mean((imresize(pair.lr, 2) / 255 - pair.hr / 255) ** 2)
    ratios = balance_ratios(eq_3_objective(vgg, LAYERS), [pair], 2, CPU)
    assert set(ratios) == set(LAYERS)
    for layer in LAYERS:
        difference = (vgg(sr)[layer] - vgg(hr)[layer]).double().numpy()
        assert ratios[layer] == pytest.approx(np.mean(difference**2) / mse, rel=1e-4)


def test_the_ratio_of_several_images_is_that_of_their_means(
    make_pair: MakePair, vgg: VGGFeatures
) -> None:
    pairs = [make_pair("0001", 32, 40), make_pair("0002", 36, 28, phase=2)]
    objective = eq_3_objective(vgg, LAYERS)
    values = [objective.measure(*baseline(pair)) for pair in pairs]
    ratios = balance_ratios(objective, pairs, 2, CPU)
    for layer in LAYERS:
        sums = [sum(float(each[name]) for each in values) for name in (layer, "mse")]
        assert ratios[layer] == pytest.approx(sums[0] / sums[1], rel=1e-5)


def test_balanced_terms_are_as_large_as_the_mse_at_the_bicubic_baseline(
    pair: Pair, vgg: VGGFeatures
) -> None:
    ratios = balance_ratios(eq_3_objective(vgg, LAYERS), [pair], 2, CPU)
    objective = eq_3_objective(vgg, {"block2_conv2": 1.0}, ratios, 0.0, 1.0)
    values = objective.measure(*baseline(pair))
    assert float(objective.loss(values)) == pytest.approx(float(values["mse"]), rel=1e-4)


def test_images_that_bicubic_restores_without_error_are_refused(
    vgg: VGGFeatures, one_line: OneLine
) -> None:
    grey = Pair("0001", np.full((16, 16, 3), 9, np.uint8), np.full((8, 8, 3), 9, np.uint8))
    with pytest.raises(InputError) as caught:
        balance_ratios(eq_3_objective(vgg, LAYERS), [grey], 2, CPU)
    assert "loss.balance" in one_line(caught)


def test_images_too_small_for_a_layer_are_reported_in_one_line(
    make_pair: MakePair, one_line: OneLine
) -> None:
    # Four pools leave nothing of 8 pixels.
    weights = {
        f"block{block}_conv{conv}.{part}": torch.zeros(shape)
        for block, conv, before, width in (
            *((1, 1, 3, 64), (1, 2, 64, 64), (2, 1, 64, 128), (2, 2, 128, 128)),
            *((3, 1, 128, 256), (3, 2, 256, 256), (3, 3, 256, 256), (4, 1, 256, 512)),
            *((4, 2, 512, 512), (4, 3, 512, 512), (5, 1, 512, 512)),
        )
        for part, shape in (("weight", (width, before, 3, 3)), ("bias", (width,)))
    }
    objective = eq_3_objective(
        VGGFeatures(weights, "vgg16", ["block5_conv1"]), {"block5_conv1": 1.0}
    )
    with pytest.raises(InputError) as caught:
        balance_ratios(objective, [make_pair("0001", 8, 8)], 2, CPU)
    assert "block5_conv1" in one_line(caught)
