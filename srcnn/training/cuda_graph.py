"""A training step as one CUDA graph."""

import gc
from collections import Counter
from collections.abc import Callable

import torch
from torch import Tensor

Result = tuple[Tensor, dict[str, Tensor]]
WARM_UP_STEPS = 3  # before the capture; libraries choose their kernels in them


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
        if (
            self.graph is None
            and self.step_counts[batch.shape] == WARM_UP_STEPS
            and self._has_room()
        ):
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
