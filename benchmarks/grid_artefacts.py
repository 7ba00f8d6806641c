"""Which tiles the measure of claim C5 sees, and from what strength.

    make repro
    python -m benchmarks.grid_artefacts     # optional: SRCNN_ASSETS=folder with Set14 and photos_2k

Plants tiles into what the trained networks add to their interpolation of the val images: a
chessboard whose squares differ by some levels of 255, and 3 × 3 tiles, each of a random brightness
within ± the levels. Prints the share of images in which the measure reaches the threshold of C5,
and the largest value without tiles. Takes two minutes on two cores.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from srcnn.analysis.claims import VISIBLE_GRID
from srcnn.images.grid_levels import TILES, grid_levels
from srcnn.images.image_folders import list_images
from srcnn.images.image_io import crop_to_multiple, read_rgb
from srcnn.images.resize import imresize
from srcnn.models.model_files import load_model
from srcnn.models.srcnn import SRCNN
from srcnn.models.tiled_inference import added_detail

Array = npt.NDArray[Any]

STRENGTHS = (0.125, 0.25, 0.5, 1, 2, 4, 8)
SIDE = 1024  # pixels; larger photographs are cropped, to save time


def main() -> None:
    """Print both tables."""
    networks = [
        load_model(Path(f"models/x{scale}/{loss}.safetensors"), scale).to(
            memory_format=torch.channels_last
        )
        for scale in (2, 4)
        for loss in ("mse", "perceptual")
    ]
    val = [read_rgb(file) for file in list_images(Path("data/hr/val"))]
    details = [(added, model.scale) for model in networks for added in details_of(model, val)]
    print(f"| planted tiles | {' | '.join(f'{strength:g}' for strength in STRENGTHS)} |")
    print(f"|:--|{'--:|' * len(STRENGTHS)}")
    for name, plant in planters():
        shares = []
        for strength in STRENGTHS:
            levels = [strongest(added + plant(added, strength), scale) for added, scale in details]
            shares.append(f"{np.mean([level > VISIBLE_GRID for level in levels]):.0%}")
        print(f"| {name} | {' | '.join(shares).replace('%', ' %')} |")
    print("\n| without tiles | images | largest value, dB | above the threshold |")
    print("|:--|--:|--:|--:|")
    sets = {"val images": val}
    if assets := os.environ.get("SRCNN_ASSETS"):
        for folder in ("Set14", "photos_2k"):
            sets[folder] = [
                read_rgb(file)[:SIDE, :SIDE] for file in list_images(Path(assets, folder))
            ]
    for name, images in sets.items():
        found = [strongest(d, m.scale) for m in networks for d in details_of(m, images)]
        above = sum(level > VISIBLE_GRID for level in found)
        print(f"| {name}, four networks | {len(found)} | {max(found):.1f} | {above} |")
    found = [strongest(added, scale) for added, scale in lanczos_details(val)]
    above = sum(level > VISIBLE_GRID for level in found)
    print(f"| val images, Lanczos − bicubic | {len(found)} | {max(found):.1f} | {above} |")


def strongest(detail: Array, scale: int) -> float:
    """The level of the strongest grid, in dB."""
    return max(grid_levels(detail, scale).values())


def details_of(model: SRCNN, images: Iterable[Array]) -> Iterator[Array]:
    """What a network adds to its interpolation of each image."""
    for image in images:
        hr = crop_to_multiple(image, model.scale)
        yield added_detail(model, imresize(hr, 1 / model.scale))


def lanczos_details(images: Iterable[Array]) -> Iterator[tuple[Array, int]]:
    """What Pillow's Lanczos adds to bicubic interpolation: sharpening without tiles."""
    for image in images:
        for scale in (2, 4):
            lr = imresize(crop_to_multiple(image, scale), 1 / scale)
            size = lr.shape[1] * scale, lr.shape[0] * scale
            large = np.asarray(Image.fromarray(lr).resize(size, Image.Resampling.LANCZOS))
            yield large.astype(float) - imresize(lr, scale), scale


def planters() -> Iterator[tuple[str, Any]]:
    """Functions that make a pattern of tiles for a detail image, by name."""

    def squares(side: int) -> Any:
        def plant(like: Array, strength: float) -> Array:
            y, x = np.indices(like.shape[:2])
            return np.expand_dims((y // side + x // side) % 2 * strength, 2)

        return plant

    def thirds(like: Array, strength: float) -> Array:
        tiles = np.random.default_rng(0).uniform(-strength, strength, (3, 3))
        y, x = np.indices(like.shape[:2])
        return np.expand_dims(tiles[y * 3 // like.shape[0], x * 3 // like.shape[1]], 2)

    yield from ((f"chessboard, squares of {side} pixels", squares(side)) for side in TILES)
    yield "3 × 3 tiles", thirds


if __name__ == "__main__":
    main()
