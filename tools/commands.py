"""Commands of git and of DVC, which is always stopped together with everything that it started."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from srcnn.errors import InputError
from srcnn.utils.system import NEW_SESSION, stop_family

STOP_SECONDS = 60.0  # that DVC and its stages get to stop after SIGINT


def git(folder: Path, *arguments: str) -> str:
    """Output of a git command in a folder; InputError if the command fails."""
    options: Any = {"encoding": "utf-8", "errors": "surrogateescape"}  # names may be anything
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, **options)
    if done.returncode:
        raise InputError(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout


def committed(folder: Path, path: str) -> str:
    """A text file as it was committed last; InputError if it was not."""
    if not committed_files(folder, path):
        raise InputError(f"{path}: not committed; dvc repro makes it, then git add and git commit")
    return git(folder, "show", f"HEAD:{path}")


def committed_files(folder: Path, *paths: str) -> list[str]:
    """The files of the last commit in these folders or with these names."""
    return git(folder, "ls-tree", "-r", "--name-only", "-z", "HEAD", "--", *paths).split("\0")[:-1]


def changes(folder: Path, *paths: str) -> dict[str, str]:
    """Git's two letters for each file that is not as in the last commit, such as ` M` or `??`."""
    options = ("status", "--porcelain", "--no-renames", "--untracked-files=all", "-z")
    entries = git(folder, *options, "--", *paths).split("\0")[:-1]
    return {entry[3:]: entry[:2] for entry in entries}


def start_dvc(*arguments: str, **options: Any) -> "subprocess.Popen[Any]":
    """Start a DVC command in a session of its own, so that Ctrl-C does not reach it directly.

    The stages find this process's `python` first, and print UTF-8 on every system. The options are
    those of `subprocess.Popen`.
    """
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])
    variables = os.environ | {"PATH": path, "PYTHONUTF8": "1"} | options.pop("env", {})
    options |= {"env": variables, "stdin": subprocess.DEVNULL, **NEW_SESSION}
    return subprocess.Popen([sys.executable, "-m", "dvc", *arguments], **options)


def dvc_output(*arguments: str, cwd: Path) -> str:
    """Output of a DVC command in a folder; InputError if the command fails."""
    process = start_dvc(*arguments, cwd=cwd, stdout=subprocess.PIPE, encoding="utf-8")
    output, _ = process.communicate()
    if process.returncode:
        raise InputError(f"dvc {arguments[0]} ended with status {process.returncode}")
    return output


def run_dvc(*arguments: str, **options: Any) -> int:
    """Run a DVC command and return its exit status; an exception, such as Ctrl-C, stops it."""
    process = start_dvc(*arguments, **options)
    try:
        return process.wait()
    finally:
        stop(process)


def stop(process: "subprocess.Popen[Any]") -> None:
    """Interrupt DVC and its children; kill what is still there after STOP_SECONDS."""
    stop_family(process, STOP_SECONDS)
