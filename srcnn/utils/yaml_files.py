"""Reads YAML as DVC does, by the rules of YAML 1.2: `1e-05` is a number, `on` and `1:30` are text.

PyYAML by itself follows YAML 1.1 and keeps the last of several equal keys.
"""

import re
from pathlib import Path
from typing import Any

import yaml

from srcnn.errors import InputError


class _Loader(yaml.CSafeLoader):  # type: ignore[misc]
    """Resolves plain scalars by YAML 1.2's core schema; refuses duplicate keys."""

    yaml_implicit_resolvers: dict[str | None, list[Any]] = {}  # noqa: RUF012  # without PyYAML's

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if (key.tag, key.value) in seen:
                    raise yaml.MarkedYAMLError(
                        None, None, f"duplicate key {key.value}", key.start_mark
                    )
                seen.add((key.tag, key.value))
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
    """Read a YAML file whose top level is a mapping.

    Args:
        path: the file.
        hint: added to the message if the file is missing.

    Raises:
        InputError: the file is missing, cannot be read, or is not a YAML mapping.
    """
    try:
        return parse_yaml(path.read_bytes(), str(path))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file{f' ({hint})' if hint else ''}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None


def parse_yaml(text: str | bytes, name: str) -> dict[str, Any]:
    """Parse the text of a YAML file, which messages call `name`.

    Raises:
        InputError: the text is not a YAML mapping.
    """
    try:
        values = yaml.load(text, _Loader)  # the loader is a safe one
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"{name}: not valid YAML: {_reason(error)}") from None
    if not isinstance(values, dict):
        raise InputError(f"{name}: empty, or not a mapping (`key: value`) at the top level")
    return values


def _reason(error: Exception) -> str:
    if not isinstance(error, yaml.MarkedYAMLError):
        return " ".join(str(error).split())
    mark, reason = error.problem_mark, ", ".join(filter(None, (error.context, error.problem)))
    return f"line {mark.line + 1}, column {mark.column + 1}: {reason}" if mark else reason
