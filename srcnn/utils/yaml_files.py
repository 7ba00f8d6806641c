"""Reads YAML as DVC does, also into pydantic models, with errors that become one line for users.

By YAML 1.2, `1e-05` is a number, and `on` and `1:30` are text. PyYAML by itself follows YAML 1.1
and keeps the last of several equal keys. A file may come from anyone: its size, its nesting and
what its aliases repeat are limited before it is read.
"""

import re
import reprlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from srcnn.errors import InputError

Model = TypeVar("Model", bound=BaseModel)
MAX_BYTES = 10_000_000  # dvc.lock, the largest file of this project, has 35 kB
MAX_DEPTH = 100  # of nested lists and mappings; no file of this project has more than 10
MAX_NODES = 100_000  # values, lists and mappings, with what aliases repeat; dvc.lock has 3,000
MAX_DIGITS = 1000  # of an integer; Python refuses to print 4,300
SHOWN = 10  # errors in a message

_repr = reprlib.Repr()
_repr.maxstring = _repr.maxother = _repr.maxlong = 100  # characters of a value in a message


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

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except yaml.YAMLError:
            raise
        except Exception as error:  # of many types, for a value that is not of its tag
            tag = node.tag.replace("tag:yaml.org,2002:", "!!")
            problem = f"not a value of {tag} ({str(error) or type(error).__name__})"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark) from None

    def integer(self, node: yaml.ScalarNode) -> int:
        """The value of an integer; unlike in YAML 1.1, `012` is twelve."""
        digits = node.value.replace("_", "")
        if len(digits) > MAX_DIGITS:
            raise ValueError(f"{len(digits)} digits")
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
        if path.exists() and not path.is_file():  # reading a pipe would wait
            raise InputError(f"{path}: cannot be read (not a regular file)")
        with path.open("rb") as file:
            return parse_yaml(file.read(MAX_BYTES + 1), str(path))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file{f' ({hint})' if hint else ''}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None


def parse_yaml(text: str | bytes, name: str) -> dict[str, Any]:
    """Parse a YAML file, which messages call `name`; InputError unless it is a mapping."""
    if len(text) > MAX_BYTES:
        raise InputError(f"{name}: larger than {MAX_BYTES:,} bytes, so not a file of settings")
    try:
        _check_size(yaml.parse(text, _Loader))
        values = yaml.load(text, _Loader)  # the loader is a safe one
    except Exception as error:  # the parser raises exceptions of many types
        raise InputError(f"{name}: not valid YAML: {_reason(error)}") from None
    if not isinstance(values, dict):
        raise InputError(f"{name}: empty, or not a mapping (`key: value`) at the top level")
    return values


def _check_size(events: Iterator[yaml.Event]) -> None:
    """Refuse too many values and too deep nesting, counted as if each alias were written out.

    libyaml, which recurses in C, would crash Python; aliases of aliases would fill the memory.
    """
    sizes: dict[str, tuple[int, int]] = {}  # by anchor: nodes and levels of what it names
    opened: list[list[Any]] = [[None, 0, 0]]  # anchor, nodes and levels of each open collection
    for event in events:
        anchor: Any = getattr(event, "anchor", None)
        nodes, levels = 1, 0
        if isinstance(event, yaml.CollectionStartEvent):
            opened.append([anchor, 1, 1])
            if anchor:
                sizes.pop(anchor, None)
            nodes = 0
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, nodes, levels = opened.pop()
        elif isinstance(event, yaml.AliasEvent):
            if any(anchor == outer for outer, _, _ in opened):
                raise _marked(f"alias {anchor} refers to itself", event)
            nodes, levels = sizes.get(anchor, (1, 0))  # the loader refuses an unknown anchor
        elif not isinstance(event, yaml.ScalarEvent):
            continue
        if anchor and not isinstance(event, yaml.AliasEvent | yaml.CollectionStartEvent):
            sizes[anchor] = nodes, levels
        opened[-1][1] += nodes
        opened[-1][2] = max(opened[-1][2], levels + 1)
        if len(opened) + levels > MAX_DEPTH:
            raise _marked(f"more than {MAX_DEPTH} levels of nesting", event)
        if sum(size for _, size, _ in opened) > MAX_NODES:
            raise _marked(f"more than {MAX_NODES:,} values", event)


def _marked(problem: str, event: yaml.Event) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)


def _reason(error: Exception) -> str:
    if not isinstance(error, yaml.MarkedYAMLError):
        return _shorten(f"{error}" or type(error).__name__)
    mark, reason = error.problem_mark, ", ".join(filter(None, (error.context, error.problem)))
    place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return place + _shorten(reason)


def _shorten(text: str) -> str:
    """Text on one line, without what is too long to read in a message."""
    line = " ".join(text.split())
    return line if len(line) <= 500 else f"{line[:400]} … {line[-90:]}"


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
    errors = error.errors()
    shown = [_describe(each, parents) for each in errors[:SHOWN]]
    return "; ".join([*shown, *([f"{len(errors) - SHOWN} more"] if errors[SHOWN:] else [])])


def _describe(error: Any, parents: tuple[str, ...]) -> str:
    name = _shorten(".".join(map(str, (*parents, *error["loc"]))))
    if error["type"] == "value_error":
        return _shorten(f"{name}{'.' if name else ''}{error['ctx']['error']}")
    message = {"extra_forbidden": "unknown setting", "missing": "is missing"}.get(error["type"])
    if message is None:
        message = error["msg"][0].lower() + error["msg"][1:]
        if error["type"] != "json_invalid":  # whose input is the whole file
            message += f", not {_repr.repr(error['input'])}"
    return f"{name}: {message}" if name else message
