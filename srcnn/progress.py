"""What a training run has done, and its state as tensors and facts to be saved."""

import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from srcnn.objective import Row
from srcnn.tensors import Weights


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
