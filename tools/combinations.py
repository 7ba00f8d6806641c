"""The combinations of settings that a sweep runs, each with the name of its experiment."""

import copy
import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from pydantic import ValidationError

from srcnn.errors import InputError
from srcnn.settings import PARAMS, Settings, read_settings
from srcnn.utils.yaml_files import error_line, read_yaml


@dataclass(frozen=True)
class Combination:
    """One experiment: its name, its settings, and params.yaml as a whole with these settings.

    Args:
        overrides: the settings as `dvc exp run --set-param` takes them.
        settings: their values by dotted key.
    """

    name: str
    overrides: tuple[str, ...]
    settings: Mapping[str, Any]
    params: Mapping[str, Any]


def combine(arguments: Sequence[str], prefix: str = "") -> list[Combination]:
    """All combinations of the values given; the last argument changes fastest.

    Args:
        arguments: `key=value` or `key=value,value…`, in the grammar of `dvc exp run -S`.
        prefix: starts every name.

    Raises:
        InputError: an argument is malformed, or a setting is unknown or has a wrong value.
    """
    if not re.fullmatch(r"[\w+=-]*", prefix, re.ASCII) or prefix.startswith("-"):
        raise InputError(f"--name {prefix}: use only letters, digits, _, +, = and -")
    read_settings()
    params, lists = read_yaml(PARAMS), [list(_overrides(argument)) for argument in arguments]
    keys = [choices[0].key_or_group for choices in lists]
    for key in keys:
        if key.partition(".")[0] == "variants":
            raise InputError(f"{key}: a sweep changes the perceptual loss; use loss.* instead")
        if keys.count(key) > 1:
            raise InputError(f"{key}: given twice; list all its values after one =")
    found: dict[str, Combination] = {}
    for overrides in itertools.product(*lists):
        combination = _combination(overrides, params, prefix)
        if len(combination.name) > 200:  # git makes a file of it
            raise InputError(f"{combination.name}: the name is too long; sweep fewer settings")
        same = found.setdefault(combination.name, combination)
        if same.params != combination.params:
            raise InputError(f"{same.name}: two combinations have this name; sweep them separately")
    return list(found.values())


def varied(combinations: Sequence[Combination]) -> list[str]:
    """The settings with several values, λ2 first."""
    first = combinations[0].settings
    several = [key for key in first if any(c.settings[key] != first[key] for c in combinations)]
    return sorted(several, key=lambda key: key != "loss.lambda2")


def _overrides(argument: str) -> Iterator[Override]:
    """An override for each value of an argument."""
    reason, parser = f"{argument}: expected KEY=VALUE or KEY=VALUE,VALUE", OverridesParser.create()
    try:
        override = parser.parse_override(argument)
        if override.is_delete() or override.package or not override.key_or_group:
            raise InputError(reason)
        if not override.is_sweep_override():
            yield override
            return
        for value in override.sweep_string_iterator():
            yield parser.parse_override(f"{override.get_key_element()}={value}")
    except HydraException as error:
        raise InputError(f"{reason} ({str(error).splitlines()[0]})") from None


def _combination(
    overrides: Sequence[Override], params: Mapping[str, Any], prefix: str
) -> Combination:
    """Set the values as DVC does, and check them as the stages do."""
    params, settings = copy.deepcopy(params), {}
    words = tuple(str(override.input_line) for override in overrides)
    for override in overrides:
        section: Any = params
        *sections, last = override.key_or_group.split(".")
        for name in sections:
            section = section.get(name) if isinstance(section, dict) else None
        adds = override.is_add() or override.is_force_add()
        if not isinstance(section, dict) or (last not in section and not adds):
            reason = f"{PARAMS} has no setting {override.key_or_group}"
            raise InputError(f"{' '.join(words)}: {reason}")
        value: Any = override.value()
        section[last] = section.get(last, {}) | value if isinstance(value, dict) else value
        settings[override.key_or_group] = section[last]
    try:
        Settings.model_validate(params)
    except ValidationError as error:
        raise InputError(f"{' '.join(words)}: {error_line(error)}") from None
    known = list(pd.json_normalize(params).columns)
    names = [f"{_short(key, known)}={_slug(value)}" for key, value in settings.items()]
    return Combination("_".join(filter(None, [prefix, *names])), words, settings, params)


def _short(key: str, known: Sequence[str]) -> str:
    """The shortest end of a key that no other key has: `lambda2`, `train.lr`."""
    parts, others = key.split("."), [f".{other}" for other in known if other != key]
    ends = [".".join(parts[-count:]) for count in range(1, len(parts) + 1)]
    end = next((end for end in ends if not any(o.endswith(f".{end}") for o in others)), key)
    return re.sub(r"[^\w.+-]+", "-", end)


def _slug(value: Any) -> str:
    """A value as part of a name that git accepts; other characters become `-`."""
    text = value if isinstance(value, str) else json.dumps(value)
    return re.sub(r"(?:[^\w.+-]|(?<!\d)\.|\.(?!\d))+", "-", text, flags=re.ASCII).strip("-") or "-"
