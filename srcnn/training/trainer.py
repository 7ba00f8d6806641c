"""Algorithm 1: train SRCNN with Eq. 1 or Eq. 3 and keep the epoch that is best on val."""

import math
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt
import torch
from lightning_fabric import Fabric
from torch import Tensor
from tqdm import tqdm

from srcnn.errors import InputError, Stopped
from srcnn.models.srcnn import SRCNN
from srcnn.models.tensors import to_tensor
from srcnn.training.checkpoint import Checkpoint, Progress, packed, unpacked
from srcnn.training.cuda_graph import CapturedStep
from srcnn.training.fabric import all_reduced, summed
from srcnn.training.gpu_patches import DevicePatches, has_room
from srcnn.training.hr_features import HRFeatures
from srcnn.training.objective import Objective, Row
from srcnn.training.patches import Patches
from srcnn.training.validation import Crops, validate
from srcnn.utils.threads import prefetch

SECONDS_BETWEEN_STATES = 10.0
"""At least so long, and 200 times what writing a state takes, lies between two of them."""

BATCHES_BETWEEN_WORDS = 16
"""Several processes agree so often whether to save or to stop."""


CROPS_TOGETHER = 16
"""So many val crops go through the networks of a GPU at once."""


@dataclass(frozen=True)
class Plan:
    """How long and how fast.

    Args:
        epochs: how many.
        lr: learning rate, the peak of the schedule.
        schedule: `constant`, `cosine` or `one_cycle`.
        clip_norm: gradients are scaled down to this norm; None for never.
        micro_batch: patches that go through the networks at once; None for the whole batch.
    """

    epochs: int
    lr: float
    schedule: str
    clip_norm: float | None = None
    micro_batch: int | None = None


@dataclass(frozen=True)
class Drawn:
    """One process's patches of a batch.

    Args:
        arrays: `Patches.batch`, or of images on a GPU `DevicePatches.addresses`.
        images: which image each is from, where their features are kept.
        share: of the batch.
    """

    arrays: tuple[npt.NDArray[Any], ...]
    images: list[int]
    share: float


class Trainer:
    """Trains a network, in one process or in several that share each batch.

    Args:
        fabric: device, precision and processes.
        model: on the fabric's device; it ends with the weights of the epoch best on val.
        objective: the loss.
        patches: the training data.
        crops: of the val images.
        plan: how long and how fast.
        checkpoint: where the state is kept meanwhile.
    """

    def __init__(
        self,
        fabric: Fabric,
        model: SRCNN,
        objective: Objective,
        patches: Patches,
        crops: Crops,
        plan: Plan,
        checkpoint: Checkpoint,
    ):
        self.fabric, self.objective, self.patches, self.crops = fabric, objective, patches, crops
        self.plan, self.checkpoint, self.model = plan, checkpoint, model
        device = fabric.device
        self.resident = DevicePatches(patches, device) if has_room(device, patches) else None
        self.captured_step = None
        if self.resident is not None and fabric.world_size == 1:
            self.captured_step = CapturedStep(lambda given: self._learn([given]), device)
        # On a GPU, where a captured step reads it; always, as a float would be rounded otherwise.
        cuda = device.type == "cuda"
        rate = torch.tensor(plan.lr, device=device) if cuda else plan.lr
        # Fused: torch's other ways take a square root that differs from CPU to CPU.
        self.adam = torch.optim.Adam(model.parameters(), rate, fused=True, capturable=cuda)
        self.module, self.optimizer = fabric.setup(model, self.adam)
        self.progress = Progress()
        vgg = objective.vgg if patches.repeats else None
        self.hr_features = HRFeatures(vgg, fabric.world_size) if vgg is not None else None
        self.stop_asked, self.share = False, 1.0
        self.waited, self.saved, self.pause = 0.0, time.monotonic(), SECONDS_BETWEEN_STATES

    def ask_to_stop(self, *signal_and_frame: object) -> None:
        """Save and stop after the present step; the next Ctrl-C ends the program at once."""
        self.stop_asked = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def run(self) -> Iterator[Row]:
        """Train to the end, from where an earlier run was stopped or killed.

        Yields:
            per epoch a row of the loss curve; `progress.rows` has those of an earlier run too.

        Raises:
            InputError: the loss is not finite any more.
            Stopped: `stop_asked` was set.
        """
        saved = self.checkpoint.load() if self.fabric.is_global_zero else None
        if (saved := self.fabric.broadcast(saved)) is not None:
            first = self.fabric.is_global_zero
            self.progress = unpacked(self.model, self.adam, *saved, is_first=first)
            where = f"epoch {self.progress.epoch}, batch {self.progress.batch}"
            self.fabric.print(f"going on from {where} of an unfinished run", flush=True)
        for epoch in range(self.progress.epoch, self.plan.epochs + 1):
            rate = self.plan.lr * self._factor(epoch, 0)
            trained = self._train_epoch(epoch)
            self.model.eval()
            together = CROPS_TOGETHER if self.fabric.device.type == "cuda" else 1
            validated = validate(self.fabric, self.model, self.objective, self.crops, together)
            if not math.isfinite(validated["loss"]):
                raise self._diverged(f"epoch {epoch} the loss on val is {validated['loss']:g}")
            self.progress.keep_if_best(validated["loss"], self.model)
            named = {f"val_{name}": value for name, value in validated.items()}
            row = {"epoch": epoch, "lr": rate, **trained, **named}
            self.progress.end_epoch(row)
            yield row
        self.model.load_state_dict(self.progress.best_weights)

    def _train_epoch(self, epoch: int) -> Row:
        """What is left of one pass of Algorithm 1 over the training data; the mean terms."""
        progress, count = self.progress, len(self.patches)
        self.share = 1 - progress.batch / count  # of the epoch, which this run has before it
        self.model.train()
        self.waited = 0.0
        failed = torch.tensor(count + 1, device=self.fabric.device)  # the first bad batch
        batches = prefetch(self._draw, range(progress.batch, count))
        bar = tqdm(
            total=count,
            initial=progress.batch,
            desc=f"epoch {epoch}",
            unit="batch",
            leave=False,
            disable=None if self.fabric.is_global_zero else True,  # None: only on a terminal
        )
        with bar:
            while progress.batch < count:
                start = time.monotonic()
                drawn = next(batches)
                self.waited += time.monotonic() - start
                self._set_rate(self._factor(epoch, progress.batch))
                loss = self._step(drawn)
                progress.batch += 1
                bar.update()
                # Noted on the device and asked for later.
                failed = torch.where(torch.isfinite(loss), failed, failed.clamp_max(progress.batch))
                due = self.fabric.is_global_zero and time.monotonic() - self.saved > self.pause
                due, stop = self._agreed(due, self.stop_asked)
                if due or stop:
                    self._check(failed)
                    self._save()
                if stop:
                    raise Stopped(f"stopped at epoch {epoch}, batch {progress.batch}")
        self._check(failed)
        totals = summed(self.fabric, progress.totals, self.objective.names)
        return self.objective.report({n: t / self.patches.draws for n, t in totals.items()})

    def _draw(self, number: int) -> Drawn:
        """This process's patches of a batch.

        A process for which the last batch of an epoch has none takes one that counts nothing.
        """
        size, rank, epoch = self.patches.size(number), self.fabric.global_rank, self.progress.epoch
        mine = slice(rank, None, self.fabric.world_size) if rank < size else slice(1)
        if self.resident:
            arrays: tuple[npt.NDArray[Any], ...] = (self.resident.addresses(epoch, number, mine),)
        else:
            arrays = self.patches.batch(epoch, number, mine)
        images = self.patches.images(epoch, number, mine) if self.hr_features else []
        share = len(range(size)[mine]) / size if rank < size else 0.0
        return Drawn(arrays, images, share)

    def _step(self, drawn: Drawn) -> Tensor:
        """One step of Adam on a batch, and its loss."""
        # Not in the thread that draws, where torch would have threads of its own.
        given = [torch.from_numpy(array) for array in drawn.arrays]
        if self.captured_step:
            loss, terms = self.captured_step(*given)
        else:
            loss, terms = self._learn(given, drawn.images, drawn.share)
        size, sums = self.patches.size(self.progress.batch), self.progress.totals
        for name, term in terms.items():
            sums[name] = sums.get(name, 0.0) + term * size
        return loss

    def _learn(
        self, given: Sequence[Tensor], images: Sequence[int] = (), share: float = 1.0
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """One step of Adam on a process's share of a batch; what it adds to loss and terms."""
        self.optimizer.zero_grad(set_to_none=True)
        both = self.resident.batch(*given) if self.resident else given
        lr, hr = (to_tensor(patches, self.fabric.device) for patches in both)
        total = torch.zeros((), device=lr.device)
        sums: dict[str, Tensor] = {}
        length = self.plan.micro_batch or len(lr)
        for start in range(0, len(lr), length):
            part = slice(start, start + length)
            later = self.fabric.world_size > 1 and part.stop < len(lr)
            with self.fabric.no_backward_sync(self.module, enabled=later):
                sr = self.module(lr[part], with_halo=True)
                with self.fabric.autocast():
                    known = self._known_features(images[part], hr[part])
                    terms = self.objective.terms(sr, hr[part], known)
                # The mean over a part becomes its share of the mean over the batch. Gradients are
                # averaged over the processes, hence their number.
                weight = share * len(sr) / len(lr)
                loss = self.objective.loss(terms) * (weight * self.fabric.world_size)
                self.fabric.backward(loss)
            total = total + loss.detach()
            for name, term in terms.items():
                sums[name] = sums.get(name, 0.0) + term.detach().double() * weight
        if self.plan.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.plan.clip_norm)
        self.optimizer.step()
        return total, sums

    def _known_features(self, images: Sequence[int], hr: Tensor) -> dict[str, Tensor] | None:
        """VGG's features of images that come in every epoch."""
        return None if self.hr_features is None else self.hr_features(images, hr)

    def _factor(self, epoch: int, batch: int) -> float:
        """Share of the peak rate at a step, which depends on nothing else."""
        steps = self.plan.epochs * len(self.patches)
        done = (epoch - 1) * len(self.patches) + batch
        return lr_factor(self.plan.schedule, (done + 1) / (steps + 1))

    def _set_rate(self, factor: float) -> None:
        for group in self.adam.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(self.plan.lr * factor)
            else:
                group["lr"] = self.plan.lr * factor

    def _agreed(self, *wishes: bool) -> list[bool]:
        """What any process wishes, which all of them are to do; now and then, for it takes time."""
        if self.fabric.world_size == 1:
            return list(wishes)
        batch = self.progress.batch
        if batch % BATCHES_BETWEEN_WORDS and batch < len(self.patches):
            return [False] * len(wishes)
        mine = torch.tensor(wishes, dtype=torch.int32, device=self.fabric.device)
        return [bool(wish) for wish in all_reduced(self.fabric, mine, "sum").tolist()]

    def _check(self, failed: Tensor) -> None:
        """Raise InputError where a loss or a weight is not finite; no such state is ever saved."""
        batch = int(all_reduced(self.fabric, failed, "min"))
        if batch <= self.progress.batch:
            at = f"epoch {self.progress.epoch}, batch {batch}"
            raise self._diverged(f"{at} the loss is not finite")
        if not all(bool(torch.isfinite(weights).all()) for weights in self.model.parameters()):
            at = f"epoch {self.progress.epoch}, batch {self.progress.batch}"
            raise self._diverged(f"{at} the weights are not finite")

    def _diverged(self, what: str) -> InputError:
        advice = "lower train.lr" + ("" if self.plan.clip_norm else " or set train.clip_norm")
        return InputError(f"training diverged: at {what}; {advice} (the rate is {self.plan.lr:g})")

    def _save(self) -> None:
        """Write the state, from one process, and look how long that takes."""
        start, progress = time.monotonic(), self.progress
        totals = summed(self.fabric, progress.totals, self.objective.names)
        if self.fabric.is_global_zero:
            self.checkpoint.save(*packed(self.model, self.adam, progress, totals))
        self.saved = time.monotonic()
        self.pause = max(SECONDS_BETWEEN_STATES, 200 * (self.saved - start))


def lr_factor(schedule: str, progress: float) -> float:
    """The learning rate as a share of its peak.

    Args:
        schedule: `constant`; `cosine`, from the peak to zero; or `one_cycle` (Smith 2018), which
            rises from zero for the first tenth and then falls as a cosine.
        progress: share of the steps that are done, in [0, 1).
    """
    if schedule == "constant":
        return 1.0
    warm_up = 0.1 if schedule == "one_cycle" else 0.0
    if progress < warm_up:
        return progress / warm_up
    return 0.5 + 0.5 * math.cos(math.pi * (progress - warm_up) / (1 - warm_up))
