"""Checkpoints of a training run, so that a killed run can continue and end with the same bytes.

A checkpoint is one file, replaced atomically: a sha256, and the state as `torch.save` writes it.
Its name is a digest of everything that the run depends on, so that no other run loads it.
"""

import hashlib
import io
import math
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout
from torch import nn

from srcnn.errors import InputError
from srcnn.models.device import float64_device
from srcnn.models.tensors import Weights
from srcnn.training.objective import Row
from srcnn.utils.files import atomic_write

State = dict[str, Any]  # tensors, numbers and texts in dictionaries and lists


class Checkpoint:
    """The latest checkpoint of one run, in a folder for the checkpoints of its stage alone.

    `run` is everything that the run depends on (settings, images, code); its `repr` counts.
    """

    def __init__(self, folder: Path, run: object):
        self.folder = folder
        digest = hashlib.sha256(repr(run).encode()).hexdigest()
        self.path = folder / f"{digest[:32]}.checkpoint"
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

    def load(self) -> State | None:
        """The last saved state, with its tensors on the CPU, or None; renames a damaged file."""
        if not self.path.exists():
            if any(self.folder.glob("*.checkpoint")):
                print(f"{self.folder}: ignoring the checkpoint of another run", flush=True)
            return None
        content = self.path.read_bytes()
        digest, state = content[:32], content[32:]
        if hashlib.sha256(state).digest() == digest:
            return torch.load(io.BytesIO(state), map_location="cpu", weights_only=True)
        damaged = self.path.replace(self.path.with_suffix(".damaged"))
        print(f"{self.path}: damaged, renamed to {damaged.name}; training starts again", flush=True)
        return None

    def save(self, state: State) -> None:
        """Replace the checkpoint.

        Raises:
            InputError: the disk is full.
        """
        buffer = io.BytesIO()
        torch.save(state, buffer)
        with atomic_write(self.path) as temporary:
            temporary.write_bytes(hashlib.sha256(buffer.getvalue()).digest() + buffer.getvalue())

    def remove(self) -> None:
        """Delete all checkpoints in the folder, at the end of a run, and unlock it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.release()


@dataclass
class Progress:
    """The state of a run, except weights and optimiser."""

    epoch: int = 1  # counted from 1
    batch: int = 0  # finished batches of the epoch
    rows: list[Row] = field(default_factory=list)  # of the training curve
    best: float = math.inf  # lowest loss on the images that choose the epoch
    best_weights: Weights = field(default_factory=dict)  # with that loss
    totals: Weights = field(default_factory=dict)  # sums of raw values in this process's patches

    def __str__(self) -> str:
        return f"epoch {self.epoch}, batch {self.batch}"

    def keep_if_best(self, loss: float, model: nn.Module) -> None:
        """Keep a copy of the weights if their loss on the images that choose is the lowest yet."""
        if loss < self.best:
            self.best = loss
            self.best_weights = {name: w.clone() for name, w in model.state_dict().items()}

    def end_epoch(self, row: Row) -> None:
        """Add the epoch's row and start the next epoch."""
        self.rows.append(row)
        self.epoch, self.batch, self.totals = self.epoch + 1, 0, {}


def pack_state(model: nn.Module, adam: torch.optim.Adam, progress: Progress, totals: Row) -> State:
    """The state of a run; `totals` are the sums of all processes."""
    moments = adam.state_dict()["state"]
    return {"model": model.state_dict(), "adam": moments, **vars(progress), "totals": totals}


def restore_state(
    model: nn.Module, adam: torch.optim.Adam, state: State, *, is_first: bool
) -> Progress:
    """Restore a state of `pack_state`; the first process takes over the sums of all processes."""
    model.load_state_dict(state.pop("model"))
    adam.load_state_dict(adam.state_dict() | {"state": state.pop("adam")})
    device = next(model.parameters()).device
    progress = Progress(**state)
    progress.best_weights = {n: value.to(device) for n, value in progress.best_weights.items()}
    sums = progress.totals if is_first else {}
    on = float64_device(device)
    progress.totals = {
        n: torch.tensor(total, dtype=torch.float64, device=on) for n, total in sums.items()
    }
    return progress
