"""The state of a training run on disk, so that a run that is killed goes on and ends the same.

A state is one safetensors file, replaced in one stroke, that holds a digest of itself. It is named
by a digest of all that the run depends on, so that it is never taken for another run's.
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
    """Keeps the latest state of one run.

    Args:
        folder: for the states of this stage alone.
        run: whatever the run depends on: settings, images, code; its `repr` counts.
    """

    def __init__(self, folder: Path, run: object):
        self.folder = folder
        digest = hashlib.sha256(repr(run).encode()).hexdigest()
        self.path = folder / f"{digest[:32]}.safetensors"
        self._lock = FileLock(folder / ".lock")

    def hold(self) -> None:
        """Keep other processes from the folder until `remove`, or until this one has ended.

        Raises:
            InputError: another process holds it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise InputError(
                f"{self.folder}: another process is training this; wait until it has ended, or end "
                "it: the same command goes on from there"
            ) from None

    def load(self) -> tuple[Weights, dict[str, Any]] | None:
        """The tensors and facts that were saved last, or None.

        A file that is not as it was written is set aside, and a line says so.
        """
        if not self.path.exists():
            if any(self.folder.glob("*.safetensors")):
                print(f"{self.folder}: what other settings or data left is not taken", flush=True)
            return None
        try:
            tensors, about = read_tensors(self.path)
            if about.pop("digest") == _digest(tensors, about):
                return tensors, about
            fault = "it is not as it was written"
        except (SafetensorError, OSError, ValueError, KeyError) as error:
            fault = str(error)
        aside = self.path.with_suffix(".damaged")
        self.path.replace(aside)
        print(f"{self.path}: damaged ({fault}), now {aside.name}; training begins anew", flush=True)
        return None

    def save(self, tensors: Mapping[str, Any], about: Mapping[str, Any]) -> None:
        """Replace the state by this one."""
        packed = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
        write_tensors(packed, self.path, {**about, "digest": _digest(packed, about)})

    def remove(self) -> None:
        """Forget the run, which has ended well, and all that was left of earlier ones."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.release()


def _digest(tensors: Weights, about: Mapping[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    for name, value in sorted(tensors.items()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.numpy().tobytes())
    return digest.hexdigest()


@dataclass
class Progress:
    """What of a run is done, besides the weights.

    Args:
        epoch: the present one, counted from 1.
        batch: batches of it that are done.
        rows: of the loss curve.
        best: the lowest loss on val.
        best_weights: those that gave it.
        totals: sums over the epoch's patches of the objective's terms, of this process.
    """

    epoch: int = 1
    batch: int = 0
    rows: list[Row] = field(default_factory=list)
    best: float = math.inf
    best_weights: Weights = field(default_factory=dict)
    totals: Weights = field(default_factory=dict)

    def keep_if_best(self, loss: float, model: nn.Module) -> None:
        """Keep a copy of the weights if their loss on val is the lowest yet."""
        if loss < self.best:
            self.best = loss
            weights = model.state_dict()
            self.best_weights = {name: value.clone() for name, value in weights.items()}

    def end_epoch(self, row: Row) -> None:
        """Add the epoch's row and begin the next one."""
        self.rows.append(row)
        self.epoch, self.batch, self.totals = self.epoch + 1, 0, {}


def packed(
    model: nn.Module, adam: torch.optim.Adam, progress: Progress, totals: Row
) -> tuple[Weights, dict[str, Any]]:
    """The state of a run as tensors and facts; `totals` are the sums of all processes."""
    parts = {
        "model": model.state_dict(),
        "best": progress.best_weights,
        **{f"adam.{i}": state for i, state in adam.state_dict()["state"].items()},
    }
    tensors = {f"{part}/{n}": value for part, of in parts.items() for n, value in of.items()}
    rows = [list(row.items()) for row in progress.rows]  # JSON objects keep no order
    about = {"epoch": progress.epoch, "batch": progress.batch, "totals": totals}
    return tensors, about | {"rows": rows, "best": progress.best}


def unpacked(
    model: nn.Module,
    adam: torch.optim.Adam,
    tensors: Weights,
    about: dict[str, Any],
    *,
    is_first: bool,
) -> Progress:
    """Go back to where a state was packed.

    Args:
        model: gets its weights back.
        adam: gets its moments back.
        tensors: as `packed` made them.
        about: as `packed` made it.
        is_first: whether this is the process that goes on with the sums of all.
    """
    parts: dict[str, Weights] = {}
    for name, value in tensors.items():
        part, _, key = name.partition("/")
        parts.setdefault(part, {})[key] = value  # copied to the device by load_state_dict
    model.load_state_dict(parts["model"])
    states = {
        number: {name: _laid_out_as(parameter, value) for name, value in state.items()}
        for number, parameter in enumerate(model.parameters())
        if (state := parts.get(f"adam.{number}"))
    }
    adam.load_state_dict(adam.state_dict() | {"state": states})
    device = next(model.parameters()).device
    totals = {
        name: torch.tensor(total, dtype=torch.float64, device=device)
        for name, total in about["totals"].items()
        if is_first
    }
    best = {name: value.to(device) for name, value in parts.get("best", {}).items()}
    about |= {"totals": totals, "best_weights": best, "rows": [*map(dict, about["rows"])]}
    return Progress(**about)


def _laid_out_as(parameter: Tensor, value: Tensor) -> Tensor:
    """A moment in the memory layout of its parameter, as fused Adam takes it for granted."""
    return torch.empty_like(parameter).copy_(value) if value.shape == parameter.shape else value
