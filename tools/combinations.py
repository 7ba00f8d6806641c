"""The combinations of settings that a sweep tries, each with the name of its experiment."""

import json
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

from dvc.exceptions import DvcException
from dvc.utils.flatten import flatten
from dvc.utils.hydra import apply_overrides, get_hydra_sweeps, to_hydra_overrides
from hydra.core.override_parser.types import OverrideType
from hydra.errors import HydraException

from srcnn.errors import InputError
from srcnn.settings import PARAMS, read_settings
from srcnn.utils.yaml_files import read_yaml

LONGEST = 200
"""Letters of an experiment's name; git makes a file of it."""


@dataclass(frozen=True)
class Combination:
    """An experiment that a sweep needs.

    Args:
        name: of the experiment, made from the values.
        overrides: the settings as `dvc exp run --set-param` takes them.
        given: value by dotted key of the settings that the command line names.
        params: all of params.yaml with them in place.
    """

    name: str
    overrides: tuple[str, ...]
    given: Mapping[str, Any]
    params: Mapping[str, Any]


def combine(arguments: Sequence[str], prefix: str = "", params: Path = PARAMS) -> list[Combination]:
    """All combinations of the values given, the last argument's changing fastest.

    Args:
        arguments: `key=value` or `key=value,value…` each, in the grammar of `dvc exp run -S`.
        prefix: begins every name, if there is one.
        params: the file whose settings they change.

    Raises:
        InputError: an argument cannot be read, or names what no run could have.
    """
    if not re.fullmatch(r"[\w+=-]*", prefix, re.ASCII) or prefix.startswith("-"):
        raise InputError(f"--name {prefix}: of letters, digits, _, +, = and - alone")
    read_settings(params)
    keys = [_key(argument) for argument in arguments]
    for key in keys:
        if key.partition(".")[0] == "variants":
            raise InputError(f"{key}: a sweep is of the perceptual loss; name those of loss.*")
        if keys.count(key) > 1:
            raise InputError(f"{key}: given twice; list all its values after one =")
    try:
        grid = get_hydra_sweeps({"": list(arguments)})
    except (DvcException, HydraException) as error:
        raise InputError(f"{' '.join(arguments)}: {_first_line(error)}") from None
    found: dict[str, Combination] = {}
    for overrides in grid:
        combination = _combination(overrides[""], keys, prefix, params)
        if len(combination.name) > LONGEST:
            raise InputError(f"{combination.name}: too long for a name; sweep fewer settings")
        same = found.setdefault(combination.name, combination)
        if same.params != combination.params:
            raise InputError(f"{same.name}: the name of two combinations; sweep them apart")
    return list(found.values())


def varied(combinations: Sequence[Combination]) -> list[str]:
    """The settings that have several values, λ2 before the others."""
    first = combinations[0].given
    several = [key for key in first if any(each.given[key] != first[key] for each in combinations)]
    return sorted(several, key=lambda key: key != "loss.lambda2")


def _key(argument: str) -> str:
    """The setting that an argument names."""
    reason = "not KEY=VALUE or KEY=VALUE,VALUE"
    try:
        (override,) = to_hydra_overrides([argument])
    except HydraException as error:
        raise InputError(f"{argument}: {reason} ({_first_line(error)})") from None
    if override.type == OverrideType.DEL or override.package or not override.key_or_group:
        raise InputError(f"{argument}: {reason}")
    return str(override.key_or_group)


def _combination(
    overrides: Sequence[str], keys: Sequence[str], prefix: str, params: Path
) -> Combination:
    """Put the settings in place as DVC will, and check them as the stages will."""
    words = " ".join(overrides)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, params.name)
        shutil.copy(params, file)
        try:
            apply_overrides(file, list(overrides))
            read_settings(file)
        except DvcException as error:
            raise InputError(f"{words}: {_first_line(error.__cause__ or error)}") from None
        except InputError as error:
            raise InputError(f"{words}: {str(error).removeprefix(f'{file}: ')}") from None
        values = read_yaml(file)
    try:
        given = {key: reduce(lambda part, name: part[name], key.split("."), values) for key in keys}
    except (KeyError, TypeError):
        raise InputError(f"{words}: names no setting of {params}") from None
    names = [f"{_short(key, flatten(values))}={_slug(value)}" for key, value in given.items()]
    return Combination("_".join(filter(None, [prefix, *names])), tuple(overrides), given, values)


def _short(key: str, keys: Iterable[str]) -> str:
    """As much of a key's end as no other key ends with: `lambda2`, `train.lr`."""
    parts = key.split(".")
    ends = [".".join(parts[-count:]) for count in range(1, len(parts) + 1)]
    others = [f".{other}" for other in keys if other != key]
    end = next((end for end in ends if not any(o.endswith(f".{end}") for o in others)), key)
    return re.sub(r"[^\w.+-]+", "-", end)


def _slug(value: Any) -> str:
    """A value as a part of a name that git takes: what is not a letter, digit or sign is a `-`."""
    text = value if isinstance(value, str) else json.dumps(value)
    return re.sub(r"(?:[^\w.+-]|(?<!\d)\.|\.(?!\d))+", "-", text, flags=re.ASCII).strip("-") or "-"


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]
