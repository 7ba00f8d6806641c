"""Finds damaged files in DVC's cache, which DVC itself does not: it trusts read-only files."""

import hashlib
import json
import os
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from srcnn.utils.threads import map_threads
from tools.commands import committed, committed_files, dvc_output
from tools.verification import LOCK, lock_stages, output_sums

FOLDER = ".dir"  # the end of the md5 of a folder; its object lists the folder's files


@dataclass(frozen=True)
class CacheCheck:
    """The state of the files that the last commit has in DVC's cache."""

    intact: int
    missing: int  # a fresh clone has none of them; a missing folder counts once
    damaged: dict[Path, list[str]]  # the outputs of each damaged file, by its path in the cache


def check_cache(folder: Path) -> CacheCheck:
    """Compute the md5 of each file that the last commit of a project has in DVC's cache.

    Raises:
        InputError: dvc.lock is not committed or malformed, or DVC's configuration is.
    """
    # The layout of the cache: https://dvc.org/doc/user-guide/project-structure/internal-files
    cache = Path(dvc_output("cache", "dir", cwd=folder).strip(), "files/md5")
    outputs = output_sums(lock_stages(committed(folder, LOCK), f"{LOCK} as committed"))
    files = [PurePosixPath(name) for name in committed_files(folder, *outputs)]
    in_git = {str(path) for file in files for path in (file, *file.parents)}
    wanted: dict[Path, list[str]] = {}
    for output, md5 in outputs.items():
        if md5 and output not in in_git:
            for name, file_md5 in ((output, md5), *_listed(cache, output, md5)):
                wanted.setdefault(_object(cache, file_md5), []).append(name)
    sums = map_threads(_md5, wanted, "check DVC's cache", unit="file")
    damaged = {
        path: names
        for (path, names), md5 in zip(wanted.items(), sums, strict=True)
        if md5 not in (None, _expected(path))
    }
    missing = sums.count(None)
    return CacheCheck(len(sums) - missing - len(damaged), missing, damaged)


def describe_cache(found: CacheCheck) -> Iterator[str]:
    """Lines that count the files and say how to restore the damaged ones."""
    counts = f"{found.intact} intact, {len(found.damaged)} damaged, {found.missing} missing"
    yield f"files of this commit in DVC's cache: {counts}"
    if found.damaged:
        yield "to restore the damaged files, run these lines, then dvc pull or dvc repro:"
        yield from (f"  {_repair(path, outputs)}" for path, outputs in found.damaged.items())


def _repair(path: Path, outputs: list[str]) -> str:
    """A command that restores a damaged file from an intact copy, or removes all its copies."""
    shown = os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)
    copies = [output for output in outputs if Path(output).is_file()]
    if copies and all(_md5(Path(copy)) == _expected(path) for copy in copies):
        return shlex.join(["cp", "-f", copies[0], shown])
    return shlex.join(["rm", "-f", *copies, shown])


def _listed(cache: Path, output: str, md5: str) -> Iterator[tuple[str, str]]:
    """The path and md5 of each file of a folder; none if its object is missing or damaged."""
    path = _object(cache, md5)
    if md5.endswith(FOLDER) and _md5(path) == _expected(path):
        for entry in json.loads(path.read_bytes()):
            yield f"{output}/{entry['relpath']}", entry["md5"]


def _object(cache: Path, md5: str) -> Path:
    return cache / md5[:2] / md5[2:]


def _expected(path: Path) -> str:
    """The md5 that a file in the cache has by its name."""
    return (path.parent.name + path.name).removesuffix(FOLDER)


def _md5(path: Path) -> str | None:
    """The md5 of a file; None if there is no such file, empty if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:  # a bad block
        return ""
