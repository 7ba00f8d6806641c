"""Device, precision and processes of a training run, all of them carried by Lightning Fabric."""

import logging
import os
import shutil
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.precision.amp import MixedPrecision
from lightning_fabric.strategies.ddp import DDPStrategy
from torch import Tensor

from srcnn.errors import InputError
from srcnn.models.device import best_device, bf16_is_fast

COMPILED_FROM = 20_000
"""Steps from which compiling wins."""

LONGEST_SILENCE = timedelta(minutes=5)
"""After which a process that answers no more ends the run of all."""


def training_fabric(
    precision: str = "32", devices: int = 1, nodes: int = 1, *, deterministic: bool = True
) -> Fabric:
    """Device, precision and processes of a training run, not launched yet.

    Args:
        precision: `32`, `bf16`, or `auto`: bf16 where the device has it in hardware.
        devices: GPUs of each node, or processes where there is none.
        nodes: machines.
        deterministic: whether the same run has the same bytes on a GPU; it has on a CPU.

    Raises:
        InputError: there are fewer GPUs.
    """
    device = best_device(deterministic=deterministic)
    if device.type == "cuda" and devices > torch.cuda.device_count():
        raise InputError(f"train.devices: {devices}, but {torch.cuda.device_count()} GPUs are here")
    bf16 = precision == "bf16" or (precision == "auto" and bf16_is_fast(device))
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # its advice is not for users
    warnings.filterwarnings("ignore", "The `srun` command is available")
    several = DDPStrategy(timeout=LONGEST_SILENCE)
    return Fabric(
        accelerator=device.type,
        devices=devices,
        num_nodes=nodes,
        strategy=several if devices * nodes > 1 else "auto",
        precision="bf16-mixed" if bf16 else "32-true",
    )


def in_bfloat16(fabric: Fabric) -> bool:
    """Whether the networks run in bfloat16; weights, losses and steps are float32 always."""
    return isinstance(fabric._precision, MixedPrecision)


def is_compiled(setting: str, fabric: Fabric, steps: int) -> bool:
    """Whether the network is compiled before a run of so many steps: `auto`, `always`, `never`.

    Compiling takes up to a minute on a CPU and ten seconds on an H100, and gains some hundredths of
    a step on the one in bfloat16, nothing in float32, and a fifth on the other
    (`benchmarks/README.md`).

    Raises:
        InputError: it is to be and there is no compiler.
    """
    cuda = fabric.device.type == "cuda"
    compiler = os.environ.get("CC", "gcc") if cuda else os.environ.get("CXX", "g++")
    if setting == "always" and not shutil.which(compiler):
        raise InputError(f"train.compile: always needs a compiler, and there is no {compiler}")
    if setting != "auto":
        return setting == "always"
    wins = cuda or in_bfloat16(fabric)
    return wins and steps >= COMPILED_FROM and shutil.which(compiler) is not None


@contextmanager
def one_line(fabric: Fabric) -> Iterator[None]:
    """Make one line of what goes wrong among processes and of memory that does not suffice."""
    try:
        yield
    except torch.OutOfMemoryError:
        raise InputError("the GPU's memory is too small; lower train.micro_batch") from None
    except RuntimeError as error:
        if "out of memory" in str(error):  # while a step is captured
            raise InputError("the GPU's memory is too small; lower train.micro_batch") from None
        if isinstance(error, torch.distributed.DistError) or "gloo" in str(error):
            raise InputError(
                f"process {fabric.global_rank} of {fabric.world_size}: another process of this run "
                "has ended; the same command goes on from the last state"
            ) from None
        raise


def launch(fabric: Fabric) -> Fabric:
    """The fabric with its processes running.

    Raises:
        InputError: whoever started this process started another number of them.
    """
    try:
        fabric.launch()
    except (ValueError, torch.distributed.DistError) as error:
        raise InputError(f"train.devices, train.nodes: {error}") from None
    return fabric


def all_reduced(fabric: Fabric, tensor: Tensor, operation: str) -> Tensor:
    """The `sum` or the `min` of a tensor over all processes."""
    reduced = fabric.all_reduce(tensor, reduce_op=operation)
    assert isinstance(reduced, Tensor)
    return reduced


def summed(fabric: Fabric, totals: Mapping[str, Tensor], names: Sequence[str]) -> dict[str, float]:
    """Scalars by name, summed over all processes; one that lacks a name adds nothing."""
    zero = torch.zeros((), dtype=torch.float64, device=fabric.device)
    mine = torch.stack([totals.get(name, zero).double() for name in names])
    return dict(zip(names, all_reduced(fabric, mine, "sum").tolist(), strict=True))
