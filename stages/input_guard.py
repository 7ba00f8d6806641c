"""Guard against inputs that change while a stage runs, and against a disk too full for DVC.

DVC reads settings, data and code when a stage ends. If params.yaml changes while a model trains,
DVC would record the model as the result of the new settings. And if the cache is too small for a
folder, DVC prints a message but exits with status 0.
"""

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from configparser import ConfigParser
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from srcnn.errors import InputError
from srcnn.settings import PARAMS
from srcnn.utils.files import check_room, sha256_of
from srcnn.utils.text import join_names
from srcnn.utils.yaml_files import read_yaml

ROOM = 32 * 10**6  # bytes for DVC's lock and state files, which a full disk damages


class InputGuard:
    """The inputs that `dvc.yaml` lists for a stage, as they are when the stage starts.

    The guard does nothing in a stage that was started without DVC.
    """

    def __init__(self, arguments: Mapping[str, object]):
        """Read `dvc.yaml`; `arguments` are the values of `${item.name}` there.

        Raises:
            InputError: the disk is almost full, or `dvc.yaml` cannot be read.
        """
        stage = {}
        if "DVC_STAGE" in os.environ and os.environ.get("LOCAL_RANK", "0") == "0":
            name = os.environ["DVC_STAGE"].rpartition(":")[2].partition("@")[0]
            stage = read_yaml(Path("dvc.yaml")).get("stages", {}).get(name, {})
            check_room(ROOM, Path(), "DVC's state files")
        self._settings = _resolve(stage.get("params", []), arguments)
        self._inputs = _resolve(stage.get("deps", []), arguments)
        outs = [*stage.get("outs", []), *stage.get("metrics", []), *stage.get("plots", [])]
        pairs = ((out, {}) if isinstance(out, str) else next(iter(out.items())) for out in outs)
        cached = [name for name, options in pairs if options.get("cache", True)]
        self._cached_outs = _resolve(cached, arguments)
        self._before = self._state()

    def changed(self) -> list[str]:
        """The settings, files and folders that changed since the stage started."""
        now = self._state()
        return [name for name, state in self._before.items() if now[name] != state]

    def check(self) -> None:
        """Check the inputs and the disk at the end of the stage.

        Raises:
            InputError: an input changed, or the disk has no room for DVC's copies of the outputs.
        """
        if changed := self.changed():
            raise InputError(
                f"changed while this stage ran: {join_names(changed)}; "
                "the result is not recorded, run the same command again"
            )
        if size := sum(_size(Path(path)) for path in self._cached_outs):
            config = ConfigParser(interpolation=None)
            config.read((".dvc/config", ".dvc/config.local"), encoding="utf-8")
            folder = config.get("cache", "dir", fallback="cache").strip("\"'")
            what = f"DVC's copies of {join_names(self._cached_outs)} and its state files"
            check_room(size + ROOM, Path(".dvc", Path(folder).expanduser()), what)

    def _state(self) -> dict[str, object]:
        """The value of each setting, and a digest of each file and folder."""
        params = _read_params() if self._settings else {}
        settings = {f"{PARAMS}: {name}": _lookup(params, name) for name in self._settings}
        return settings | {path: _digest(Path(path)) for path in self._inputs}


def _read_params() -> dict[str, Any]:
    """All settings; none while an editor has saved only a part of the file."""
    with suppress(InputError):
        return read_yaml(PARAMS)
    return {}


def _resolve(names: list[str], arguments: Mapping[str, object]) -> list[str]:
    """Replace `${…}` in names of `dvc.yaml` by arguments and settings."""

    def value(found: re.Match[str]) -> str:
        item, _, name = found[1].partition("item.")
        return str(_lookup(_read_params(), found[1]) if item else arguments[name])

    return [re.sub(r"\$\{([\w.]+)\}", value, name) for name in names]


def _lookup(values: Any, name: str) -> Any:
    """The setting with a dotted name; `...` if it is missing, because null is a value."""
    for part in name.split("."):
        values = values.get(part, ...) if isinstance(values, dict) else ...
    return values


def _files(path: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """The files of a folder with their status, without those that DVC ignores or that disappear."""
    patterns = Path(".dvcignore").read_text(encoding="utf-8").splitlines()

    def kept(names: list[str]) -> list[str]:
        return sorted(n for n in names if not any(fnmatchcase(n, pattern) for pattern in patterns))

    for folder, folders, names in os.walk(path):
        folders[:] = kept(folders)
        for file in (Path(folder, name) for name in kept(names)):
            with suppress(FileNotFoundError):
                yield file, file.stat()


def _size(path: Path) -> int:
    files = [(path, path.stat())] if path.is_file() else _files(path)
    return sum(status.st_size for _, status in files)


def _digest(path: Path) -> str | None:
    """A digest of a file or folder; of images, for speed, only sizes and times count."""
    if path.is_file():
        return sha256_of(path)
    if not path.is_dir():
        return None
    lines = (
        f"{file} {sha256_of(file)}\n"
        if file.suffix == ".py"
        else f"{file} {status.st_size} {status.st_mtime_ns}\n"
        for file, status in _files(path)
    )
    return hashlib.sha256(os.fsencode("".join(lines))).hexdigest()
