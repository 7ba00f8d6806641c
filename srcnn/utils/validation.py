"""Turns pydantic's errors into one line for users."""

from typing import Any

from pydantic import ValidationError


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
