"""Types of single settings: counts, paths, sizes of images and names."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

Count = Annotated[int, Field(gt=0, lt=2**31)]


def _to_size(value: Any) -> Any:
    """Turn YAML's list of two lengths into a tuple."""
    if value in (None, "most_common"):
        return value
    if isinstance(value, list) and [*map(type, value)] == [int, int] and min(value) > 0:
        return tuple(value)
    raise PydanticCustomError("size", "Give a width and a height, such as [2040, 1356]")


def _expand_home(folder: str) -> str:
    """Replace `~` or `~user` at the beginning of a path by the home folder."""
    if "\0" in folder:
        raise PydanticCustomError("folder", "A path has no NUL character")
    try:
        return str(Path(folder).expanduser())
    except RuntimeError:
        raise PydanticCustomError("folder", "No user has this home folder") from None


SameSize = Annotated[tuple[int, int] | Literal["most_common"] | None, BeforeValidator(_to_size)]
"""Width and height in pixels; `most_common`: of most images; None: any."""

UserPath = Annotated[str, Field(min_length=1), AfterValidator(_expand_home)]
"""A path, in which `~` is the home folder."""


def check_name(setting: str, name: str) -> None:
    """Raise ValueError unless a name can be part of a path and of a command's options."""
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]*", name):
        raise ValueError(f"{setting}: {name!r}: use letters, digits, _ and - only, not - first")
