"""Device, precision and processes of a training run, through Lightning Fabric."""

import logging
import os
import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta

import torch
from lightning_fabric import Fabric
from lightning_fabric.loggers.logger import Logger
from lightning_fabric.strategies.ddp import DDPStrategy
from torch import Tensor

from srcnn.errors import InputError
from srcnn.models.device import best_device, bf16_is_fast, to_float64

MIN_STEPS_TO_COMPILE = 20_000  # compiling shorter runs saves no time
PROCESS_TIMEOUT = timedelta(minutes=5)  # without an answer, after which the other processes end


def launch_fabric(
    precision: str = "32",
    devices: int = 1,
    nodes: int = 1,
    *,
    deterministic: bool = True,
    loggers: Sequence[Logger] = (),
) -> Fabric:
    """Choose device and precision of a training run, and start its processes.

    Args:
        precision: `32`, `bf16`, or `auto`: bf16 if the device has it in hardware.
        devices: GPUs per node, or processes per node without GPUs.
        nodes: machines.
        deterministic: whether a GPU gives the same bytes in every run; a CPU always does.
        loggers: what `Fabric.log_dict` writes to, in the first process only.

    Raises:
        InputError: too few GPUs, Apple's GPU cannot do this, or a launcher such as SLURM started
            other numbers of processes.
    """
    device = best_device(deterministic=deterministic)
    if device.type == "cuda" and devices > (available := torch.cuda.device_count()):
        raise InputError(f"train.devices: {devices}, but this machine has {available} GPUs")
    if device.type == "mps" and devices * nodes > 1:
        raise InputError("train.devices, train.nodes: an Apple GPU uses one process; set both to 1")
    if device.type == "mps" and precision == "bf16":
        raise InputError("train.precision: bf16 does not run on an Apple GPU; set 32 or auto")
    bf16 = precision == "bf16" or (precision == "auto" and bf16_is_fast(device))
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # its tips are for developers
    warnings.filterwarnings("ignore", "The `srun` command is available")
    fabric = Fabric(
        accelerator=device.type,
        devices=devices,
        num_nodes=nodes,
        strategy=DDPStrategy(timeout=PROCESS_TIMEOUT) if devices * nodes > 1 else "auto",
        precision="bf16-mixed" if bf16 else "32-true",
        loggers=list(loggers),
    )
    try:
        fabric.launch()
    except (ValueError, torch.distributed.DistError) as error:
        raise InputError(f"train.devices, train.nodes: {error}") from None
    return fabric


def in_bfloat16(fabric: Fabric) -> bool:
    """Whether networks run in bfloat16. Weights, losses and optimiser steps are always float32."""
    with fabric.autocast():
        return torch.is_autocast_enabled(fabric.device.type)


def should_compile(setting: str, fabric: Fabric, steps: int, *, folded: bool = False) -> bool:
    """Whether to compile the network (`auto`, `always` or `never`) for a run of `steps` steps.

    On a CPU, compiling takes up to a minute and saves a few hundredths of a step in bfloat16 only,
    and a `folded` network takes longer then; on an H100, compiling takes ten seconds and saves a
    fifth (`benchmarks/README.md`).

    Raises:
        InputError: the setting is `always` and there is no compiler.
    """
    cuda = fabric.device.type == "cuda"
    compiler = os.environ.get("CC", "gcc") if cuda else os.environ.get("CXX", "g++")
    if setting == "always" and not shutil.which(compiler):
        raise InputError(f"train.compile: always needs a compiler, but {compiler} is not installed")
    if setting != "auto":
        return setting == "always"
    saves_time = (cuda or (in_bfloat16(fabric) and not folded)) and steps >= MIN_STEPS_TO_COMPILE
    return saves_time and shutil.which(compiler) is not None


@contextmanager
def one_line_errors(fabric: Fabric) -> Iterator[None]:
    """Turn errors of worker processes and lack of GPU memory into an InputError of one line."""
    try:
        yield
    except RuntimeError as error:  # torch.OutOfMemoryError is one; a capture raises it as text
        if "out of memory" in str(error):
            raise InputError("the GPU's memory is too small; lower train.micro_batch") from None
        if isinstance(error, torch.distributed.DistError) or "gloo" in str(error):
            raise InputError(
                f"process {fabric.global_rank} of {fabric.world_size}: another process of this run "
                "has ended; the same command continues from the last checkpoint"
            ) from None
        raise


def reduce_processes(fabric: Fabric, tensor: Tensor, operation: str) -> Tensor:
    """The `sum` or the `min` of a tensor over all processes."""
    if fabric.world_size == 1:
        return tensor  # where it is: Fabric would move sums in float64 to an Apple GPU
    reduced = fabric.all_reduce(tensor, reduce_op=operation)
    assert isinstance(reduced, Tensor)
    return reduced


def sum_processes(
    fabric: Fabric, totals: Mapping[str, Tensor], names: Sequence[str]
) -> dict[str, float]:
    """Scalars by name, summed over all processes; a name that a process lacks counts as 0."""
    zero = torch.zeros((), device=fabric.device)
    mine = torch.stack([to_float64(totals.get(name, zero)) for name in names])
    return dict(zip(names, reduce_processes(fabric, mine, "sum").tolist(), strict=True))
