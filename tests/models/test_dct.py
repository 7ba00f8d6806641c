import numpy as np
import pytest
import torch
from scipy.fft import dctn
from torch import nn

from srcnn.models.dct import dct_matrix, end_dct, use_dct
from srcnn.models.srcnn import SRCNN


@pytest.fixture
def model() -> SRCNN:
    torch.manual_seed(0)
    return SRCNN(2)


def coefficients(layer: nn.Conv2d) -> torch.Tensor:
    (found,) = (value for name, value in layer.named_parameters() if name.endswith("original"))
    return found


def test_the_parameter_is_the_orthonormal_dct_of_each_kernel(model: SRCNN) -> None:
    kernels = model.features.weight.detach().clone()
    use_dct(model.features)
    expected = dctn(kernels.double().numpy(), axes=(1, 2, 3), norm="ortho")
    np.testing.assert_allclose(coefficients(model.features).detach(), expected, atol=3e-7)
    torch.testing.assert_close(model.features.weight, kernels, rtol=0, atol=3e-7)


@pytest.mark.parametrize("length", [1, 3, 5, 9])
def test_the_transform_is_orthonormal(length: int) -> None:
    matrix = dct_matrix(length)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(length), atol=1e-14)


def test_gradients_of_the_coefficients_are_the_dct_of_those_of_the_kernels(model: SRCNN) -> None:
    lr = torch.rand(2, 3, 12, 10, generator=torch.Generator().manual_seed(1))
    model(lr).square().mean().backward()
    assert model.features.weight.grad is not None
    expected = dctn(model.features.weight.grad.double().numpy(), axes=(1, 2, 3), norm="ortho")
    use_dct(model.features)
    model.zero_grad()
    model(lr).square().mean().backward()
    found = coefficients(model.features).grad
    assert found is not None
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5 * np.abs(expected).max())


def test_at_the_end_the_network_is_as_without_the_transform(model: SRCNN) -> None:
    shapes = {name: value.shape for name, value in model.state_dict().items()}
    lr = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    use_dct(model.features)
    with torch.no_grad():
        coefficients(model.features).mul_(1.5)
        expected = model(lr)
    for _ in range(2):  # the second time there is nothing to end
        end_dct(model.features)
    assert {name: value.shape for name, value in model.state_dict().items()} == shapes
    assert torch.equal(model(lr), expected)
