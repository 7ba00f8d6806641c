"""The device that computes: its choice, precision, name and memory."""

import os
import sys
from typing import Any

import numpy as np
import PIL
import torch
from torch import Tensor

from srcnn.models.portable import INSTRUCTIONS, THREADS, is_pinned
from srcnn.utils import machine


def best_device(*, deterministic: bool = True) -> torch.device:
    """The first CUDA device, else Apple's GPU, else the CPU; the CPU if the arithmetic is pinned.

    `deterministic` has no effect on Apple's GPU, where torch does not promise the same bytes.
    """
    # On the CPU all operations of the network are deterministic for a given number of threads.
    if is_pinned() or not torch.cuda.is_available():
        machine.keep_freed_memory()
        if is_pinned():
            torch.set_num_threads(THREADS)
            return torch.device("cpu")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # torch requires it
    torch.use_deterministic_algorithms(deterministic)
    torch.backends.cudnn.allow_tf32 = False  # use full float32
    return torch.device("cuda")


def float64_device(device: torch.device) -> torch.device:
    """The device for float64: the CPU instead of Apple's GPU, which lacks float64."""
    return torch.device("cpu") if device.type == "mps" else device


def to_float64(tensor: Tensor) -> Tensor:
    """The tensor in float64, on `float64_device` of its device."""
    return tensor.to(float64_device(tensor.device)).double()


def synchronize(device: torch.device) -> None:
    """Wait until a GPU has done its work."""
    if device.type != "cpu":
        torch.accelerator.synchronize(device)


def bf16_is_fast(device: torch.device) -> bool:
    """Whether the device has bfloat16 in hardware; emulation is slower than float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "mps":  # Fabric has no bfloat16 there
        return False
    if "AVX512" not in torch.backends.cpu.get_cpu_capability():  # may be pinned to AVX2
        return False
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def device_name(device: torch.device) -> str:
    """The GPU's or CPU's name for people; "any x86-64 CPU" if results do not depend on it."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "mps":
        return f"{machine.cpu_name()}, GPU"
    if is_pinned() and instructions() == INSTRUCTIONS:
        return f"any x86-64 CPU, held at {INSTRUCTIONS}"
    return f"{machine.cpu_name()}, {instructions()}"


def instructions() -> str:
    """The vector instructions that torch uses on an x86-64 CPU; the architecture of another CPU."""
    if not machine.IS_X86:
        return machine.ARCHITECTURE
    return torch.backends.cpu.get_cpu_capability()


def left_unused(device: torch.device) -> list[str]:
    """The parts of this machine that a process with pinned arithmetic does not use."""
    if not is_pinned() or device.type != "cpu":
        return []
    cores, capabilities = machine.cpu_count(), torch.cpu.get_capabilities()
    unused = {
        "a GPU": torch.cuda.is_available() or torch.backends.mps.is_available(),
        f"{cores - THREADS} of {cores} cores": cores > THREADS,
        "AVX-512": bool(capabilities.get("avx512_f")),
    }
    return [what for what, is_there in unused.items() if is_there]


def peak_memory(device: torch.device) -> float:
    """Peak memory of this process in GiB, on a CUDA GPU or else on the host."""
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device) / 2**30
    return machine.peak_memory() / 2**30


def environment(device: torch.device) -> dict[str, Any]:
    """Everything the last digits of a result depend on: device, threads and versions."""
    return {
        "device": device_name(device),
        "threads": torch.get_num_threads(),
        "versions": {
            "python": ".".join(map(str, sys.version_info[:2])),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "pillow": PIL.__version__,
        },
    }
