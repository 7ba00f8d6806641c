import os
import subprocess
import sys
from pathlib import Path

import pytest

from srcnn.models import portable
from srcnn.models.device import left_unused

VARIABLES = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "MKL_CBWR")

TELL = """
import atexit, gc, os, platform
gc.disable()  # importing torch makes millions of objects, and no garbage
atexit.register(gc.freeze)
import torch
platform.machine = lambda: {machine!r}
from srcnn.models.device import best_device, bf16_is_fast, device_name
from srcnn.models.portable import pin_arithmetic
{hold}
device = best_device()
print(device, torch.get_num_threads(), torch.backends.cpu.get_cpu_capability())
print(bf16_is_fast(device), device_name(device))
"""


def tell(project: Path, hold: str, machine: str = "x86_64", **environment: str) -> list[str]:
    """What a new process reports about itself; `machine` is what it takes its processor for."""
    result = subprocess.run(
        [sys.executable, "-c", TELL.format(hold=hold, machine=machine)],
        cwd=project,
        env={name: os.environ[name] for name in os.environ.keys() - set(VARIABLES)}
        | {"OMP_NUM_THREADS": "1"}
        | environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return result.stdout.splitlines()


def test_a_pinned_process_reports_the_same_device_on_every_cpu(project: Path) -> None:
    held = tell(
        project, "pin_arithmetic()", ATEN_CPU_CAPABILITY="default", CUDA_VISIBLE_DEVICES="0"
    )
    if "AVX2" not in held[0]:
        pytest.skip("this CPU has no AVX2")
    assert held == ["cpu 2 AVX2", "False any x86-64 CPU, held at AVX2"]


def test_a_cpu_without_avx2_is_named(project: Path) -> None:
    low = tell(
        project, "pin_arithmetic(); import os; os.environ['ATEN_CPU_CAPABILITY'] = 'default'"
    )
    assert low[0] == "cpu 1 DEFAULT"
    assert "any x86-64 CPU" not in low[1]


@pytest.mark.parametrize("machine", ["aarch64", "arm64"])
def test_another_cpu_than_x86_is_named_and_not_held_at_its_instructions(
    project: Path, machine: str
) -> None:
    hold = "pin_arithmetic(); print([os.environ.get(name) for name in {!r}])"
    variables, device, named = tell(project, hold.format(VARIABLES), machine)
    assert variables == "['default', None, None]"
    assert device.startswith("cpu 2 ")
    assert named.endswith(f", {machine}")
    assert "x86" not in named
    assert "AVX2" not in named


def test_a_pinned_process_lists_what_it_does_not_use(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr("srcnn.utils.machine.cpu_count", lambda: 16)
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: {"avx512_f": True})
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    cpu = torch.device("cpu")
    assert left_unused(cpu) == []
    monkeypatch.setattr("srcnn.models.device.is_pinned", lambda: True)
    assert left_unused(cpu) == ["a GPU", "14 of 16 cores", "AVX-512"]


def test_child_processes_are_pinned_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "environ", dict(os.environ))
    for name in VARIABLES:
        os.environ.pop(name, None)
    assert not portable.is_pinned()
    portable.pin_arithmetic()
    assert portable.is_pinned()
    assert os.environ["ONEDNN_MAX_CPU_ISA"] == "AVX2"
