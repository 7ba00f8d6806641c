"""Algorithm 1: train SRCNN with Eq. 1 or Eq. 3, and keep the last or the best epoch."""

import math
import signal
import time
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import cycle, pairwise

import torch
from torch import Tensor
from tqdm import tqdm

from srcnn.errors import InputError, Stopped
from srcnn.images.pairs import Pair
from srcnn.models.dct import end_dct
from srcnn.models.device import synchronize
from srcnn.training.checkpoint import Checkpoint, Progress, pack_state, restore_state
from srcnn.training.fabric import reduce_processes, sum_processes
from srcnn.training.grid_artefacts import measure_grids
from srcnn.training.objective import Row
from srcnn.training.step import Batch, TrainingStep
from srcnn.training.validation import Crops, validate
from srcnn.utils.threads import prefetch

MIN_CHECKPOINT_INTERVAL = 10.0  # in seconds, and at least 200 times what writing a checkpoint takes
BATCHES_BETWEEN_SYNCS = 16  # how often several processes agree on whether to save or to stop
GPU_CROPS = 16  # val crops that pass through the networks together on a GPU


class Trainer:
    """Trains a network, in one process or in several that share each batch.

    `run` leaves the network with the weights of the last epoch or, with crops for the `selection`,
    of the epoch with the lowest loss on these. Grid artefacts are measured in `grid_images` after
    epochs 1, 2, 4, 8, … and the last. Without a checkpoint, no state is saved.
    """

    def __init__(
        self,
        step: TrainingStep,
        crops: Crops,
        checkpoint: Checkpoint | None = None,
        selection: Crops | None = None,
        grid_images: Sequence[Pair] = (),
    ):
        self.step, self.crops, self.checkpoint = step, crops, checkpoint
        self.selection, self.grid_images = selection, grid_images
        self.fabric, self.model, self.objective = step.fabric, step.model, step.objective
        self.patches, self.plan = step.patches, step.plan
        self.progress = Progress()
        self.stop_requested = False
        self.epoch_share = 1.0  # the part of the last epoch that this run trained on
        self.waited = 0.0  # seconds in which the last epoch waited for patches
        self.saved_at, self.save_interval = time.monotonic(), MIN_CHECKPOINT_INTERVAL

    def request_stop(self, *signal_and_frame: object) -> None:
        """Save and stop after the current step; the next Ctrl-C ends the program at once."""
        self.stop_requested = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def run(self) -> Iterator[Row]:
        """Train to the end, from the last checkpoint if there is one; yields a row per epoch.

        Raises:
            InputError: the loss or the weights are not finite.
            Stopped: after `request_stop`.
        """
        self._resume()
        for epoch in range(self.progress.epoch, self.plan.epochs + 1):
            trained = self.train_epoch()
            self.model.eval()
            row = {"epoch": epoch, "lr": self.plan.lr_at(epoch, 0, len(self.patches)), **trained}
            row |= {f"val_{name}": value for name, value in self._validate(self.crops).items()}
            if epoch.bit_count() == 1 or epoch == self.plan.epochs:  # 1, 2, 4, 8, … and the last
                row |= measure_grids(self.fabric, self.model, self.grid_images)
            if self.selection:
                row["select_loss"] = self._validate(self.selection)["loss"]
                self.progress.keep_if_best(row["select_loss"], self.model)
            self.progress.end_epoch(row)
            yield row
        if self.selection:
            self.model.load_state_dict(self.progress.best_weights)
        end_dct(self.model.features)

    @property
    def kept(self) -> Row:
        """The row of the epoch that is kept, after `run`."""
        rows = self.progress.rows
        return min(rows, key=lambda row: row["select_loss"]) if self.selection else rows[-1]

    def _validate(self, crops: Crops) -> Row:
        batch_size = GPU_CROPS if self.fabric.device.type == "cuda" else 1
        row = validate(self.fabric, self.model, self.objective, crops, batch_size)
        if not math.isfinite(row["loss"]):
            where = f"epoch {self.progress.epoch} the loss on images not trained on"
            raise self._diverged(f"{where} is {row['loss']:g}")
        return row

    def _resume(self) -> None:
        is_first = self.fabric.is_global_zero
        state = self.checkpoint.load() if self.checkpoint and is_first else None
        if (state := self.fabric.broadcast(state)) is not None:
            self.progress = restore_state(self.model, self.step.adam, state, is_first=is_first)
            self.fabric.print(f"continuing an unfinished run from {self.progress}", flush=True)

    def train_epoch(self) -> Row:
        """Train on the rest of the epoch; the mean loss and terms of the whole epoch."""
        progress, count = self.progress, len(self.patches)
        self.epoch_share, self.waited = 1 - progress.batch / count, 0.0
        self.model.train()
        if self.patches.are_new(progress.epoch):
            for term in self.objective.terms:
                term.forget()
        first_bad = torch.tensor(count + 1, device=self.fabric.device)  # batch, counted from 1
        batches = prefetch(partial(self.step.draw, progress.epoch), range(progress.batch, count))
        with tqdm(
            total=count,
            initial=progress.batch,
            desc=f"epoch {progress.epoch}",
            unit="batch",
            leave=False,
            disable=None if self.fabric.is_global_zero else True,  # None: only on a terminal
        ) as bar:
            while progress.batch < count:
                start = time.monotonic()
                batch = next(batches)
                self.waited += time.monotonic() - start
                loss = self._train_batch(batch)
                progress.batch += 1
                bar.update()
                # Kept on the device, so that the CPU does not wait for each step.
                bad = first_bad.clamp_max(progress.batch)
                first_bad = torch.where(torch.isfinite(loss), first_bad, bad)
                self._save_if_due(first_bad)
        self._check_finite(first_bad)
        totals = sum_processes(self.fabric, progress.totals, self.objective.names)
        return self.objective.report({n: t / self.patches.patch_count for n, t in totals.items()})

    def time_steps(self, seconds: float) -> list[float]:
        """The seconds of each step while training for some seconds; this spoils the trainer."""
        self.model.train()
        batches = prefetch(partial(self.step.draw, 1), cycle(range(len(self.patches))))
        times = [time.monotonic()]
        while len(times) < 2 or times[-1] - times[0] < seconds:
            self._train_batch(next(batches))
            synchronize(self.fabric.device)
            times.append(time.monotonic())
        return [end - start for start, end in pairwise(times)]

    def _train_batch(self, batch: Batch) -> Tensor:
        """Take one step and add the batch's values to the totals of the epoch; its loss."""
        progress, count = self.progress, len(self.patches)
        lr = self.plan.lr_at(progress.epoch, progress.batch, count)
        loss, values = self.step(batch, lr)
        size = self.patches.size(progress.batch)
        for name, value in values.items():
            progress.totals[name] = progress.totals.get(name, 0.0) + value * size
        return loss

    def _save_if_due(self, first_bad: Tensor) -> None:
        """Save in the first process at intervals; save and stop on request."""
        due = time.monotonic() - self.saved_at > self.save_interval
        due, stop = self._any_process(due and self.fabric.is_global_zero, self.stop_requested)
        if due or stop:
            self._check_finite(first_bad)
            start, progress = time.monotonic(), self.progress
            totals = sum_processes(self.fabric, progress.totals, self.objective.names)
            if self.checkpoint and self.fabric.is_global_zero:
                self.checkpoint.save(pack_state(self.model, self.step.adam, progress, totals))
            self.saved_at = time.monotonic()
            self.save_interval = max(MIN_CHECKPOINT_INTERVAL, 200 * (self.saved_at - start))
        if stop:
            raise Stopped(f"stopped at {self.progress}")

    def _any_process(self, *flags: bool) -> list[bool]:
        """Whether any process sets each flag; False between the batches where processes sync."""
        if self.fabric.world_size == 1:
            return list(flags)
        batch = self.progress.batch
        if batch % BATCHES_BETWEEN_SYNCS and batch < len(self.patches):
            return [False] * len(flags)
        mine = torch.tensor(flags, dtype=torch.int32, device=self.fabric.device)
        return [bool(flag) for flag in reduce_processes(self.fabric, mine, "sum").tolist()]

    def _check_finite(self, first_bad: Tensor) -> None:
        """Raise InputError if a loss or a weight is not finite; such a state is never saved."""
        batch = int(reduce_processes(self.fabric, first_bad, "min"))
        if batch <= self.progress.batch:
            place = f"epoch {self.progress.epoch}, batch {batch}"
            raise self._diverged(f"{place} the loss is not finite")
        if not all(bool(torch.isfinite(weights).all()) for weights in self.model.parameters()):
            raise self._diverged(f"{self.progress} the weights are not finite")

    def _diverged(self, what: str) -> InputError:
        advice = "lower train.lr" + ("" if self.plan.clip_norm else " or set train.clip_norm")
        return InputError(f"training diverged: at {what}; {advice} (now {self.plan.lr:g})")
