"""Reads and writes tensors as safetensors files with JSON metadata."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import save
from torch import Tensor

from srcnn.errors import InputError
from srcnn.utils.files import atomic_write
from srcnn.utils.tensor_files import WEIGHTS_BYTES, read_safetensors

Weights = dict[str, Tensor]


def to_tensor(images: npt.NDArray[np.uint8] | Tensor, device: torch.device) -> Tensor:
    """[N, H, W, 3] uint8 to [N, 3, H, W] float32 in [0, 1], channels last in memory."""
    if not isinstance(images, Tensor):
        images = torch.tensor(images)  # a copy: torch warns about read-only arrays
    return images.to(device).permute(0, 3, 1, 2).float().div_(255)


def write_tensors(tensors: Mapping[str, Tensor], path: Path, about: Mapping[str, Any]) -> None:
    """Write tensors and metadata; the same input gives the same bytes."""
    packed = {name: value.contiguous().cpu() for name, value in tensors.items()}
    with atomic_write(path) as temporary:
        # One entry, because safetensors does not keep the order of several.
        content = save(packed, {"srcnn": json.dumps(about, sort_keys=True)})
        # Not by safetensors' save_file: it makes another file, without the lock of `atomic_write`.
        temporary.write_bytes(content)


def read_tensors(path: Path, largest: int = WEIGHTS_BYTES) -> tuple[Weights, dict[str, Any]]:
    """Read the tensors and the metadata of `write_tensors`; errors as `read_safetensors`."""
    return read_safetensors(path, "pt", largest)


def read_weights(
    path: Path,
    needed: Iterable[str] = (),
    network: str | None = None,
    stage: str = "fetch_weights",
) -> Weights:
    """Read weights that a stage fetched; InputError if missing, damaged or not as needed."""
    try:
        weights, about = read_tensors(path)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file (the stage {stage} makes it)") from None
    if (network and about.get("network") != network) or not weights.keys() >= set(needed):
        raise InputError(f"{path}: contains other weights; run the stage {stage} again")
    return weights
