"""Kill `dvc repro` at random moments of fetch_data and degrade; the result must be the same.

    python -m benchmarks.kill_resume [--kills 24] [--seed 1]

In temporary clones of this project, the pipeline downloads a small data set of zip files from a
slow server on this machine, prepares it and degrades it at ×2 and ×4. The first clone runs without
interruption. In the others, SIGKILL ends every process of the run at random moments, until a run
completes. After each kill, no finished image may be lost or made again. At the end, dvc.lock and
all files must equal those of the uninterrupted run. DVC does not write dvc.lock atomically: if a
kill truncates it, this script deletes it, and DVC finds the results in its run cache. Takes five
minutes.
"""

import argparse
import hashlib
import io
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from PIL import Image
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from voluptuous import Invalid

from srcnn.images.resize import imresize
from tests.server import Server, serving, slowly

ROOT = Path(__file__).parents[1]
TARGETS = ("degrade@2", "degrade@4")
IMAGES = {"train": 24, "val": 8}
SIZE = (1020, 672)
RATE = 20e6
"""Bytes per second of the server: downloads then take about as long as the images."""


def main() -> None:
    """Print a line per round and a summary."""
    parser = argparse.ArgumentParser(description="Kill dvc repro and continue it, many times.")
    parser.add_argument("--kills", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder, serving() as server:
        entries = serve_data_set(server)
        project = clone(Path(folder, "uninterrupted"), server, entries)
        start = time.perf_counter()
        assert run(project) is None, "the uninterrupted run failed"
        seconds = time.perf_counter() - start
        expected, expected_lock = hashes(project), lock(project)
        print(f"uninterrupted: {seconds:.1f} s, {len(expected)} files")
        kills: Counter[str] = Counter()
        rounds = 0
        while kills.total() < options.kills:
            rounds += 1
            project = clone(Path(folder, f"round{rounds}"), server, entries)
            killed = kill_until_complete(project, chance, seconds)
            kills += killed
            assert lock(project) == expected_lock, "dvc.lock differs after kills"
            different = {name for name, _ in hashes(project).items() ^ expected.items()}
            assert not different, f"files differ after kills: {sorted(different)}"
            print(f"round {rounds}: {killed.total()} kills, every file and hash is the same")
    where = ", ".join(f"{count} in {stage}" for stage, count in sorted(kills.items()))
    print(f"{kills.total()} kills ({where}): nothing lost, nothing changed")


def kill_until_complete(project: Path, chance: random.Random, seconds: float) -> "Counter[str]":
    """Run and kill until a run completes; return the number of kills per stage."""
    kills: Counter[str] = Counter()
    while True:
        before = finished(project)
        if (project / "dvc.lock").exists() and lock(project) is None:
            print("deleted a truncated dvc.lock")
            (project / "dvc.lock").unlink()
        stage = run(project, kill_after=chance.uniform(1.5, 0.6 * seconds))
        after = finished(project)
        lost = {name for name, stamp in before.items() if after.get(name) != stamp}
        assert not lost, f"lost or made again: {lost}"
        if stage is None:
            return kills
        kills[stage] += 1


def run(project: Path, kill_after: float | None = None) -> str | None:
    """Run `dvc repro`; return the stage in which it was killed, or None if it completed."""
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    output = project / "output.txt"
    with output.open("w") as file:
        process = subprocess.Popen(
            ["dvc", "repro", *TARGETS],
            cwd=project,
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = process.wait(kill_after)
        except BaseException as end:  # the time is up, or someone stops this script
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if not isinstance(end, subprocess.TimeoutExpired):
                raise
            stages = re.findall(r"Running stage '(\w+)", output.read_text())
            return stages[-1] if stages else "dvc itself"
    assert status == 0, output.read_text()
    return None


def finished(project: Path) -> dict[str, int]:
    """Return the finished images with their times of modification."""
    return {
        str(path.relative_to(project)): path.stat().st_mtime_ns
        for path in project.glob("data/**/.finished/*/*.png")
        if path.with_suffix(".json").exists()
    }


def hashes(project: Path) -> dict[str, str]:
    """Return the sha256 of every file of the result."""
    files = [project / "data/validation.csv"]
    files += [path for name in ("hr", "lr") for path in project.glob(f"data/{name}/**/*.*")]
    return {
        str(path.relative_to(project)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(files)
        if path.is_file() and ".finished" not in path.parts
    }


def lock(project: Path) -> Any:
    """Return the content of dvc.lock, or None if DVC could not read it."""
    try:
        content = YAML(typ="safe").load(project / "dvc.lock")
        return content if COMPILED_LOCKFILE_SCHEMA(content) else None
    except (YAMLError, Invalid):
        return None


def serve_data_set(server: Server) -> list[dict[str, object]]:
    """Put archives of HR and official LR images on the server; return the manifest's entries."""
    entries: list[dict[str, object]] = []
    random_numbers = np.random.default_rng(1)
    number = 0
    for split, count in IMAGES.items():
        hr = {}
        for _ in range(count):
            number += 1
            noise = Image.fromarray(random_numbers.integers(0, 256, (42, 64, 3), dtype=np.uint8))
            grain = random_numbers.integers(0, 12, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
            smooth = np.asarray(noise.resize(SIZE, Image.Resampling.BICUBIC))
            hr[f"{number:04d}"] = np.minimum(smooth, 243) + grain
        entries.append(archive(server, split, None, {f"{n}.png": image for n, image in hr.items()}))
        for scale in (2, 4):
            lr = {f"{n}x{scale}.png": imresize(image, 1 / scale) for n, image in hr.items()}
            entries.append(archive(server, split, scale, lr))
    return entries


def archive(
    server: Server, split: str, scale: int | None, images: dict[str, np.ndarray]
) -> dict[str, object]:
    """Put one archive on the server; return its entry in the manifest."""
    name, content = f"{split}{scale or ''}.zip", io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for image_name, image in images.items():
            png = io.BytesIO()
            Image.fromarray(image).save(png, "PNG")
            file.writestr(image_name, png.getvalue())
    server.files[name] = content.getvalue()
    entry = {
        "url": f"{server.url}/{name}",
        "bytes": len(content.getvalue()),
        "sha256": hashlib.sha256(content.getvalue()).hexdigest(),
        "split": split,
        "images": len(images),
        "unpacked_bytes": 2 * len(content.getvalue()),
    }
    return entry | ({"scale": scale} if scale else {})


def clone(project: Path, server: Server, entries: list[dict[str, object]]) -> Path:
    """Copy this project's working tree to a new repository with its own download cache."""
    files = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    for name in files:
        if (ROOT / name).is_file() and not name.startswith(("metrics/", "plots/", "dvc.lock")):
            (project / name).parent.mkdir(parents=True, exist_ok=True)
            (project / name).write_bytes((ROOT / name).read_bytes())
    subprocess.run(["git", "init", "--quiet"], cwd=project, check=True)
    yaml = YAML()
    yaml.dump({"archives": entries}, project / "datasets/served.yaml")
    params = yaml.load(project / "params.yaml")
    params["data"] |= {
        "source": "archives",
        "manifest": "datasets/served.yaml",
        "lr": "official",
        "cache_dir": "downloads",
    }
    yaml.dump(params, project / "params.yaml")
    server.answers[:] = [slowly(RATE)] * 1000
    return project


if __name__ == "__main__":
    main()
