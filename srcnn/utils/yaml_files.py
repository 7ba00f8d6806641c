"""Reads YAML as DVC does, also into pydantic models, with errors that become one line for users.

By YAML 1.2, `1e-05` is a number, and `on` and `1:30` are text. PyYAML by itself follows YAML 1.1
and keeps the last of several equal keys.
"""

import re
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from srcnn.errors import InputError

Model = TypeVar("Model", bound=BaseModel)
MAX_DEPTH = 100  # of nested lists and mappings; no file of this project has more than 10


class _Loader(yaml.CSafeLoader):  # type: ignore[misc]
    """Resolves plain scalars by YAML 1.2's core schema; refuses duplicate keys."""

    yaml_implicit_resolvers: dict[str | None, list[Any]] = {}  # noqa: RUF012  # without PyYAML's

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            name = key.tag, str(key.value)
            if name in seen:
                message = f"duplicate key {key.value}"
                raise yaml.MarkedYAMLError(problem=message, problem_mark=key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)

    def integer(self, node: yaml.ScalarNode) -> int:
        """The value of an integer; unlike in YAML 1.1, `012` is twelve."""
        digits = node.value.replace("_", "")
        return int(digits, 0 if digits[:2] in ("0x", "0o") else 10)


# Section 10.3.2 of the YAML 1.2 specification, with underscores in numbers as in DVC's parser.
_PATTERNS = {
    "null": r"~|null|Null|NULL|",
    "bool": r"true|True|TRUE|false|False|FALSE",
    "int": r"[-+]?[0-9][0-9_]*|0o[0-7]+|0x[0-9a-fA-F]+",
    "float": r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?"
    r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
    "merge": "<<",
}
for _tag, _pattern in _PATTERNS.items():
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"({_pattern})\Z"), None)
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.integer)


def read_yaml(path: Path, hint: str = "") -> dict[str, Any]:
    """Read a YAML mapping; InputError if it is missing (with `hint`), unreadable or not one."""
    try:
        return parse_yaml(path.read_bytes(), str(path))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file{f' ({hint})' if hint else ''}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None


def parse_yaml(text: str | bytes, name: str) -> dict[str, Any]:
    """Parse a YAML file, which messages call `name`; InputError unless it is a mapping."""
    try:
        _check_depth(text)
        values = yaml.load(text, _Loader)  # the loader is a safe one
    except (yaml.YAMLError, ValueError, KeyError, AttributeError) as error:
        raise InputError(f"{name}: not valid YAML: {_reason(error)}") from None
    if not isinstance(values, dict):
        raise InputError(f"{name}: empty, or not a mapping (`key: value`) at the top level")
    return values


def _check_depth(text: str | bytes) -> None:
    """Refuse nesting so deep that libyaml, which recurses in C, would crash Python."""
    depth = 0
    for event in yaml.parse(text, _Loader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise yaml.YAMLError(f"more than {MAX_DEPTH} levels of nesting")


def _reason(error: Exception) -> str:
    if not isinstance(error, yaml.MarkedYAMLError):
        return " ".join(str(error).split())
    mark, reason = error.problem_mark, ", ".join(filter(None, (error.context, error.problem)))
    return f"line {mark.line + 1}, column {mark.column + 1}: {reason}" if mark else reason


def read_model(kind: type[Model], path: Path, hint: str) -> Model:
    """Read a YAML file as a model; errors as in `read_yaml`, or a value is unknown or wrong."""
    values = read_yaml(path, hint)
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise InputError(f"{path}: {error_line(error)}") from None


def error_line(error: ValidationError, *parents: str) -> str:
    """All errors as one line, each after `parents` and the dotted name of the wrong value.

    The message of a ValueError that a model raises starts with the name of a field and a colon.
    """
    return "; ".join(_describe(each, parents) for each in error.errors())


def _describe(error: Any, parents: tuple[str, ...]) -> str:
    name = ".".join(map(str, (*parents, *error["loc"])))
    if error["type"] == "value_error":
        return f"{name}{'.' if name else ''}{error['ctx']['error']}"
    message = {"extra_forbidden": "unknown setting", "missing": "is missing"}.get(error["type"])
    if message is None:
        message = error["msg"][0].lower() + error["msg"][1:]
        if error["type"] != "json_invalid":  # whose input is the whole file
            message += f", not {error['input']!r}"
    return f"{name}: {message}" if name else message
