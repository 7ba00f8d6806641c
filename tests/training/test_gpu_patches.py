import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from srcnn.images.pairs import Pair
from srcnn.training.gpu_patches import GPUPatches, fits_on_gpu
from srcnn.training.patches import Patches

CPU = torch.device("cpu")


def noise(name: str, height: int, width: int, scale: int) -> Pair:
    """A pair of random pixels."""
    random = np.random.default_rng(height * width)
    hr, lr = (
        random.integers(0, 256, (height * factor, width * factor, 3), dtype=np.uint8)
        for factor in (scale, 1)
    )
    return Pair(name, hr, lr)


@given(
    scale=st.sampled_from([2, 3, 4]),
    sizes=st.lists(st.tuples(st.integers(8, 30), st.integers(8, 30)), min_size=1, max_size=4),
    halo=st.integers(0, 8),
    geometry=st.booleans(),
    colour=st.booleans(),
    part=st.sampled_from([slice(None), slice(1, None, 2)]),
)
def test_a_device_draws_the_same_patches_as_a_process(
    scale: int,
    sizes: list[tuple[int, int]],
    halo: int,
    geometry: bool,
    colour: bool,
    part: slice,
) -> None:
    pairs = [noise(str(number), *size, scale) for number, size in enumerate(sizes)]
    patches = Patches(
        pairs,
        scale,
        halo,
        patch_size=8 * scale,
        patches_per_image=10,
        batch_size=5,
        seed=3,
        geometry=geometry,
        colour=colour,
    )
    on_device = GPUPatches(patches, CPU)
    for number in range(len(patches)):
        addresses = on_device.addresses(2, number, part)
        drawn = on_device.batch(torch.from_numpy(addresses))
        for ours, expected in zip(drawn, patches.batch(2, number, part), strict=True):
            np.testing.assert_array_equal(ours.numpy(), expected)


@pytest.mark.parametrize(("free", "fits"), [(2 * 1920, True), (2 * 1920 - 1, False)])
def test_images_are_kept_on_a_gpu_if_half_of_its_free_memory_holds_them(
    monkeypatch: pytest.MonkeyPatch, free: int, fits: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, 10**9))
    options: dict[str, Any] = {"patches_per_image": 1, "batch_size": 1, "seed": 1}
    options |= {"geometry": False, "colour": False}
    pairs = [noise("a", 8, 16, 2)]  # 16×32 and 8×16 pixels of 3 bytes
    gpu = torch.device("cuda")
    assert fits_on_gpu(gpu, Patches(pairs, 2, 5, patch_size=16, **options)) is fits
    assert not fits_on_gpu(gpu, Patches(pairs, 2, 5, patch_size=None, **options))
    assert not fits_on_gpu(CPU, Patches(pairs, 2, 5, patch_size=16, **options))


def test_images_are_copied_one_by_one() -> None:
    alive: set[int] = set()
    most = []

    class OnDemand(list[Pair]):
        """Pairs of new arrays on each access, like `CachedPairs`."""

        def __iter__(self) -> Iterator[Pair]:
            return map(self.__getitem__, range(len(self)))

        def __getitem__(self, index: Any) -> Any:
            pair = super().__getitem__(index)
            hr = pair.hr.copy()
            alive.add(id(hr))
            weakref.finalize(hr, alive.discard, id(hr))
            most.append(len(alive))
            return Pair(pair.name, hr, pair.lr)

    pairs = OnDemand(noise(str(number), 8, 8, 2) for number in range(20))
    patches = Patches(
        pairs,
        2,
        5,
        patch_size=16,
        patches_per_image=1,
        batch_size=1,
        geometry=False,
        colour=False,
        seed=1,
    )
    GPUPatches(patches, CPU)
    assert max(most) <= 3
