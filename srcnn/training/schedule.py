"""Length of a training run, and the learning rate at each step."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """Options of the optimisation.

    Args:
        epochs: number of epochs.
        lr: learning rate, the peak of the schedule.
        schedule: `constant`, `cosine` or `one_cycle`, see `lr_factor`.
        clip_norm: gradients are scaled down to this norm; None: never.
        micro_batch: patches that pass through the networks together; None: the whole batch.
    """

    epochs: int
    lr: float
    schedule: str
    clip_norm: float | None = None
    micro_batch: int | None = None

    def lr_at(self, epoch: int, batch: int, batches: int) -> float:
        """Learning rate at a batch (counted from 0) of an epoch (from 1) of `batches` batches."""
        finished = (epoch - 1) * batches + batch
        return self.lr * lr_factor(self.schedule, (finished + 1) / (self.epochs * batches + 1))


def lr_factor(schedule: str, progress: float) -> float:
    """The learning rate as a share of its peak.

    Args:
        schedule: `constant`; `cosine`, from the peak to zero; or `one_cycle` (Smith 2018), which
            rises from zero for the first tenth and then falls as a cosine.
        progress: share of finished steps, in [0, 1).
    """
    if schedule == "constant":
        return 1.0
    warm_up = 0.1 if schedule == "one_cycle" else 0.0
    if progress < warm_up:
        return progress / warm_up
    return 0.5 + 0.5 * math.cos(math.pi * (progress - warm_up) / (1 - warm_up))
