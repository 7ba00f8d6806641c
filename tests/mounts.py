"""Small or read-only file systems for tests; mounting them needs root rights."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_FILLER = ".filler"


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A file system of this size; the test is skipped if it cannot be mounted."""
    folder.mkdir(parents=True, exist_ok=True)
    with _mounted(folder, "-t", "tmpfs", "-o", f"size={megabytes}m", "none"):
        yield folder


@contextmanager
def read_only(folder: Path) -> Iterator[Path]:
    """A folder that not even root can write to; skipped if it cannot be mounted."""
    with _mounted(folder, "--bind", "-o", "ro", str(folder)):
        yield folder


@contextmanager
def _mounted(folder: Path, *how: str) -> Iterator[None]:
    if not shutil.which("mount"):
        pytest.skip("the command mount is missing")
    done = subprocess.run(["mount", *how, folder], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"{done.stderr.strip()} (in a shell of `unshare -rm` everyone may mount)")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(disk: Path, leave: int = 0) -> None:
    """Fill a small disk up to so many free bytes, in whole pages."""
    make_room(disk)
    with (disk / _FILLER).open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(disk).free - leave)


def make_room(disk: Path) -> None:
    """Undo `fill`."""
    (disk / _FILLER).unlink(missing_ok=True)
