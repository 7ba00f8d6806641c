"""Reads JSON files as typed values, with errors that become one line for users."""

from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from srcnn.errors import InputError
from srcnn.utils.yaml_files import error_line


def parse_json(text: str | bytes, name: object, kind: Any, advice: str = "") -> Any:
    """Parse JSON as a type, such as `dict[str, float]`; InputError, which starts with `name`.

    The message ends with the advice.
    """
    try:
        return TypeAdapter(kind).validate_json(text)
    except ValidationError as error:
        raise InputError(f"{name}: damaged ({error_line(error)}){advice}") from None


def read_json(path: Path, stage: str, kind: Any = dict[str, Any]) -> Any:
    """Read a file that a stage writes; InputError if it is missing or damaged."""
    try:
        return parse_json(path.read_bytes(), path, kind, f"; run the stage {stage} again")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file (the stage {stage} makes it)") from None
