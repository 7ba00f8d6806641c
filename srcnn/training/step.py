"""One training step: draw a batch, compute the loss, update the weights; the learning rate."""

import gc
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt
import torch
from lightning_fabric import Fabric
from torch import Tensor

from srcnn.models.device import to_float64
from srcnn.models.srcnn import SRCNN
from srcnn.models.tensors import to_tensor
from srcnn.training.gpu_patches import GPUPatches, fits_on_gpu
from srcnn.training.objective import Objective
from srcnn.training.patches import Patches

Result = tuple[Tensor, dict[str, Tensor]]  # the loss and the raw values
WARM_UP_STEPS = 3  # before the capture of a graph; libraries choose their kernels in them


@dataclass(frozen=True)
class Plan:
    """Options of the optimisation."""

    epochs: int
    lr: float  # peak of the schedule
    schedule: str  # see `lr_factor`
    clip_norm: float | None = None  # gradients are scaled down to this norm
    micro_batch: int | None = None  # patches that pass through the networks together; None: all

    def lr_at(self, epoch: int, batch: int, batches: int) -> float:
        """Learning rate at a batch (counted from 0) of an epoch (from 1) of `batches` batches."""
        finished = (epoch - 1) * batches + batch
        return self.lr * lr_factor(self.schedule, (finished + 1) / (self.epochs * batches + 1))


def lr_factor(schedule: str, progress: float) -> float:
    """The learning rate as a share of its peak after a share of the steps, in [0, 1).

    `cosine` falls from the peak to zero; `one_cycle` (Smith 2018) rises from zero for the first
    tenth and then falls as a cosine.
    """
    if schedule == "constant":
        return 1.0
    warm_up = 0.1 if schedule == "one_cycle" else 0.0
    if progress < warm_up:
        return progress / warm_up
    return 0.5 + 0.5 * math.cos(math.pi * (progress - warm_up) / (1 - warm_up))


@dataclass(frozen=True)
class Batch:
    """The patches of a batch that one process trains on."""

    arrays: tuple[npt.NDArray[Any], ...]  # `Patches.batch`, or `GPUPatches.addresses` for a GPU
    keys: list[int]  # of `Patches.keys`, if patches return in later epochs, else empty
    share: float  # of the whole batch


@dataclass(eq=False)
class TrainingStep:
    """Draws batches and takes steps of Adam, in one process or in several that share a batch."""

    fabric: Fabric
    model: SRCNN
    objective: Objective
    patches: Patches
    plan: Plan
    use_graph: bool = True  # whether a GPU may run a step as one CUDA graph

    def __post_init__(self) -> None:
        device = self.fabric.device
        fits = fits_on_gpu(device, self.patches)
        self.gpu_patches = GPUPatches(self.patches, device) if fits else None
        self.captured = None
        if self.gpu_patches is not None and self.fabric.world_size == 1 and self.use_graph:
            self.captured = CapturedStep(lambda addresses: self._update([addresses]), device)
        # A tensor on a GPU, because a captured step reads it, and always, because a float would
        # be rounded differently.
        cuda = device.type == "cuda"
        lr = torch.tensor(self.plan.lr, device=device) if cuda else self.plan.lr
        # Fused: the square root of the other implementations differs between CPUs.
        self.adam = torch.optim.Adam(self.model.parameters(), lr, fused=True, capturable=cuda)
        self.module, self.optimizer = self.fabric.setup(self.model, self.adam)

    def draw(self, epoch: int, number: int) -> Batch:
        """Draw this process's patches of a batch; another thread may do so ahead of the step.

        If the last batch has no patch for a process, the process draws one with share 0.
        """
        size, rank = self.patches.size(number), self.fabric.global_rank
        mine = slice(rank, None, self.fabric.world_size) if rank < size else slice(1)
        arrays: tuple[npt.NDArray[Any], ...]
        if self.gpu_patches:
            arrays = (self.gpu_patches.addresses(epoch, number, mine),)
        else:
            arrays = self.patches.batch(epoch, number, mine)
        keys = self.patches.keys(epoch, number, mine) if self.patches.repeats else []
        share = len(range(size)[mine]) / size if rank < size else 0.0
        return Batch(arrays, keys, share)

    def __call__(self, batch: Batch, lr: float) -> Result:
        """Update the weights; this process's part of the loss and raw values of the batch.

        The tensors are valid until the next step.
        """
        for group in self.adam.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(lr)
            else:
                group["lr"] = lr
        # Not in the thread that draws, where torch would start threads of its own.
        tensors = [torch.from_numpy(array) for array in batch.arrays]
        if self.captured:
            return self.captured(*tensors)
        return self._update(tensors, batch.keys, batch.share)

    def _update(
        self, tensors: Sequence[Tensor], keys: Sequence[int] = (), share: float = 1.0
    ) -> Result:
        self.optimizer.zero_grad(set_to_none=True)
        pair = self.gpu_patches.batch(*tensors) if self.gpu_patches else tensors
        lr, hr = (to_tensor(patches, self.fabric.device) for patches in pair)
        total = torch.zeros((), device=lr.device)
        sums: dict[str, Tensor] = {}
        length = self.plan.micro_batch or len(lr)
        for start in range(0, len(lr), length):
            part = slice(start, start + length)
            not_last = self.fabric.world_size > 1 and part.stop < len(lr)
            with self.fabric.no_backward_sync(self.module, enabled=not_last):
                sr = self.module(lr[part], with_halo=True)
                with self.fabric.autocast():
                    values = self.objective.measure(sr, hr[part], keys[part])
                # The mean over a part counts by its share of the batch. Fabric averages gradients
                # over the processes, hence the factor world_size.
                weight = share * len(sr) / len(lr)
                loss = self.objective.loss(values) * (weight * self.fabric.world_size)
                self.fabric.backward(loss)
            total = total + loss.detach()
            for name, value in values.items():
                sums[name] = sums.get(name, 0.0) + to_float64(value.detach()) * weight
        if self.plan.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.plan.clip_norm)
        self.optimizer.step()
        return total, sums


class CapturedStep:
    """A step that a GPU replays as one graph.

    The kernels of SRCNN are so short that a process cannot launch them as fast as a GPU runs them,
    but it launches a graph of them at once. The first steps and steps of another batch size run
    without the graph. So do all steps if the graph's own memory would leave too little.

    `step` takes a tensor, on the host or the device. Everything else that it reads or writes must
    stay at the same addresses.
    """

    def __init__(self, step: Callable[[Tensor], Result], device: torch.device):
        self.step, self.device = step, device
        self.graph: torch.cuda.CUDAGraph | None = None
        self.side_stream = torch.cuda.Stream(device)
        self.step_counts = Counter[torch.Size]()

    def __call__(self, batch: Tensor) -> Result:
        """Run a step. The result is valid until the next step."""
        is_warm = self.step_counts[batch.shape] == WARM_UP_STEPS
        if self.graph is None and is_warm and self._has_room():
            self._capture(batch)
        if self.graph is None or batch.shape != self.input.shape:
            self.step_counts[batch.shape] += 1
            return self._run_without_graph(batch)
        self.input.copy_(batch)
        self.graph.replay()
        return self.result

    def _run_without_graph(self, batch: Tensor) -> Result:
        """Run a step on a side stream, which a later capture requires."""
        self.side_stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.side_stream):
            result = self.step(batch)
        torch.cuda.current_stream().wait_stream(self.side_stream)
        return result

    def _has_room(self) -> bool:
        """Whether the memory of a step fits twice: in the graph, and for steps without it."""
        now, peak = torch.cuda.memory_allocated(), torch.cuda.max_memory_allocated()
        free = torch.cuda.mem_get_info(self.device)[0] + torch.cuda.memory_reserved() - now
        return 2 * (peak - now) <= free

    def _capture(self, batch: Tensor) -> None:
        """Record the step without running it."""
        gc.collect()  # graphs of earlier runs in this process
        self.input = batch.to(self.device)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            self.result = self.step(self.input)
        self.graph = graph
