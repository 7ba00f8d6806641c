"""Checkpoints of a training run, so that a killed run can continue and end with the same bytes.

A checkpoint is one safetensors file, replaced atomically, that contains a digest of itself. Its
name is a digest of everything that the run depends on, so that no other run loads it.
"""

import hashlib
import json
import math
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from safetensors import SafetensorError
from torch import Tensor, nn

from srcnn.errors import InputError
from srcnn.models.tensors import Weights, read_tensors, write_tensors
from srcnn.training.objective import Row


class Checkpoint:
    """The latest checkpoint of one run.

    Args:
        folder: for the checkpoints of this stage alone.
        run: everything that the run depends on (settings, images, code); its `repr` counts.
    """

    def __init__(self, folder: Path, run: object):
        self.folder = folder
        digest = hashlib.sha256(repr(run).encode()).hexdigest()
        self.path = folder / f"{digest[:32]}.safetensors"
        self._lock = FileLock(folder / ".lock")

    def lock(self) -> None:
        """Keep other processes out of the folder until `remove` or the end of this process.

        Raises:
            InputError: another process has locked it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise InputError(
                f"{self.folder}: another process is training this model; wait for it, or stop it "
                "and continue with the same command"
            ) from None

    def load(self) -> tuple[Weights, dict[str, Any]] | None:
        """The tensors and metadata of the last `save`, or None.

        A damaged file is renamed, and a line reports it.
        """
        if not self.path.exists():
            if any(self.folder.glob("*.safetensors")):
                print(f"{self.folder}: ignoring the checkpoint of another run", flush=True)
            return None
        try:
            tensors, metadata = read_tensors(self.path)
            if metadata.pop("digest") == _digest(tensors, metadata):
                return tensors, metadata
            fault = "wrong digest"
        except (SafetensorError, OSError, ValueError, KeyError) as error:
            fault = str(error)
        damaged = self.path.replace(self.path.with_suffix(".damaged"))
        print(
            f"{self.path}: damaged ({fault}), renamed to {damaged.name}; training starts again",
            flush=True,
        )
        return None

    def save(self, tensors: Mapping[str, Any], metadata: Mapping[str, Any]) -> None:
        """Replace the checkpoint."""
        on_cpu = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
        write_tensors(on_cpu, self.path, {**metadata, "digest": _digest(on_cpu, metadata)})

    def remove(self) -> None:
        """Delete all checkpoints in the folder, at the end of a run, and unlock it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.release()


def _digest(tensors: Weights, metadata: Mapping[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(metadata, sort_keys=True).encode())
    for name, value in sorted(tensors.items()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.numpy().tobytes())
    return digest.hexdigest()


@dataclass
class Progress:
    """The state of a run, except weights and optimiser.

    Args:
        epoch: current epoch, counted from 1.
        batch: finished batches of the epoch.
        rows: rows of the training curve.
        best: lowest loss on val.
        best_weights: the weights with that loss.
        totals: sums of the objective's values over the patches of the epoch, in this process.
    """

    epoch: int = 1
    batch: int = 0
    rows: list[Row] = field(default_factory=list)
    best: float = math.inf
    best_weights: Weights = field(default_factory=dict)
    totals: Weights = field(default_factory=dict)

    def keep_if_best(self, loss: float, model: nn.Module) -> None:
        """Keep a copy of the weights if their loss on val is the lowest so far."""
        if loss < self.best:
            self.best = loss
            weights = model.state_dict()
            self.best_weights = {name: value.clone() for name, value in weights.items()}

    def end_epoch(self, row: Row) -> None:
        """Add the epoch's row and start the next epoch."""
        self.rows.append(row)
        self.epoch, self.batch, self.totals = self.epoch + 1, 0, {}


def pack_state(
    model: nn.Module, adam: torch.optim.Adam, progress: Progress, totals: Row
) -> tuple[Weights, dict[str, Any]]:
    """The state of a run as tensors and metadata; `totals` are the sums of all processes."""
    parts = {
        "model": model.state_dict(),
        "best": progress.best_weights,
        **{f"adam.{i}": state for i, state in adam.state_dict()["state"].items()},
    }
    tensors = {f"{part}/{n}": value for part, of in parts.items() for n, value in of.items()}
    rows = [list(row.items()) for row in progress.rows]  # JSON objects keep no order
    metadata = {"epoch": progress.epoch, "batch": progress.batch, "totals": totals}
    return tensors, metadata | {"rows": rows, "best": progress.best}


def restore_state(
    model: nn.Module,
    adam: torch.optim.Adam,
    tensors: Weights,
    metadata: dict[str, Any],
    *,
    is_first: bool,
) -> Progress:
    """Restore a state from `pack_state`.

    Args:
        model: its weights are replaced.
        adam: its moments are replaced.
        tensors: from `pack_state`.
        metadata: from `pack_state`.
        is_first: whether this process takes over the sums of all processes.
    """
    parts: dict[str, Weights] = {}
    for name, value in tensors.items():
        part, _, key = name.partition("/")
        parts.setdefault(part, {})[key] = value  # load_state_dict copies it to the device
    model.load_state_dict(parts["model"])
    states = {
        number: {name: _with_layout_of(parameter, value) for name, value in state.items()}
        for number, parameter in enumerate(model.parameters())
        if (state := parts.get(f"adam.{number}"))
    }
    adam.load_state_dict(adam.state_dict() | {"state": states})
    device = next(model.parameters()).device
    totals = {
        name: torch.tensor(total, dtype=torch.float64, device=device)
        for name, total in metadata["totals"].items()
        if is_first
    }
    best = {name: value.to(device) for name, value in parts.get("best", {}).items()}
    rows = [*map(dict, metadata["rows"])]
    return Progress(**metadata | {"totals": totals, "best_weights": best, "rows": rows})


def _with_layout_of(parameter: Tensor, value: Tensor) -> Tensor:
    """A moment in the memory layout of its parameter, which fused Adam requires."""
    return torch.empty_like(parameter).copy_(value) if value.shape == parameter.shape else value
