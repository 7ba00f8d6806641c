"""Full and read-only disks: one line reports them, nothing breaks, and a rerun continues."""

import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from srcnn.errors import InputError
from srcnn.images.image_io import write_png
from srcnn.models.tensors import write_tensors
from srcnn.training.checkpoint import Checkpoint
from srcnn.utils.files import write_json
from srcnn.utils.tables import write_csv
from srcnn.utils.yaml_files import read_yaml
from tests.mounts import fill, make_room, read_only, small_disk
from tests.running import RESULTS, Running, results
from tests.tiny_project import ROOT, change_params, copy_of, copy_project, run

NOISE = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
WRITERS: dict[str, Callable[[Path], object]] = {
    "a.json": lambda path: write_json(list(range(10_000)), path),
    "a.csv": lambda path: write_csv(pd.DataFrame({"a": range(10_000)}), path),
    "a.png": lambda path: write_png(path, NOISE),
    "a.safetensors": lambda path: write_tensors({"a": torch.zeros(10_000)}, path, {}),
}
STAGES = list(read_yaml(ROOT / "dvc.yaml")["stages"].items())
STAGES_WITH_OUTPUTS = [name for name, stage in STAGES if "outs" in stage and "variant" not in name]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A disk of a megabyte."""
    with small_disk(tmp_path_factory.mktemp("small"), megabytes=1) as disk:
        yield disk


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("leave", [0, 4096])
def test_without_room_for_a_file_it_is_named_and_its_old_version_kept(
    small: Path, name: str, leave: int, one_line: Callable[[Any], str]
) -> None:
    path = small / name
    path.write_text("the old version")
    fill(small, leave)
    with pytest.raises(InputError) as caught:
        WRITERS[name](path)
    message = one_line(caught)
    assert message.startswith(f"{path}: ")
    assert "No space left on device" in message
    assert path.read_text() == "the old version"
    assert not list(small.glob("*.tmp"))
    make_room(small)
    WRITERS[name](path)


def test_without_room_for_a_checkpoint_the_last_one_is_kept(small: Path) -> None:
    checkpoint = Checkpoint(small / "state", 1)
    checkpoint.save({"a": torch.zeros(10_000), "epoch": 1})
    fill(small)
    with pytest.raises(InputError, match="No space left on device"):
        checkpoint.save({"a": torch.ones(10_000), "epoch": 2})
    loaded = checkpoint.load()
    assert loaded is not None
    assert loaded["epoch"] == 1
    make_room(small)


def by_hand(stage: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run a stage at ×2 as `dvc.yaml` does, but without DVC."""
    command = dict(STAGES)[stage]["cmd"].replace("${item.scale}", "2").split()
    return subprocess.run(
        [sys.executable, *command[1:]], cwd=folder, capture_output=True, text=True, check=False
    )


def error_line(done: "subprocess.CompletedProcess[str]") -> str:
    """The error of a failed stage, after a check that it is one line."""
    assert done.returncode == 1, done.stdout
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("error: ")
    return lines[0]


def test_photographs_may_be_in_a_read_only_folder(tmp_path: Path) -> None:
    folder = copy_project(tmp_path / "project")
    photos = (folder / "photos").rename(tmp_path / "photos")
    change_params(folder, data={"root": str(photos)})
    with read_only(photos):
        assert by_hand("fetch_data", folder).returncode == 0
    assert len(list((folder / "data/hr").rglob("*.png"))) == 4


def test_a_read_only_project_is_reported(tmp_path: Path) -> None:
    folder = copy_project(tmp_path / "project")
    with read_only(folder):
        assert "Read-only file system: 'data" in error_line(by_hand("fetch_data", folder))
    with read_only(folder / "data"):
        assert "Read-only file system: 'data/" in error_line(by_hand("fetch_data", folder))


@pytest.fixture(scope="module")
def whole(made_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone in which the whole pipeline has run."""
    return copy_of(made_project, tmp_path_factory.mktemp("whole") / "project")


@pytest.fixture
def disk(whole: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of `whole` on a disk of its own."""
    with small_disk(tmp_path / "disk", megabytes=120) as folder:
        subprocess.run(["cp", "--archive", f"{whole}/.", folder], check=True)
        yield folder


def forget(stage: str, folder: Path) -> int:
    """Delete the outputs of a stage and return their size in bytes."""
    listed = dict(STAGES)[stage]
    outs = [*listed["outs"], *listed.get("metrics", []), *listed.get("plots", [])]
    size = 0
    for out in outs:
        name = out if isinstance(out, str) else next(iter(out))
        path = folder / name.replace("${item.scale}", "2")
        files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
        for file in files:
            size += file.stat().st_size
            file.unlink()
    for kept in (".finished", "lr/.finished", ".decoded"):
        shutil.rmtree(folder / "data" / kept, ignore_errors=True)
    return size


def name_at_scale(stage: str) -> str:
    """DVC's name of a stage at ×2."""
    return f"{stage}@2" if "matrix" in dict(STAGES)[stage] else stage


def assert_cache_sound(folder: Path) -> None:
    """Every file in DVC's cache has the md5 that is its name."""
    for file in (folder / ".dvc/cache/files/md5").glob("*/*"):
        digest = hashlib.md5(file.read_bytes()).hexdigest()
        assert file.parent.name + file.name.removesuffix(".dir") == digest


@pytest.mark.long
@pytest.mark.parametrize("stage", STAGES_WITH_OUTPUTS)
def test_a_stage_that_fills_the_disk_reports_it_and_can_be_repeated(
    whole: Path, disk: Path, stage: str
) -> None:
    fill(disk, forget(stage, disk) // 2)
    error = error_line(by_hand(stage, disk))
    assert "No space left on device" in error or "make room" in error
    assert any(f" {folder}/" in error for folder in RESULTS)
    assert not list(disk.rglob("*.tmp"))
    make_room(disk)
    again = by_hand(stage, disk)
    assert (again.returncode, again.stderr) == (0, "")
    assert results(disk) == results(whole)


@pytest.mark.long
@pytest.mark.parametrize("stage", ["degrade", "report"])
def test_a_stage_does_not_start_on_an_almost_full_disk(whole: Path, disk: Path, stage: str) -> None:
    lock = (disk / "dvc.lock").read_text()
    fill(disk, 1_000_000)
    repro = Running("dvc", "repro", "-s", "-f", name_at_scale(stage), cwd=disk)
    assert repro.ended() != 0
    (error,) = repro.errors()
    told = r"error: \.: DVC's state files need 32\.00 MB, and [\d.]+ MB are free; make room"
    assert re.fullmatch(told, error)
    assert (disk / "dvc.lock").read_text() == lock
    run("dvc", "status", cwd=disk)
    assert_cache_sound(disk)
    make_room(disk)
    run("dvc", "repro", cwd=disk)
    assert results(disk) == results(whole)


@pytest.mark.long
@pytest.mark.parametrize("leave", [0, 400_000])
def test_a_training_stopped_by_a_full_disk_can_continue(
    whole: Path, disk: Path, leave: int
) -> None:
    lock = (disk / "dvc.lock").read_text()
    training = Running("dvc", "repro", "-s", "-f", "train_mse@2", cwd=disk)
    training.until("training ")
    with training.paused():
        fill(disk, leave)
    assert training.ended() != 0
    (error,) = training.errors()
    assert ("DVC's copies of models/x2/mse.safetensors" if leave else "No space left") in error
    assert "make room" in error or "cannot be written" in error
    assert (disk / "dvc.lock").read_text() == lock
    assert_cache_sound(disk)
    make_room(disk)
    run("dvc", "repro", cwd=disk)
    assert results(disk) == results(whole)


@pytest.mark.long
def test_state_files_that_a_full_disk_damages_can_be_deleted(whole: Path, disk: Path) -> None:
    fill(disk)
    assert Running("dvc", "repro", "-s", "-f", "provenance", cwd=disk).ended() != 0
    make_room(disk)
    repro = Running("dvc", "repro", cwd=disk)
    if repro.ended() != 0:
        assert "Unable to read RWLock-file '.dvc/tmp/rwlock'" in repro.printed
        (disk / ".dvc/tmp/rwlock").unlink()
        run("dvc", "repro", cwd=disk)
    assert results(disk) == results(whole)
