"""Compare the speed and accuracy of `imresize` with plain numpy, Pillow and torch.

    python -m benchmarks.resize [--runs 7]

Resizes a photograph of 2040×1344 pixels on one core. The methods take turns, so that other load on
the machine affects all of them, and the fastest run of each counts. Two plain versions of MATLAB's
algorithm are timed: one adds tap after tap (`tests/plain_imresize.py`), the other gathers all taps
and sums them. All values are compared with the plain version's, which sums in float64. The
photographs are those in the folder SRCNN_ASSETS, or else upscaled samples with added grain. Takes
about two minutes.
"""

import argparse
import io
import math
import os
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

from srcnn.data.sources import sample_photos
from srcnn.images.image_io import RGB8, read_rgb
from srcnn.images.resize import imresize
from tests.plain_imresize import contributions, plain_imresize

ROOT = Path(__file__).parents[1]
SIZE = (2040, 1344)
FACTORS = {"×1/2": 1 / 2, "×1/3": 1 / 3, "×1/4": 1 / 4, "×1/8": 1 / 8, "×2": 2, "×3": 3}


def main() -> None:
    """Print a table of times and errors, and the images per second on one core and on all."""
    parser = argparse.ArgumentParser(description="Compare imresize with other implementations.")
    parser.add_argument("--runs", type=int, default=7)
    runs = parser.parse_args().runs
    image = next(
        photo[: SIZE[1], : SIZE[0]]
        for photo in (read_rgb(png) for png in originals())
        if photo.shape[0] >= SIZE[1] and photo.shape[1] >= SIZE[0]
    )
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    torch.set_num_threads(1)
    methods: dict[str, Callable[[RGB8, float], RGB8]] = {
        "imresize": imresize,
        "plain numpy, tap after tap": plain_imresize,
        "plain numpy, taps gathered": gathered,
        "Pillow BICUBIC": pillow,
        "torch bicubic, antialias": torch_antialias,
    }
    print("| factor | method | ms | imresize is faster | values that differ | by up to |")
    print("|---|---|---|---|---|---|")
    for name, factor in FACTORS.items():
        exact = plain_imresize(image, factor).astype(np.int16)
        seconds = dict.fromkeys(methods, math.inf)
        errors = {}
        for _ in range(runs if factor < 1 else 3):
            for method, resize in methods.items():
                start = time.perf_counter()
                result = resize(image, factor)
                seconds[method] = min(seconds[method], time.perf_counter() - start)
                errors[method] = np.abs(result - exact)
        for method, best in seconds.items():
            off = errors[method]
            ratio = f"{best / seconds['imresize']:.1f} ×" if method != "imresize" else ""
            differ = f"{100 * np.mean(off > 0):.3g} % | {off.max()}" if off.any() else "none | 0"
            print(f"| {name} | {method} | {1000 * best:.1f} | {ratio} | {differ} |", flush=True)
    print("\n| imresize, images per second | one core | threads on all cores |\n|---|---|---|")
    for name in ("×1/2", "×1/4"):
        rates = []
        for allowed in ({max(cores)}, cores):
            os.sched_setaffinity(0, allowed)
            rates.append(max(per_second(image, FACTORS[name], len(allowed)) for _ in range(runs)))
        print(f"| {name} | {rates[0]:.0f} | {rates[1]:.0f} ({len(cores)} cores) |")


def per_second(image: RGB8, factor: float, threads: int) -> float:
    """Return how many images a pool of threads resizes per second."""
    count = 12 * threads
    with ThreadPoolExecutor(threads) as pool:
        start = time.perf_counter()
        for _ in pool.map(lambda _: imresize(image, factor), range(count)):
            pass
        return count / (time.perf_counter() - start)


def gathered(image: RGB8, factor: float) -> RGB8:
    """Resize by MATLAB's algorithm with one large array of all taps, as ports usually do."""
    for axis in (0, 1):
        n = image.shape[axis]
        weights, indices = contributions(n, math.ceil(factor * n), factor, "bicubic")
        taps = np.moveaxis(image, axis, 0)[indices].astype(np.float64)
        sums = (weights[..., None, None] * taps).sum(axis=1)
        image = np.moveaxis(np.floor(sums + 0.5).clip(0, 255).astype(np.uint8), 0, axis)
    return image


def pillow(image: RGB8, factor: float) -> RGB8:
    """Resize with Pillow's bicubic filter, which is antialiased as well."""
    height, width = (math.ceil(factor * side) for side in image.shape[:2])
    resized = Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(resized)


def torch_antialias(image: RGB8, factor: float) -> RGB8:
    """Resize with torch's antialiased bicubic on uint8, its fastest variant."""
    size = [math.ceil(factor * side) for side in image.shape[:2]]
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None]
    resized = torch.nn.functional.interpolate(pixels, size=size, mode="bicubic", antialias=True)
    return resized[0].permute(1, 2, 0).numpy()


def originals() -> Iterable[bytes]:
    """Yield photographs as PNG files, about 2040 pixels on the long side."""
    assets = os.environ.get("SRCNN_ASSETS")
    if assets:
        yield from (path.read_bytes() for path in sorted(Path(assets, "photos_2k").glob("*.png")))
        return
    random_numbers = np.random.default_rng(1)
    for photo in sample_photos(ROOT / "datasets/sample.yaml"):
        small = Image.fromarray(read_rgb(photo.read()))
        large = np.asarray(ImageOps.fit(small, SIZE, Image.Resampling.BICUBIC), np.float32)
        grain = random_numbers.normal(0, 3, large.shape)  # camera noise, which upscaling removes
        png = io.BytesIO()
        Image.fromarray((large + grain).clip(0, 255).astype(np.uint8)).save(png, "PNG")
        yield png.getvalue()


if __name__ == "__main__":
    main()
