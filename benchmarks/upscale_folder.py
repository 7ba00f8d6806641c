"""Times programs that upscale a folder of small photographs: `srcnn upscale` and Pillow.

    python -m benchmarks.upscale_folder [--images 200] [--runs 3] [--before FOLDER]

Upscales crops of 640×480 from the photographs of `benchmarks.resize` ×2, from PNG to PNG. Each row
is a whole program, from its start to its end, on all cores; of its runs, the fastest is shown.
Pillow reads, resizes and writes in one process with as many threads, with the same compression.
`--before` names the folder of another version of this project.
"""

import argparse
import io
import os
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 640, 480
SCALE = 2
ROOT = Path(__file__).parents[1]


class Usage(NamedTuple):
    """What a run took."""

    seconds: float
    cpu: float  # seconds of user and system
    memory: int  # bytes: the peak of each process, summed


def main() -> None:
    """Print the table, or as `pillow` of the benchmark, upscale a folder."""
    parser = argparse.ArgumentParser(description="Time programs that upscale a folder.")
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--before", type=Path)
    parser.add_argument("--pillow", type=Path, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.pillow:
        pillow(*options.pillow)
        return
    with tempfile.TemporaryDirectory() as folder:
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:  # torch would count as memory
            photos = pool.submit(make_photos, Path(folder, "photos"), options.images).result()
        best: dict[str, Usage] = {}
        for _ in range(options.runs):  # in turn, because the speed of the machine varies
            for name, usage in run_each(photos, options.before):
                best[name] = min(usage, best.get(name, usage))
    print("| | images/s | CPU s | peak memory |\n|---|--:|--:|--:|")
    for name, usage in best.items():
        rate, memory = options.images / usage.seconds, usage.memory / 2**20
        print(f"| {name} | {rate:.1f} | {usage.cpu:.0f} | {memory:.0f} MiB |")


def make_photos(folder: Path, count: int) -> list[Path]:
    """Write crops of photographs, at random places."""
    from benchmarks.resize import originals  # imports torch

    folder.mkdir()
    photos = [Image.open(io.BytesIO(photo)).convert("RGB") for photo in originals()]
    random_numbers = np.random.default_rng(1)
    files = [folder / f"{number:04}.png" for number in range(count)]
    for number, file in enumerate(files):
        photo = photos[number % len(photos)]
        left = int(random_numbers.integers(photo.width - WIDTH, endpoint=True))
        top = int(random_numbers.integers(photo.height - HEIGHT, endpoint=True))
        photo.crop((left, top, left + WIDTH, top + HEIGHT)).save(file)
    return files


def run_each(photos: Sequence[Path], before: Path | None) -> list[tuple[str, Usage]]:
    """Run each program once."""
    folder, cores = photos[0].parent, sorted(os.sched_getaffinity(0))
    lanczos = ["-m", "benchmarks.upscale_folder", "--pillow", str(folder)]
    upscale = ["-m", "srcnn", "upscale"]
    shares = [[*upscale, *map(str, photos[n :: len(cores)])] for n in range(len(cores))]
    rows = [("Pillow, Lanczos", ROOT, [lanczos])]
    rows += [("`srcnn upscale`, before", before, [[*upscale, str(folder)]])] if before else []
    rows += [("`srcnn upscale`, a process for each core", ROOT, shares)]
    rows += [("**`srcnn upscale`**", ROOT, [[*upscale, str(folder)]])]
    return [(name, run(root, programs, cores)) for name, root, programs in rows]


def run(root: Path, programs: Sequence[Sequence[str]], cores: Sequence[int]) -> Usage:
    """Run Python programs at the same time; several of them get a core each."""
    with tempfile.TemporaryDirectory() as results:
        start = time.perf_counter()
        started = [
            subprocess.Popen(
                [sys.executable, *program, *([] if "--pillow" in program else ["-o"]), results],
                cwd=root,
                stdout=subprocess.DEVNULL,
            )
            for program in programs
        ]
        if started[1:]:
            for process, core in zip(started, cores, strict=True):
                os.sched_setaffinity(process.pid, {core})
        ended = [os.wait4(process.pid, 0) for process in started]
        seconds = time.perf_counter() - start
    if any(status for _, status, _ in ended):
        sys.exit("a program failed")
    usages = [usage for _, _, usage in ended]
    cpu = sum(usage.ru_utime + usage.ru_stime for usage in usages)
    return Usage(seconds, cpu, sum(1024 * usage.ru_maxrss for usage in usages))


def pillow(folder: Path, results: Path) -> None:
    """Upscale a folder with Pillow's Lanczos interpolation."""

    def upscale(file: Path) -> None:
        image = Image.open(file)
        large = image.resize((SCALE * WIDTH, SCALE * HEIGHT), Image.Resampling.LANCZOS)
        large.save(results / file.name, compress_type=zlib.Z_RLE)

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        list(pool.map(upscale, sorted(folder.iterdir())))


if __name__ == "__main__":
    main()
