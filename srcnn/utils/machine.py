"""The processor and memory of this machine, on Linux, macOS and Windows; see also `system.py`."""

import ctypes
import os
import platform
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

ARCHITECTURE = platform.machine()
"""The kind of processor, such as x86_64 (AMD64 on Windows), aarch64 or arm64."""

IS_X86 = ARCHITECTURE.lower() in ("x86_64", "amd64")

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # of malloc.h


def cpu_count() -> int:
    """The processors that this process may use; on macOS and Windows, all of them."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def load_average() -> float | None:
    """Processes that have been running or waiting in the last minute; None on Windows."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def cpu_name() -> str:
    """The CPU's model name and numbers, or what else the system knows about it."""
    with suppress(OSError):
        if sys.platform == "darwin":
            command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
            return subprocess.run(command, capture_output=True, encoding="utf-8").stdout.strip()
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8").partition("\n\n")[0]
        fields = dict(re.findall(r"^(.*?)\s*: (.*)$", text, re.MULTILINE))
        if IS_X86:
            keys = ("model name", "cpu family", "model")
            name, family, model = (fields.get(key, "?") for key in keys)
            return f"{name}, family {family}, model {model}"
        if "CPU part" in fields:  # ARM
            return f"CPU {fields.get('CPU implementer', '?')}, part {fields['CPU part']}"
    return platform.processor() or platform.machine()


def keep_freed_memory() -> None:
    """Make glibc keep freed memory for the next tensors; other C libraries are left as they are."""
    # By default it returns large blocks to the system, which clears them and hands them out again
    # page by page. This takes a third of a training step (`benchmarks/training.py`).
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # missing in musl
    if mallopt is not None:
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


def peak_memory() -> int:
    """The most memory that this process has used, in bytes."""
    if resource is None:
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def free_memory() -> int:
    """Free bytes of this machine, within the limit of a Linux container."""
    import psutil

    free = int(psutil.virtual_memory().available)
    limit, used = (Path("/sys/fs/cgroup", f"memory.{name}") for name in ("max", "current"))
    if limit.is_file() and (allowed := limit.read_text(encoding="ascii").strip()) != "max":
        free = min(free, int(allowed) - int(used.read_text(encoding="ascii")))
    return free
