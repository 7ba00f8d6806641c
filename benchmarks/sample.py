"""A folder beside this project in which the stage train runs on the sample, set otherwise."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]


def workspace(folder: Path, settings: Mapping[str, Any]) -> Path:
    """Lay out the folder, with data/ as `make repro` left it and these settings changed."""
    (folder / "data").mkdir(parents=True)
    for name in ("hr", "lr", "weights"):
        (folder / "data" / name).symlink_to(ROOT / "data" / name)
    yaml = YAML()
    params = yaml.load(ROOT / "params.yaml")
    for name, value in settings.items():
        section = params
        *sections, last = name.split(".")
        for part in sections:
            section = section[part]
        section[last] = value
    yaml.dump(params, folder / "params.yaml")
    return folder


def start_training(
    folder: Path, scale: int, loss: str, **environment: str
) -> "subprocess.Popen[bytes]":
    """Start the stage train there."""
    return subprocess.Popen(
        [sys.executable, "-m", "stages.train", "--scale", str(scale), "--loss", loss],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        stdout=subprocess.DEVNULL,
    )
