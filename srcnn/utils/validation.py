"""Turns what pydantic reports about wrong values into one line for users."""

from typing import Any

from pydantic import ValidationError


def error_line(error: ValidationError) -> str:
    """All errors as one line, each after the dotted name of the wrong value.

    The message of a ValueError that a model raises begins with a field's name and a colon.
    """
    return "; ".join(map(_one, error.errors()))


def _one(error: Any) -> str:
    where = ".".join(map(str, error["loc"]))
    prefix = f"{where}: " if where else ""
    if error["type"] == "extra_forbidden":
        return f"{prefix}unknown setting"
    if error["type"] == "missing":
        return f"{prefix}is missing"
    if error["type"] == "value_error":
        return f"{where}{'.' if where else ''}{error['ctx']['error']}"
    message = error["msg"][0].lower() + error["msg"][1:]
    if error["type"] == "json_invalid":  # the input is the whole file
        return f"{prefix}{message}"
    return f"{prefix}{message}, not {error['input']!r}"
