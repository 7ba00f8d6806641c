"""Reads safetensors files of anyone, so that every failure becomes one line for users."""

import json
from pathlib import Path
from typing import Any, Literal

from safetensors import safe_open

from srcnn.errors import InputError

MAX_HEADER = 1_000_000  # bytes; the longest of this project's files has 5 kB
NETWORK_BYTES = 10_000_000  # limit for an SRCNN, which has 82 kB
WEIGHTS_BYTES = 2_000_000_000  # limit for a VGG; torchvision's VGG19 has 548 MB


def check_size(path: Path, largest: int) -> None:
    """Raise InputError unless `path` is a file of at most `largest` bytes.

    Raises:
        FileNotFoundError: there is none.
    """
    size = path.stat().st_size
    if not path.is_file():
        raise InputError(f"{path}: not a file")
    if size > largest:
        raise InputError(f"{path}: {size:,} bytes; such a file has at most {largest:,}")


def read_safetensors(
    path: Path, framework: Literal["np", "pt"], largest: int = WEIGHTS_BYTES
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read all tensors by name, and the JSON metadata of this project, which may be empty.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: it has more than `largest` bytes, is damaged, or has a type of numbers that
            `framework` lacks; its metadata is not a JSON object.
    """
    check_size(path, largest)
    try:
        with path.open("rb") as file:
            start = file.read(8)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    try:
        if (header := int.from_bytes(start, "little")) > MAX_HEADER:
            raise ValueError(f"a header of {header:,} bytes")
        with safe_open(path, framework) as opened:
            about = json.loads((opened.metadata() or {}).get("srcnn", "{}"))
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except Exception as error:  # damaged files raise exceptions of many types
        reason = str(error)[:300] or type(error).__name__
        raise InputError(f"{path}: damaged, or not a safetensors file ({reason})") from None
    if not isinstance(about, dict):
        raise InputError(f"{path}: not a file of this project (its metadata is not a JSON object)")
    return tensors, about
