"""Reads YAML files into pydantic models; errors become one line for users."""

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from srcnn.errors import InputError
from srcnn.utils.yaml_files import read_yaml

Model = TypeVar("Model", bound=BaseModel)


def read_model(kind: type[Model], path: Path, hint: str) -> Model:
    """Read a YAML file as a model.

    Args:
        kind: the model's class.
        path: the file.
        hint: added to the message if the file is missing.

    Raises:
        InputError: the file is missing or not YAML, or a value in it is unknown or wrong.
    """
    values = read_yaml(path, hint)
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise InputError(f"{path}: {error_line(error)}") from None


def error_line(error: ValidationError, *parents: str) -> str:
    """All errors as one line, each after the dotted name of the wrong value.

    The message of a ValueError that a model raises starts with the name of a field and a colon.

    Args:
        error: what pydantic raised.
        parents: names in front of every name.
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
