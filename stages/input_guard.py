"""What DVC writes down of a stage that ran: it has to be true, and there has to be room for it.

DVC looks at settings, data and code when a stage has ended. A model that was trained with one
learning rate would be kept as the result of another that params.yaml has got meanwhile. And where
its cache has no room for all of a folder, DVC says so and ends with status 0.
"""

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from configparser import ConfigParser
from contextlib import suppress
from pathlib import Path
from typing import Any

from srcnn.errors import InputError
from srcnn.settings import PARAMS
from srcnn.utils.files import check_room, sha256_of
from srcnn.utils.text import join_names
from srcnn.utils.yaml_files import read_yaml

ROOM = 32 * 10**6
"""Bytes for DVC's own notes, which a full disk damages."""


class Record:
    """What `dvc.yaml` lists of the stage that DVC has started, and how it was when that began.

    Of a stage that somebody started by hand nothing is recorded, and nothing is looked at.

    Args:
        arguments: of the stage's command line, by name, as `dvc.yaml` has them in `${item.name}`.

    Raises:
        InputError: the disk is all but full, or `dvc.yaml` is damaged.
    """

    def __init__(self, arguments: Mapping[str, object]):
        stage = {}
        if "DVC_STAGE" in os.environ and os.environ.get("LOCAL_RANK", "0") == "0":
            name = os.environ["DVC_STAGE"].rpartition(":")[2].partition("@")[0]
            stage = read_yaml(Path("dvc.yaml")).get("stages", {}).get(name, {})
            check_room(ROOM, Path(), "DVC's notes")
        self._settings = _filled_in(stage.get("params", []), arguments)
        self._read_files = [Path(name) for name in _filled_in(stage.get("deps", []), arguments)]
        made = [*stage.get("outs", []), *stage.get("metrics", []), *stage.get("plots", [])]
        kept = [out for out in made if isinstance(out, str) or _is_cached(out)]
        names = [out if isinstance(out, str) else next(iter(out)) for out in kept]
        self._made = [Path(name) for name in _filled_in(names, arguments)]
        self._before = self._now()

    def changed(self) -> list[str]:
        """The settings, files and folders that the stage reads and that are not as they were."""
        now = self._now()
        return [name for name, state in self._before.items() if now[name] != state]

    def check(self) -> None:
        """Raise InputError where DVC would write down what is not so, or has no room for it."""
        if changed := self.changed():
            raise InputError(
                f"changed while this stage ran: {join_names(changed)}; its result is of "
                "what was before and is not recorded: the same command makes it of what is now"
            )
        if size := sum(_size(path) for path in self._made):
            config = ConfigParser(interpolation=None)
            config.read((".dvc/config", ".dvc/config.local"), encoding="utf-8")
            named = config.get("cache", "dir", fallback="cache").strip("\"'")
            cache = Path(".dvc", Path(named).expanduser())
            names = join_names([str(path) for path in self._made])
            check_room(size + ROOM, cache, f"DVC's copies of {names} and its notes")

    def _now(self) -> dict[str, object]:
        """By name the value of each setting and a digest of each file and folder."""
        values = _params() if self._settings else {}
        states: dict[str, object] = {
            f"{PARAMS}: {name}": _value(values, name) for name in self._settings
        }
        return states | {str(path): _digest(path) for path in self._read_files}


def _params() -> dict[str, Any]:
    """All settings; none while somebody's editor has not saved all of the file."""
    with suppress(InputError):
        return read_yaml(PARAMS)
    return {}


def _filled_in(names: list[str], arguments: Mapping[str, object]) -> list[str]:
    """Names of `dvc.yaml` with the arguments and settings that it has in them as `${…}`."""

    def value(found: re.Match[str]) -> str:
        of_item = found[1].startswith("item.")
        name = found[1].removeprefix("item.")
        return str(arguments[name] if of_item else _value(_params(), name))

    return [re.sub(r"\$\{([\w.]+)\}", value, name) for name in names]


def _value(values: Any, name: str) -> Any:
    """The setting of that dotted name; `...` if there is none, as null is a setting."""
    for part in name.split("."):
        values = values.get(part, ...) if isinstance(values, dict) else ...
    return values


def _is_cached(out: Mapping[str, Any]) -> bool:
    return bool(next(iter(out.values())).get("cache", True))


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else sum(a.st_size for _, a in _files(path))


def _files(path: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """A folder's files, but for those that are gone by then, with what the system says of them."""
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for file in (Path(folder, name) for name in sorted(names)):
            with suppress(FileNotFoundError):
                yield file, file.stat()


def _digest(path: Path) -> str | None:
    """Of a file's content; of the names, sizes and times of a folder's files, which may be many."""
    if path.is_file():
        return sha256_of(path)
    if not path.is_dir():
        return None
    digest = hashlib.sha256()
    for file, about in _files(path):
        digest.update(f"{file} {about.st_size} {about.st_mtime_ns}\n".encode())
    return digest.hexdigest()
