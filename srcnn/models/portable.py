"""Pins the arithmetic to AVX2 and two threads, for the same bytes on every x86-64 CPU.

Float sums depend on the order of their terms, which depends on the width of the CPU's instructions
and on the number of threads. CPUs have had AVX2 since 2013.

Other CPUs, such as ARM's, are pinned to the instructions that all of their kind have. Whether two
of them give the same bytes has not been tested, so results name the CPU.
"""

import os

from srcnn.utils.machine import IS_X86

THREADS = 2
INSTRUCTIONS = "AVX2"

_VARIABLES = (
    {
        "ATEN_CPU_CAPABILITY": "avx2",  # torch's own kernels
        "ONEDNN_MAX_CPU_ISA": "AVX2",  # convolutions
        "MKL_CBWR": "AVX2",  # the rest, computed by MKL
    }
    if IS_X86
    else {"ATEN_CPU_CAPABILITY": "default"}
)


def pin_arithmetic() -> None:
    """Pin this process and its children; call it before torch's first computation."""
    # `srcnn.models.device.best_device` sets two threads and avoids the GPU.
    os.environ.update(_VARIABLES)


def is_pinned() -> bool:
    """Whether the arithmetic of this process is pinned."""
    return all(os.environ.get(name) == value for name, value in _VARIABLES.items())
