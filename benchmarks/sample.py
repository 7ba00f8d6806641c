"""Run the stage train on the sample in another folder, with other settings."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from ruamel.yaml import YAML

from srcnn.analysis.results import read_curve

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


def last_epoch(settings: Mapping[str, Any], scale: int, loss: str) -> "pd.Series[float]":
    """Train with changed settings in a temporary folder; the last row of the training curve."""
    with tempfile.TemporaryDirectory() as folder:
        project = workspace(Path(folder, "run"), settings)
        assert start_training(project, scale, loss).wait() == 0
        return read_curve(project / f"metrics/training/x{scale}_{loss}.csv").iloc[-1]
