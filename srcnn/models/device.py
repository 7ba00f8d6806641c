"""The device that computes: its choice, precision, name and memory."""

import ctypes
import os
import platform
import re
import resource
from pathlib import Path
from typing import Any

import numpy as np
import PIL
import torch

from srcnn.models.portable import INSTRUCTIONS, THREADS, is_pinned

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # of malloc.h


def best_device(*, deterministic: bool = True) -> torch.device:
    """The first CUDA device, or the CPU if there is none or the arithmetic is pinned."""
    # On the CPU all operations of the network are deterministic for a given number of threads.
    if is_pinned() or not torch.cuda.is_available():
        _keep_freed_memory()
        if is_pinned():
            torch.set_num_threads(THREADS)
        return torch.device("cpu")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # torch requires it
    torch.use_deterministic_algorithms(deterministic)
    torch.backends.cudnn.allow_tf32 = False  # use full float32
    return torch.device("cuda")


def _keep_freed_memory() -> None:
    """Make glibc keep freed memory for the next tensors."""
    # By default it returns large blocks to the system, which clears them and hands them out again
    # page by page. This takes a third of a training step (`benchmarks/training.py`).
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # missing in other C libraries
    if mallopt is not None:
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


def bf16_is_fast(device: torch.device) -> bool:
    """Whether the device has bfloat16 in hardware; emulation is slower than float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if "AVX512" not in torch.backends.cpu.get_cpu_capability():  # may be pinned to AVX2
        return False
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def device_name(device: torch.device) -> str:
    """The GPU's or CPU's name for people; "any x86-64 CPU" if results do not depend on it."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    instructions = torch.backends.cpu.get_cpu_capability()
    if is_pinned() and instructions == INSTRUCTIONS:
        return f"any x86-64 CPU, held at {INSTRUCTIONS}"
    return f"{cpu_name()}, {instructions}"


def left_unused(device: torch.device) -> list[str]:
    """The parts of this machine that a process with pinned arithmetic does not use."""
    if not is_pinned() or device.type == "cuda":
        return []
    cores, capabilities = len(os.sched_getaffinity(0)), torch.cpu.get_capabilities()
    unused = {
        "a GPU": torch.cuda.is_available(),
        f"{cores - THREADS} of {cores} cores": cores > THREADS,
        "AVX-512": bool(capabilities.get("avx512_f")),
    }
    return [what for what, is_there in unused.items() if is_there]


def cpu_name() -> str:
    """The CPU's model name, family and model number."""
    try:
        text = Path("/proc/cpuinfo").read_text().partition("\n\n")[0]
    except OSError:
        return platform.processor() or platform.machine()
    fields = dict(re.findall(r"^(.*?)\s*: (.*)$", text, re.MULTILINE))
    name, family, model = (fields.get(key, "?") for key in ("model name", "cpu family", "model"))
    return f"{name}, family {family}, model {model}"


def peak_memory(device: torch.device) -> float:
    """Peak memory of this process in GiB, on the GPU or else on the host."""
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device) / 2**30
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def environment(device: torch.device) -> dict[str, Any]:
    """Everything the last digits of a result depend on: device, threads and versions."""
    return {
        "device": device_name(device),
        "threads": torch.get_num_threads(),
        "versions": {
            "python": ".".join(platform.python_version_tuple()[:2]),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "pillow": PIL.__version__,
        },
    }
