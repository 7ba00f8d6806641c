"""Training by several processes on one machine, as a user starts it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ruamel.yaml import YAML

from srcnn.analysis.results import read_curve
from srcnn.images.image_io import RGB8, write_png
from srcnn.images.resize import imresize
from srcnn.models.tensors import read_tensors
from srcnn.utils.paths import lr_name
from tests.stage_process import run_stage

Picture = Callable[..., RGB8]


@pytest.fixture
def workspace(tmp_path: Path, project: Path, picture: Picture) -> Path:
    """A folder with images and settings: 2 epochs of 3 batches, of 4, 4 and 1 patches."""
    for number, split in enumerate(("train", "train", "train", "val"), 1):
        hr = picture(40 + 4 * number, 48, phase=number)
        write_png(tmp_path / f"data/hr/{split}/{number:04d}.png", hr)
        lr_file = tmp_path / f"data/lr/x2/{split}" / lr_name(f"{number:04d}", 2)
        write_png(lr_file, imresize(hr, 1 / 2))
    yaml = YAML()
    params = yaml.load(project / "params.yaml")
    params["train"] |= {"batch_size": 4, "patch_size": 16, "patches_per_image": 3, "devices": 1}
    params["train"]["basis"] = "pixels"  # drawn pictures lack some frequencies: only rounding there
    params["train"]["epochs"]["mse"] = 2
    yaml.dump(params, tmp_path / "params.yaml")
    return tmp_path


def change(workspace: Path, **settings: Any) -> None:
    """Change settings of `train`."""
    yaml = YAML()
    params = yaml.load(workspace / "params.yaml")
    params["train"] |= settings
    yaml.dump(params, workspace / "params.yaml")


def start(workspace: Path, project: Path, *launcher: str) -> "subprocess.Popen[str]":
    """Start the stage train."""
    return subprocess.Popen(
        [*(launcher or (sys.executable,)), "-m", "stages.train", "--scale", "2", "--loss", "mse"],
        cwd=workspace,
        env=os.environ | {"PYTHONPATH": str(project), "CUDA_VISIBLE_DEVICES": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def train(workspace: Path) -> "subprocess.CompletedProcess[str]":
    """Run the stage train in one process to its end."""
    options = "--scale", "2", "--loss", "mse"
    return run_stage(
        "train", *options, cwd=workspace, env=os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    )


def wait_for(process: "subprocess.Popen[str]", beginning: str) -> None:
    """Read the output of the stage until a line with this beginning."""
    assert process.stdout is not None
    assert any(line.startswith(beginning) for line in process.stdout)


def curve(workspace: Path) -> list[dict[str, float]]:
    return read_curve(workspace / "metrics/training/x2_mse.csv").to_dict("records")


def test_two_processes_train_as_one_does(workspace: Path, project: Path) -> None:
    def trained(output: str) -> tuple[list[dict[str, float]], dict[str, np.ndarray]]:
        assert output.count("epoch 2/2") == 1  # only one process prints
        weights, _ = read_tensors(workspace / "models/x2/mse.safetensors")
        return curve(workspace), {name: value.numpy() for name, value in weights.items()}

    done = train(workspace)
    assert done.returncode == 0, done.stderr
    alone, weights = trained(done.stdout)
    change(workspace, devices=2)
    torchrun = (f"{Path(sys.executable).parent}/torchrun", "--nproc-per-node", "2")
    for launcher in ((), torchrun):
        process = start(workspace, project, *launcher)
        output, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        together, other_weights = trained(output)
        for row, other in zip(alone, together, strict=True):
            assert other == pytest.approx(row, rel=1e-4)
        for name, value in weights.items():
            np.testing.assert_allclose(other_weights[name], value, rtol=1e-3, atol=1e-5)


@pytest.mark.slow
def test_a_killed_process_ends_the_run_which_can_continue(workspace: Path, project: Path) -> None:
    change(workspace, devices=2, patches_per_image=400)
    process = start(workspace, project)
    wait_for(process, "training")
    time.sleep(1)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(children[0]), signal.SIGKILL)
    began = time.monotonic()
    _, errors = process.communicate(timeout=60)
    assert time.monotonic() - began < 30
    assert process.returncode not in (0, None)
    last = errors.strip().splitlines()[-1]
    assert last == (
        "error: process 0 of 2: another process of this run has ended; "
        "the same command continues from the last checkpoint"
    )
    assert not (workspace / "models").exists()
    change(workspace, patches_per_image=3)
    again = start(workspace, project)
    again.communicate(timeout=120)
    assert again.returncode == 0


def test_an_interrupted_run_saves_and_continues_with_its_curve(
    workspace: Path, project: Path
) -> None:
    change(workspace, patches_per_image=50, epochs={"mse": 5, "perceptual": 1})
    process = start(workspace, project)
    wait_for(process, "epoch 2/5")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.startswith("stopped at epoch ")
    assert errors.rstrip().endswith("the same command continues")
    before = curve(workspace)
    assert 2 <= len(before) < 5
    again = train(workspace)
    assert again.returncode == 0, again.stderr
    assert "continuing an unfinished run from epoch " in again.stdout
    after = curve(workspace)
    assert [row["epoch"] for row in after] == [1, 2, 3, 4, 5]
    assert after[: len(before)] == before
    assert not (workspace / ".training").exists() or not any((workspace / ".training").rglob("*.*"))
