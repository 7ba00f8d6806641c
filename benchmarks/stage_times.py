"""Where the time of `dvc repro` goes: imports and work of each stage, and DVC itself.

    python -m benchmarks.stage_times [--commit HEAD] [-S train.epochs.mse=1 …]

Clones a commit of this project into a temporary folder without results, changes settings there
with `-S`, and runs the pipeline. The clone's `python` is this script: it runs each
stage with `-X importtime` and notes its times. The time between two stages, in which DVC hashes,
caches and records files, counts as DVC's of the later stage. Takes as long as the pipeline.
"""

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
NOTES = "STAGE_TIMES"  # environment variable: the file to which stages add their times


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Print where the time of dvc repro goes.")
    parser.add_argument("--commit", default="HEAD")
    parser.add_argument("-S", dest="settings", action="append", default=[], metavar="KEY=VALUE")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project, notes = Path(folder, "project"), Path(folder, "notes")
        clone(project, options.commit)
        change(project / "params.yaml", options.settings)
        environment = os.environ | {"PATH": f"{shim(Path(folder))}:{os.environ['PATH']}"}
        environment |= {NOTES: str(notes), "DVC_SITE_CACHE_DIR": f"{folder}/site"}
        began, used = time.time(), cpu_seconds()
        subprocess.run(
            ["dvc", "repro", "--quiet"],
            cwd=project,
            env=environment,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        stages = [json.loads(line) for line in notes.read_text("utf-8").splitlines()]
        print(table(stages, began, time.time(), cpu_seconds() - used))


def clone(project: Path, commit: str) -> None:
    """Clone a commit of this project."""
    subprocess.run(["git", "clone", "--quiet", "--no-checkout", ROOT, project], check=True)
    subprocess.run(["git", "checkout", "--quiet", "--detach", commit], cwd=project, check=True)


def change(params: Path, settings: list[str]) -> None:
    """Change settings, each `key.key=value`, in a params.yaml."""
    yaml = YAML()
    values = yaml.load(params)
    for setting in settings:
        name, _, value = setting.partition("=")
        *sections, key = name.split(".")
        section = values
        for part in sections:
            section = section[part]
        section[key] = yaml.load(value)
    yaml.dump(values, params)


def shim(folder: Path) -> Path:
    """A folder with a `python` that runs `timed`."""
    (folder / "bin").mkdir()
    python = folder / "bin/python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{Path(__file__)}" run "$@"\n')
    python.chmod(0o755)
    return python.parent


def timed(arguments: list[str]) -> int:
    """Run Python with these arguments, add its times to the notes, and return its status."""
    began = time.time()
    command = [sys.executable, "-X", "importtime", *arguments]
    process = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    imports = 0
    for line in process.stderr.splitlines(keepends=True):
        if found := re.match(r"import time: +(\d+) \|", line):
            imports += int(found[1])
        elif not line.startswith("import time:"):
            sys.stderr.write(line)
    times: dict[str, Any] = {"stage": os.environ["DVC_STAGE"], "began": began, "ended": time.time()}
    times |= {"imports": imports / 1e6, "cpu": cpu_seconds()}
    with Path(os.environ[NOTES]).open("a", encoding="utf-8") as notes:
        notes.write(f"{json.dumps(times)}\n")
    return process.returncode


def cpu_seconds() -> float:
    """CPU time of this process's children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def table(stages: list[dict[str, Any]], began: float, ended: float, cpu: float) -> str:
    """Seconds of each stage, of those that train and of the others, and of DVC."""
    lines = ["| stage | DVC before it | imports | work | CPU time |", "|---|--:|--:|--:|--:|"]
    sums = {"training": [0.0] * 4, "other stages": [0.0] * 4}
    free = began
    for stage in stages:
        wall = stage["ended"] - stage["began"]
        row = [stage["began"] - free, stage["imports"], wall - stage["imports"], stage["cpu"]]
        kind = "training" if stage["stage"].startswith("train") else "other stages"
        sums[kind] = [total + value for total, value in zip(sums[kind], row, strict=True)]
        lines.append(line(stage["stage"], row))
        free = stage["ended"]
    others = cpu - sum(row[3] for row in sums.values())
    lines += [line(f"**{kind}**", row) for kind, row in sums.items()]
    lines.append(f"| DVC | {ended - free:.1f} after all | | | {others:.1f} |")
    return "\n".join([*lines, f"| all: {ended - began:.1f} s | | | | {cpu:.1f} |"])


def line(name: str, row: list[float]) -> str:
    """A line of the table."""
    return f"| {name} | " + " | ".join(f"{value:.1f}" for value in row) + " |"


if __name__ == "__main__":
    if sys.argv[1:2] == ["run"]:
        sys.exit(timed(sys.argv[2:]))
    main()
