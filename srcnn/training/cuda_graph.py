"""A training step as one CUDA graph."""

import gc
from collections import Counter
from collections.abc import Callable
from typing import Generic, TypeVar

import torch
from torch import Tensor

Result = TypeVar("Result")

WARM_UP = 3
"""Steps before the one that is captured, in which libraries choose their kernels."""


class CapturedStep(Generic[Result]):
    """A step that a GPU repeats as a whole.

    SRCNN's kernels are so short that a process cannot launch them as fast as a GPU runs them; a
    graph of them is launched at once. The first steps, and those of another size, run as they are,
    and so do all where the memory that a graph keeps for itself would leave too little.

    Args:
        step: takes a tensor, which is on the host or the device, and returns tensors. Everything
            else that it reads or writes lies where it lay when it was captured.
        device: a GPU.
    """

    def __init__(self, step: Callable[[Tensor], Result], device: torch.device):
        self.step, self.device = step, device
        self.graph: torch.cuda.CUDAGraph | None = None
        self.aside = torch.cuda.Stream(device)
        self.taken = Counter[torch.Size]()

    def __call__(self, given: Tensor) -> Result:
        """Take a step. What it returns holds until the next one."""
        if self.graph is None and self.taken[given.shape] == WARM_UP and self._has_room():
            self._capture(given)
        if self.graph is None or given.shape != self.given.shape:
            self.taken[given.shape] += 1
            return self._alone(given)
        self.given.copy_(given)
        self.graph.replay()
        return self.result

    def _alone(self, given: Tensor) -> Result:
        """A step as it is, on a stream of its own, as what is captured later asks for."""
        self.aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self.aside):
            result = self.step(given)
        torch.cuda.current_stream().wait_stream(self.aside)
        return result

    def _has_room(self) -> bool:
        """Whether what a step takes fits twice: into the graph, and beside it for other sizes."""
        now, peak = torch.cuda.memory_allocated(), torch.cuda.max_memory_allocated()
        free = torch.cuda.mem_get_info(self.device)[0] + torch.cuda.memory_reserved() - now
        return 2 * (peak - now) <= free

    def _capture(self, given: Tensor) -> None:
        """Record the step, which is not taken by that."""
        gc.collect()  # graphs of earlier runs in this process
        self.given = given.to(self.device)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            self.result = self.step(self.given)
        self.graph = graph
