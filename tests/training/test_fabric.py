from collections.abc import Callable
from typing import Any

import pytest
import torch
from lightning_fabric import Fabric

from srcnn.errors import InputError
from srcnn.training.fabric import (
    MIN_STEPS_TO_COMPILE,
    in_bfloat16,
    launch_fabric,
    one_line_errors,
    should_compile,
    sum_processes,
)

OneLine = Callable[[Any], str]


def test_precision_32_computes_in_float32_and_bf16_in_bfloat16() -> None:
    for precision, dtype in (("32", torch.float32), ("bf16", torch.bfloat16)):
        with launch_fabric(precision).autocast():
            assert torch.nn.Conv2d(1, 1, 1)(torch.rand(1, 1, 4, 4)).dtype == dtype


def test_the_precision_of_a_fabric_is_known() -> None:
    assert not in_bfloat16(launch_fabric("32"))
    assert in_bfloat16(launch_fabric("bf16"))


def test_one_process_is_the_default() -> None:
    fabric = launch_fabric("auto")
    assert fabric.world_size == 1
    assert fabric.device.type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_more_gpus_than_the_machine_has_are_refused(
    monkeypatch: pytest.MonkeyPatch, one_line: OneLine
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(InputError) as caught:
        launch_fabric("32", devices=3)
    assert one_line(caught) == "train.devices: 3, but this machine has 2 GPUs"


def test_a_network_is_compiled_on_request_or_if_that_saves_time() -> None:
    exact, fast = launch_fabric("32"), launch_fabric("bf16")
    assert should_compile("always", exact, 1)
    assert not should_compile("never", fast, MIN_STEPS_TO_COMPILE)
    assert not should_compile("auto", exact, MIN_STEPS_TO_COMPILE)
    assert not should_compile("auto", fast, MIN_STEPS_TO_COMPILE - 1)
    assert should_compile("auto", fast, MIN_STEPS_TO_COMPILE)


def test_compiling_on_request_without_a_compiler_is_refused(
    monkeypatch: pytest.MonkeyPatch, one_line: OneLine
) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert not should_compile("auto", launch_fabric("bf16"), MIN_STEPS_TO_COMPILE)
    with pytest.raises(InputError) as caught:
        should_compile("always", launch_fabric("32"), 1)
    assert "train.compile" in one_line(caught)
    assert "no-such-compiler" in one_line(caught)


def test_a_process_that_ended_is_reported_in_one_line(one_line: OneLine) -> None:
    with pytest.raises(InputError) as caught, one_line_errors(launch_fabric("32")):
        raise RuntimeError("[gloo/transport/tcp/pair.cc:545] Connection reset by peer")
    assert "the same command continues" in one_line(caught)


def test_other_errors_are_not_changed() -> None:
    with pytest.raises(RuntimeError, match="shape"), one_line_errors(launch_fabric("32")):
        raise RuntimeError("shape")


def test_the_sum_over_one_process_is_its_own_and_zero_for_a_missing_name() -> None:
    totals = {"mse": torch.tensor(0.1, dtype=torch.float64)}
    sums = sum_processes(launch_fabric("32"), totals, ["mse", "more"])
    assert sums == {"mse": 0.1, "more": 0.0}


def test_lack_of_gpu_memory_names_the_setting_to_lower(one_line: OneLine) -> None:
    with pytest.raises(InputError) as caught, one_line_errors(launch_fabric("32")):
        raise torch.OutOfMemoryError("CUDA out of memory")
    assert "train.micro_batch" in one_line(caught)


def test_a_launcher_with_another_number_of_processes_is_refused(
    monkeypatch: pytest.MonkeyPatch, one_line: OneLine
) -> None:
    def refuse(fabric: Fabric) -> None:
        raise ValueError("You set devices=1, but SLURM started 2 tasks")

    monkeypatch.setattr(Fabric, "launch", refuse)
    with pytest.raises(InputError) as caught:
        launch_fabric("32")
    assert one_line(caught).startswith("train.devices, train.nodes: You set")
