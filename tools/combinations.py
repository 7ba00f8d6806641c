"""The combinations of settings that a sweep runs, each with the name of its experiment."""

import itertools
import json
import re
from collections.abc import Mapping, Sequence
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

_MAX_LENGTH = 1000  # characters of an argument


@dataclass(frozen=True)
class Combination:
    """An experiment of a sweep."""

    name: str
    overrides: Sequence[str]  # as `dvc exp run --set-param` takes them
    settings: Mapping[str, Any]  # their values by dotted key
    params: Mapping[str, Any]  # params.yaml as a whole with these settings


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
    lists = [_overrides(argument) for argument in arguments]
    keys = [overrides[0].key_or_group for overrides in lists]
    for key in keys:
        if key.partition(".")[0] == "variants":
            raise InputError(f"{key}: a sweep changes the perceptual loss; use loss.* instead")
        if keys.count(key) > 1:
            raise InputError(f"{key}: given twice; list all its values after one =")
    found: dict[str, Combination] = {}
    for overrides in itertools.product(*lists):
        combination = _combination(overrides, prefix)
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


def _overrides(argument: str) -> list[Override]:
    """An override for each value of an argument."""
    if len(argument) > _MAX_LENGTH:
        raise InputError(f"{argument[:60]}…: more than {_MAX_LENGTH} characters")
    reason, parser = f"{argument}: expected KEY=VALUE or KEY=VALUE,VALUE", OverridesParser.create()
    if not re.match(r"[^~@:=]+=", argument):
        raise InputError(reason)
    try:
        override = parser.parse_override(argument)
        if not override.is_sweep_override():
            return [override]
        values, key = override.sweep_string_iterator(), override.get_key_element()
        overrides = parser.parse_overrides([f"{key}={value}" for value in values])
    except (HydraException, RecursionError, ValueError) as error:
        raise InputError(f"{reason} ({str(error).splitlines()[0]})") from None
    if not overrides:
        raise InputError(f"{argument}: no values")
    return overrides


def _combination(overrides: Sequence[Override], prefix: str) -> Combination:
    """Set the values as DVC does, and check them as the stages do."""
    words, settings = [str(override.input_line) for override in overrides], {}
    params = read_yaml(PARAMS)
    for override in overrides:
        key, value, section = override.key_or_group, override.value(), params
        *parents, last = key.split(".")
        try:
            for name in parents:
                section = section[name]
            adds = override.is_add() or override.is_force_add()
            old = section.get(last, {}) if adds else section[last]
            section[last] = settings[key] = old | value if isinstance(value, dict) else value
        except (AttributeError, LookupError, TypeError):
            raise InputError(f"{' '.join(words)}: {PARAMS} has no setting {key}") from None
    try:
        Settings.model_validate(params)
    except ValidationError as error:
        raise InputError(f"{' '.join(words)}: {error_line(error)}") from None
    known = list(pd.json_normalize(params).columns)
    names = [f"{_short(key, known)}={_slug(value)}" for key, value in settings.items()]
    return Combination("_".join(filter(None, [prefix, *names])), words, settings, params)


def _short(key: str, known: Sequence[str]) -> str:
    """The shortest end of a key that no other key has: `lambda2`, `train.lr`."""
    others = [f".{other}" for other in known if other != key]
    ends = [key.split(".", count)[-1] for count in range(key.count("."), 0, -1)]
    end = next((end for end in ends if not any(o.endswith(f".{end}") for o in others)), key)
    return re.sub(r"[^\w.+-]+", "-", end)


def _slug(value: Any) -> str:
    """A value as part of a name that git accepts; other characters become `-`."""
    text = value if isinstance(value, str) else json.dumps(value)
    return re.sub(r"(?:[^\w.+-]|(?<!\d)\.|\.(?!\d))+", "-", text, flags=re.ASCII).strip("-") or "-"
