"""Tensors by name in a safetensors file, with what is to be known about them as JSON metadata."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from srcnn.files import written_whole


def write_tensors(tensors: Mapping[str, Tensor], path: Path, about: Mapping[str, Any]) -> None:
    """Write the file whole; the same tensors and `about` give the same bytes."""
    packed = {name: value.contiguous().cpu() for name, value in tensors.items()}
    with written_whole(path) as temporary:
        # One entry, as safetensors does not keep the order of several.
        save_file(packed, temporary, {"srcnn": json.dumps(about, sort_keys=True)})


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read the tensors and what `write_tensors` was told about them, nothing for other files."""
    with safe_open(path, "pt") as file:
        about = json.loads((file.metadata() or {}).get("srcnn", "{}"))
        return {name: file.get_tensor(name) for name in file.keys()}, about  # noqa: SIM118
