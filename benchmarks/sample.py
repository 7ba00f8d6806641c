"""Run the stage train on the sample in another folder, with other settings."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]


def workspace(folder: Path, settings: Mapping[str, Any]) -> Path:
    """Create the folder, with links to the data of `make repro` and with changed settings."""
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
    """Start the stage train in the folder."""
    return subprocess.Popen(
        [sys.executable, "-m", "stages.train", "--scale", str(scale), "--loss", loss],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        stdout=subprocess.DEVNULL,
    )
