from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from srcnn.analysis.statistics import MIN_POWERED
from srcnn.images.grid_levels import TILES, grid_levels
from srcnn.images.pairs import Pair
from srcnn.images.resize import imresize
from srcnn.models.srcnn import SRCNN
from srcnn.training.fabric import launch_fabric
from srcnn.training.grid_artefacts import MAX_IMAGES, measure_grids

Array = npt.NDArray[Any]
MakePair = Callable[..., Pair]

VISIBLE = 6.0  # dB, as in claim C5


def detail(height: int = 300, width: int = 310, seed: int = 0) -> Array:
    """What a network could add without tiles: filtered noise of 2 levels, and edges of objects."""
    noise = np.random.default_rng(seed).standard_normal((height, width, 3))
    noise = 2 * (noise + np.roll(noise, 1, 0) + np.roll(noise, 1, 1)) / np.sqrt(3)
    noise[:, width // 3 : width // 3 + 2][: height // 4] += 30  # an edge at a third
    return noise


def chessboard(like: Array, side: int, height: float) -> Array:
    """Squares with alternating values that differ by `height`."""
    y, x = np.indices(like.shape[:2])
    return np.expand_dims((y // side + x // side) % 2 * height, 2)


def thirds(like: Array, height: float) -> Array:
    """3 × 3 tiles, each of another brightness, up to ± `height`."""
    y, x = np.indices(like.shape[:2])
    values: Array = np.multiply(height, [[0.9, -0.8, 0.7], [-1, 0.6, -0.9], [0.8, -0.7, 1]])
    tiles: Array = values[y * 3 // like.shape[0], x * 3 // like.shape[1]]
    return tiles[..., None]


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("seed", range(5))
def test_no_grid_is_seen_without_tiles(scale: int, seed: int) -> None:
    levels = grid_levels(detail(seed=seed), scale)
    assert list(levels) == ["scale", *map(str, TILES), "thirds"]
    assert max(levels.values()) < VISIBLE / 2


@pytest.mark.parametrize("side", TILES)
def test_a_chessboard_is_seen_at_its_own_size(side: int) -> None:
    plain = detail()
    levels = [grid_levels(plain + chessboard(plain, side, n), 4) for n in (0, 4, 8)]
    found = [each[str(side)] for each in levels]
    assert found[0] + VISIBLE < found[1] < found[2]
    assert levels[2]["thirds"] < VISIBLE


@pytest.mark.parametrize("size", [(300, 330), (301, 308), (200, 640)])
def test_tiles_at_thirds_are_seen_there_alone(size: tuple[int, int]) -> None:
    plain = detail(*size)
    levels = grid_levels(plain + thirds(plain, 8), 4)
    assert levels.pop("thirds") > VISIBLE
    assert max(levels.values()) < VISIBLE


@pytest.mark.parametrize("scale", [2, 4])
def test_a_pattern_with_the_period_of_the_scale_is_seen(scale: int) -> None:
    plain = detail()
    y, x = np.indices(plain.shape[:2])
    dots = 4 * ((y % scale == 0) & (x % scale == 0))[..., None]
    assert grid_levels(plain + dots, scale)["scale"] > VISIBLE


def test_a_smooth_area_has_no_grid() -> None:
    assert set(grid_levels(np.zeros((300, 300, 3)), 4).values()) == {0.0}


def test_a_grid_is_measured_only_in_images_that_are_large_enough() -> None:
    assert list(grid_levels(detail(40, 50), 2)) == ["scale", "8", "thirds"]
    assert list(grid_levels(detail(40, 50), 4)) == ["8", "thirds"]
    assert not grid_levels(detail(20, 100), 4)


def test_only_what_the_network_adds_counts(make_pair: MakePair) -> None:
    """The content of the ground truth, even a chessboard, is not a grid artefact."""
    torch.manual_seed(0)
    model, fabric = SRCNN(2), launch_fabric("32")
    model.start_from_interpolation()
    pair = make_pair("a", 200, 210)
    hr = pair.hr // 2 + chessboard(pair.hr, 16, 100).astype(np.uint8)
    other = Pair("a", hr, pair.lr)
    assert measure_grids(fabric, model, [pair]) == measure_grids(fabric, model, [other])


def test_tiles_of_a_network_are_found(make_pair: MakePair) -> None:
    class Tiling(SRCNN):
        """Adds a chessboard of LR pixels to its interpolation."""

        def refine(self, up: torch.Tensor) -> torch.Tensor:
            inner = up[..., 6:-6, 6:-6]
            y, x = torch.meshgrid(*(torch.arange(n) for n in inner.shape[2:]), indexing="ij")
            return inner + 0.03 * ((y // 16 + x // 16) % 2)

    pair = make_pair("a", 200, 210)
    pair = Pair("a", pair.hr, imresize(pair.hr, 1 / 2) // 2 + 60)
    levels = measure_grids(launch_fabric("32"), Tiling(2), [pair])
    assert levels["grid/a/16"] > VISIBLE
    assert levels["grid/a/thirds"] < VISIBLE


def test_many_images_are_represented_by_some_from_all_over_the_list(make_pair: MakePair) -> None:
    pairs = [make_pair(str(i), 40, 40) for i in range(3 * MAX_IMAGES)]
    levels = measure_grids(launch_fabric("32"), SRCNN(2), pairs)
    assert {key.split("/")[1] for key in levels} == {str(i) for i in range(0, 3 * MAX_IMAGES, 3)}


def test_enough_images_are_measured_for_a_claim_to_have_power() -> None:
    assert MAX_IMAGES >= MIN_POWERED
