"""The same bytes on every x86-64 CPU: one set of instructions, one number of threads, float32.

Sums of floats depend on the order of their terms, and that on how wide the CPU's instructions are
and on how many threads share the work. Held at AVX2, which CPUs have had since 2013, and at two
threads, training and scoring give the same bytes on all of them.
"""

import os

THREADS = 2
INSTRUCTIONS = "AVX2"

_HELD = {
    "ATEN_CPU_CAPABILITY": "avx2",  # torch's own kernels
    "ONEDNN_MAX_CPU_ISA": "AVX2",  # convolutions
    "MKL_CBWR": "AVX2",  # what is left to MKL
}


def pin_arithmetic() -> None:
    """Hold this process, and those that it starts, at AVX2; before torch's first computation.

    `srcnn.models.device.best_device` does the rest: two threads, and no GPU.
    """
    os.environ.update(_HELD)


def is_pinned() -> bool:
    """Whether this process is held."""
    return all(os.environ.get(name) == value for name, value in _HELD.items())
