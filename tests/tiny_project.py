"""A copy of this project, in its own git repository, with four tiny photographs to train on."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from ruamel.yaml import YAML

from tests.stage_process import forking_python

ROOT = Path(__file__).parent.parent
CODE = ("srcnn", "stages", "tools", "presets", "datasets", ".dvc/plots")
FILES = (
    *("params.yaml", "dvc.yaml", ".dvc/config", ".dvc/.gitignore", ".dvcignore", ".gitignore"),
    *("data/.gitignore", "models/.gitignore"),
)


def environment() -> dict[str, str]:
    """Return environment variables that let git commit, and select the tests' python and dvc."""
    return os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@b",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@b",
    }


def run(*command: str, cwd: Path, programs: Path | None = None) -> str:
    """Run a command that must succeed; return its output. `programs` comes first in PATH."""
    variables = environment()
    if programs:
        variables["PATH"] = f"{programs}{os.pathsep}{variables['PATH']}"
    done = subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def change_params(folder: Path, **changes: Any) -> None:
    """Change settings in the folder's params.yaml and keep its comments."""
    yaml = YAML()
    params = yaml.load(folder / "params.yaml")

    def update(old: Any, new: Any) -> None:
        for key, value in new.items():
            if isinstance(value, dict) and key != "variants":  # variants are replaced as a whole
                update(old[key], value)
            else:
                old[key] = value

    update(params, changes)
    yaml.dump(params, folder / "params.yaml")


def commit(folder: Path, message: str) -> None:
    """Commit everything that git does not ignore."""
    run("git", "add", ".", cwd=folder)
    run("git", "commit", "--quiet", "-m", message, cwd=folder)


def copy_project(folder: Path) -> Path:
    """Copy the project into a folder, add the photographs and commit, without running it."""
    for file in FILES:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, folder / file)
    for code in CODE:
        shutil.copytree(ROOT / code, folder / code, ignore=shutil.ignore_patterns("__pycache__"))
    random = np.random.default_rng(0)
    for split, count in (("train", 2), ("val", 2)):
        (folder / "photos" / split).mkdir(parents=True)
        for i in range(count):
            blocks = random.integers(0, 256, (9, 11, 3), dtype=np.uint8)
            image = Image.fromarray(blocks).resize(
                (11 * 8 + 1, 9 * 8 + 3), Image.Resampling.BICUBIC
            )
            image.save(folder / "photos" / split / f"photo {i}.png")
    change_params(
        folder,
        scales=[2],
        data={"source": "folder", "root": "photos"},
        train={
            "patch_size": 32,
            "patches_per_image": 4,
            "batch_size": 4,
            "epochs": {"mse": 2, "perceptual": 1},
        },
    )
    run("git", "init", "--quiet", cwd=folder)
    commit(folder, "start")
    return folder


def repro(folder: Path) -> str:
    """Run the pipeline; stages do not import their modules again, except on macOS and Windows."""
    if sys.platform != "linux":
        return run("dvc", "repro", cwd=folder)
    with forking_python() as programs:
        return run("dvc", "repro", cwd=folder, programs=programs)


def make_project(folder: Path) -> Path:
    """Copy the project into a folder, run it once and commit the results."""
    copy_project(folder)
    repro(folder)
    commit(folder, "results")
    return folder


def copy_of(made: Path, folder: Path) -> Path:
    """Copy a project with its git and DVC data, so that a test can change it."""
    return shutil.copytree(made, folder, symlinks=True, dirs_exist_ok=True)
