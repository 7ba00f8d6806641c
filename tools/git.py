"""What git knows of a project: files as they were committed last, and what has changed since."""

import subprocess
from pathlib import Path
from typing import Any

from srcnn.errors import InputError


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
