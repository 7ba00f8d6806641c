"""Peak memory of a training process for 10, 100 and 800 images of 2K.

    python -m benchmarks.memory

Makes ten images of 2040 × 1356 pixels and links them under as many names as needed; the decoded
pixels of each name are stored separately. The training stage runs in its own processes, at ×2 with
50 batches of 16 patches of 48 pixels and one small val image. For up to 100 images it also runs
with all images in a list. Needs 9 GB of disk for temporary files and about five minutes.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from ruamel.yaml import YAML

from srcnn.images.image_io import write_png
from srcnn.images.pairs import Pair
from srcnn.images.resize import imresize
from srcnn.settings import read_settings
from srcnn.training import build
from srcnn.utils.paths import lr_name
from stages import train

ROOT = Path(__file__).parents[1]
IMAGES = (10, 100, 800)
PATCHES = 800


def main() -> None:
    """Print the table, and how much memory two processes share."""
    print("| images | decoded | made in | opened in | peak memory | all images in memory |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        images = Path(folder, "images")
        write_images(images)
        for number in IMAGES:
            with tempfile.TemporaryDirectory(dir=folder) as project:
                lay_out(Path(project), images, number)
                made, opened, peak = (run(project, job) for job in ("opening", "opening", "peak"))
                in_memory = run(project, "peak_in_memory") + " MiB" if number <= 100 else "–"
                files = Path(project).glob("data/.decoded/*/*.pixels")
                size = sum(file.stat().st_size for file in files) / 1e9
            print(
                f"| {number} | {size:.1f} GB | {made} s | {opened} s | {peak} MiB | {in_memory} |"
            )
        lay_out(Path(folder, "shared"), images, 10)
        print(f"\nTwo processes that hold every pixel of 10 images: {shared(f'{folder}/shared')}")


def opening() -> None:
    """Print the seconds until every image is available."""
    start = time.perf_counter()
    pairs()
    print(f"{time.perf_counter() - start:.1f}")


def peak() -> None:
    """Train and print the peak memory of this process in MiB."""
    train.main(read_settings(), 2, "mse")
    high_water = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    print(int(high_water[1]) // 1024 if high_water else "unknown")


def peak_in_memory() -> None:
    """Train with every image in memory and print the peak memory."""
    with patch.object(build, "CachedPairs", lambda files, *_: InMemory(f.read() for f in files)):
        peak()


class InMemory(list[Pair]):
    """Pairs in memory, with the digest that a training run's state records."""

    digest = "in memory"


def holding() -> None:
    """Map every pixel; after a line of input, print the mapped size and this process's share."""
    held = [array for pair in pairs() for array in (pair.hr, pair.lr)]
    print(max(array.max() for array in held), flush=True)
    input()
    maps = Path("/proc/self/smaps").read_text()
    pages = re.findall(r"\.pixels\n(?:.*\n){3}Rss: +(\d+) kB\nPss: +(\d+) kB", maps)
    rss, pss = (sum(map(int, column)) // 1024 for column in zip(*pages, strict=True))
    print(f"{rss} MiB are mapped by each, its share is {pss} MiB")


def pairs() -> Sequence[Pair]:
    """The training images, as the training stage opens them."""
    return build.read_inputs(read_settings(), 2, "mse", torch.device("cpu")).train


def shared(project: str) -> str:
    """Start two processes that map every pixel; return what the first prints."""
    both = [start(project, "holding") for _ in range(2)]
    for process in both:
        assert process.stdout is not None
        process.stdout.readline()
    first, _ = (process.communicate("\n")[0] for process in both)
    return first.strip()


def run(project: str, job: str) -> str:
    """Run a function of this file in its own process; return its last line."""
    process = start(project, job)
    output, _ = process.communicate()
    assert process.returncode == 0
    return output.splitlines()[-1]


def start(project: str, job: str) -> "subprocess.Popen[str]":
    """Start a function of this file in the project's folder."""
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.memory", job],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def write_images(folder: Path) -> None:
    """Write ten train images and one val image, a ramp with grain, and their LR images."""
    random = np.random.default_rng(1)
    for number in range(11):
        height, width = (1356, 2040) if number < 10 else (160, 240)
        ramp = np.linspace(0, 247, height, dtype=np.uint8)[:, None, None]
        hr = ramp + random.integers(0, 8, (height, width, 3), dtype=np.uint8)
        write_png(folder / f"hr{number}.png", hr)
        write_png(folder / f"lr{number}.png", imresize(hr, 1 / 2))


def lay_out(project: Path, images: Path, number: int) -> None:
    """Create a project with this number of images, and the settings for training on them."""
    for image in range(number + 1):
        split, source = ("train", image % 10) if image < number else ("val", 10)
        hr = project / f"data/hr/{split}/{image:04d}.png"
        lr = project / f"data/lr/x2/{split}/{lr_name(hr.stem, 2)}"
        for kind, link in (("hr", hr), ("lr", lr)):
            link.parent.mkdir(parents=True, exist_ok=True)
            link.hardlink_to(images / f"{kind}{source}.png")
    yaml = YAML()
    params = yaml.load(ROOT / "params.yaml")
    params["train"] |= {"batch_size": 16, "patch_size": 48, "patches_per_image": PATCHES // number}
    params["train"]["epochs"]["mse"] = 1
    yaml.dump(params, project / "params.yaml")


if __name__ == "__main__":
    globals()[sys.argv[1] if len(sys.argv) > 1 else "main"]()
