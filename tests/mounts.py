"""File systems of a test's own: small enough to be full, or read-only. They need root's rights."""

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
    """A folder that holds so much and no more; the test is skipped where none can be had."""
    folder.mkdir(parents=True, exist_ok=True)
    with _mounted(folder, "-t", "tmpfs", "-o", f"size={megabytes}m", "none"):
        yield folder


@contextmanager
def read_only(folder: Path) -> Iterator[Path]:
    """A folder in which nobody, not even root, can write; skipped where it cannot be had."""
    with _mounted(folder, "--bind", "-o", "ro", str(folder)):
        yield folder


@contextmanager
def _mounted(folder: Path, *how: str) -> Iterator[None]:
    if not shutil.which("mount"):
        pytest.skip("there is no command mount")
    done = subprocess.run(["mount", *how, folder], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"{done.stderr.strip()} (in a shell of `unshare -rm` everyone may mount)")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(disk: Path, leave: int = 0) -> None:
    """Let a small disk have so many free bytes, in whole pages."""
    make_room(disk)
    with (disk / _FILLER).open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(disk).free - leave)


def make_room(disk: Path) -> None:
    """Take back what `fill` did."""
    (disk / _FILLER).unlink(missing_ok=True)
