"""How the stage `degrade` spends its time, and which PNG writer suits it best.

    python -m benchmarks.degrade [--runs 5] [--images 20]

Prints three tables: the time of each step for one LR image on one core and for 900 images on all
cores; time and size of PNG files for each option of the writer; and the images per second that
`write_lr` makes, on one core and on all. Uses the photographs of `benchmarks.resize`. Takes about
two minutes.
"""

import argparse
import hashlib
import io
import itertools
import math
import os
import tempfile
import time
import zlib
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from PIL import Image, features

from benchmarks.resize import originals
from srcnn.data.lr_set import write_lr
from srcnn.images.image_io import RGB8, read_photo, read_rgb, write_png
from srcnn.images.resize import imresize
from srcnn.utils.files import atomic_write, sha256_of

SCALES = (2, 4)
DIV2K = 900
WRITERS: dict[str, dict[str, Any]] = {
    **{f"compress_level={level}": {"compress_level": level} for level in (0, 1, 2, 3, 4, 6, 9)},
    "Z_FILTERED": {"compress_type": zlib.Z_FILTERED},
    "Z_HUFFMAN_ONLY": {"compress_type": zlib.Z_HUFFMAN_ONLY},
    "Z_RLE": {"compress_type": zlib.Z_RLE},
}
Result = TypeVar("Result")


def main() -> None:
    """Print the three tables."""
    parser = argparse.ArgumentParser(description="Time the steps of the stage degrade.")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--images", type=int, default=20)
    options = parser.parse_args()
    photos = list(originals())
    cores = os.sched_getaffinity(0)
    with tempfile.TemporaryDirectory() as folder:
        os.sched_setaffinity(0, {max(cores)})
        print_steps(photos, Path(folder), options.runs, len(cores))
        print_writers(photos, options.runs)
        print_rates(photos, Path(folder), options.images, cores)


def print_steps(photos: Sequence[bytes], folder: Path, runs: int, cores: int) -> None:
    """Print the time of each step of `write_lr`: the fastest run per photograph."""
    print(f"| scale | step | ms per image | share | {DIV2K} images on {cores} cores, s |")
    print("|---|---|---|---|---|")
    hr_file, lr_file, copy = folder / "hr.png", folder / "lr.png", folder / "copy.png"
    for scale in SCALES:
        steps: dict[str, float] = {}
        for photo in photos:
            hr_file.write_bytes(photo)
            read, _ = fastest(runs, Path.read_bytes, hr_file)
            hashed, _ = fastest(runs, hashlib.sha256, photo)
            decode, picture = fastest(runs, read_photo, photo)
            resize, lr = fastest(runs, imresize, picture.pixels, 1 / scale)
            encode_and_write, _ = fastest(runs, write_png, lr_file, lr)
            png = lr_file.read_bytes()
            write, _ = fastest(runs, write_whole, copy, png)
            noted, _ = fastest(runs, sha256_of, lr_file)
            for step, seconds in (
                ("read and hash the HR file", read + hashed),
                ("decode the HR PNG", decode),
                ("imresize", resize),
                ("encode the LR PNG", encode_and_write - write),
                ("write and hash the LR file", write + noted),
            ):
                steps[step] = steps.get(step, 0) + seconds / len(photos)
        total = sum(steps.values())
        for step, seconds in (*steps.items(), ("all", total)):
            row = f"| ×{scale} | {step} | {1000 * seconds:.1f} | {100 * seconds / total:.0f} %"
            print(f"{row} | {DIV2K * seconds / cores:.1f} |", flush=True)


def print_writers(photos: Sequence[bytes], runs: int) -> None:
    """Print time and size of LR images as PNG for each option of Pillow's writer."""
    engine = features.version("zlib_ng") or features.version("zlib")  # zlib-ng is faster
    print(f"\nPillow {version('pillow')} with zlib {engine}\n")
    print("| writer |" + "".join(f" ×{s}: ms per Mpixel | bits per pixel |" for s in SCALES))
    print("|---|" + "---|" * 2 * len(SCALES))
    images = {s: [imresize(read_rgb(photo), 1 / s) for photo in photos] for s in SCALES}
    for name, options in WRITERS.items():
        row = f"| {name} |"
        for lr_images in images.values():
            pixels = sum(lr.shape[0] * lr.shape[1] for lr in lr_images)
            made = [fastest(runs, encoded, lr, options) for lr in lr_images]
            bits = 8 * sum(len(png) for _, png in made) / pixels
            row += f" {1e9 * sum(seconds for seconds, _ in made) / pixels:.0f} | {bits:.2f} |"
        print(row, flush=True)


def print_rates(photos: Sequence[bytes], folder: Path, count: int, cores: set[int]) -> None:
    """Print how many LR images per second `write_lr` makes."""
    hr_folder = folder / "hr"
    (hr_folder / "train").mkdir(parents=True)
    for number, photo in zip(range(1, count + 1), itertools.cycle(photos), strict=False):
        # An extra byte at the end makes each copy of a photograph a different file.
        (hr_folder / f"train/{number:04d}.png").write_bytes(photo + bytes([number % 256]))
    print("\n| scale | images/s on one core | on all cores | cores | gain |\n|---|---|---|---|---|")
    for scale in SCALES:
        rates = []
        for allowed in ({max(cores)}, cores):
            os.sched_setaffinity(0, allowed)
            seconds = []
            for _ in range(2):
                with tempfile.TemporaryDirectory(dir=folder) as target:  # nothing to reuse
                    seconds += fastest(1, write_lr, hr_folder, Path(target, "lr"), scale)[:1]
            rates.append(count / min(seconds))
        one, every = rates
        print(f"| ×{scale} | {one:.1f} | {every:.1f} | {len(cores)} | {every / one:.2f} × |")


def encoded(image: RGB8, options: dict[str, Any]) -> bytes:
    """Encode the image as PNG."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG", **options)
    return file.getvalue()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file like `write_png`, but without encoding."""
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)


def fastest(runs: int, function: Callable[..., Result], *arguments: object) -> tuple[float, Result]:
    """Call the function several times; return the seconds of the fastest call and the result."""
    best = math.inf
    for _ in range(runs):
        start = time.perf_counter()
        result = function(*arguments)
        best = min(best, time.perf_counter() - start)
    return best, result


if __name__ == "__main__":
    main()
