import numpy as np
import pytest
import torch
from torch import Tensor

from srcnn.training.losses import feature_losses, mse_loss, perceptual_loss


def tensors(*shape: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(shape, generator=generator), torch.rand(shape, generator=generator)


def test_eq_1_is_the_mean_over_images_of_the_squared_norm_per_value() -> None:
    sr, hr = tensors(4, 3, 5, 6)
    y, x = hr.double().numpy(), sr.double().numpy()
    norms = [np.linalg.norm((y[i] - x[i]).ravel()) ** 2 for i in range(4)]
    assert mse_loss(sr, hr).item() == pytest.approx(np.mean(norms) / (3 * 5 * 6), rel=1e-6)


def test_eq_1_is_in_the_unit_of_table_1() -> None:
    assert mse_loss(torch.zeros(2, 3, 4, 4), torch.full((2, 3, 4, 4), 0.1)).item() == (
        pytest.approx(0.01)
    )


def test_eq_2_divides_each_layers_squared_norm_by_its_size() -> None:
    sizes = {"block1_conv2": (64, 8, 6), "block2_conv2": (128, 4, 3)}
    pairs = {layer: tensors(2, *size, seed=i) for i, (layer, size) in enumerate(sizes.items())}
    terms = feature_losses(
        {layer: sr for layer, (sr, _) in pairs.items()},
        {layer: hr for layer, (_, hr) in pairs.items()},
    )
    assert list(terms) == list(sizes)
    for layer, (c, h, w) in sizes.items():
        sr, hr = (side.double().numpy() for side in pairs[layer])
        norms = [np.sum((hr[i] - sr[i]) ** 2) / (c * h * w) for i in range(2)]
        assert terms[layer].item() == pytest.approx(np.mean(norms), rel=1e-6)


def test_eq_2_sums_the_terms_by_their_lambdas() -> None:
    terms = {"block1_conv2": torch.tensor(0.3), "block2_conv2": torch.tensor(0.07)}
    lambdas = {"block2_conv2": 5.0, "block1_conv2": 0.5}
    assert perceptual_loss(terms, lambdas).item() == pytest.approx(0.5 * 0.3 + 5 * 0.07)


def test_the_terms_are_computed_in_float32_where_the_features_are_bfloat16() -> None:
    sr, hr = tensors(1, 4, 3, 3)
    low = {"block1_conv1": sr.bfloat16()}, {"block1_conv1": hr.bfloat16()}
    term = feature_losses(*low)["block1_conv1"]
    assert term.dtype == torch.float32
    expected = np.mean((sr.bfloat16().double() - hr.bfloat16().double()).numpy() ** 2)
    assert term.item() == pytest.approx(expected, rel=1e-6)


def test_equal_images_have_no_loss() -> None:
    sr, _ = tensors(2, 3, 4, 4)
    term = feature_losses({"block1_conv1": sr}, {"block1_conv1": sr})
    assert mse_loss(sr, sr).item() == 0
    assert perceptual_loss(term, {"block1_conv1": 1.0}).item() == 0


def test_the_gradient_goes_to_the_super_resolved_image() -> None:
    sr, hr = tensors(1, 3, 2, 2)
    sr.requires_grad_()
    terms = feature_losses({"block1_conv1": 2 * sr}, {"block1_conv1": 2 * hr})
    loss = 0.1 * mse_loss(sr, hr) + 0.9 * perceptual_loss(terms, {"block1_conv1": 0.5})
    loss.backward()
    # d/dx of 0.1·mean(d²) + 0.9·0.5·mean(4·d²), d = x − y, over 12 values.
    expected = (0.1 + 0.9 * 0.5 * 4) * 2 * (sr - hr).detach() / 12
    assert sr.grad is not None
    torch.testing.assert_close(sr.grad, expected)
