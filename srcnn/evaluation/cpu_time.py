"""The time that a network takes for a photograph of 2K on this machine's CPU (claim C7)."""

import time

import numpy as np
import torch

from srcnn.models.srcnn import SRCNN
from srcnn.models.tiled_inference import super_resolve

SIZE = 2040, 1356  # width and height of the result, a common size in DIV2K
REPEATS = 2


def cpu_seconds(model: SRCNN) -> float:
    """The best time of REPEATS, after a warm-up, to make a result of SIZE from random pixels."""
    width, height = (length // model.scale for length in SIZE)
    lr = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    model.to(torch.device("cpu")).to(memory_format=torch.channels_last)
    super_resolve(model, lr[:100, :100])
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        super_resolve(model, lr)
        times.append(time.perf_counter() - start)
    return min(times)
