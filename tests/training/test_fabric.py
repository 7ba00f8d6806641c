from collections.abc import Callable
from typing import Any

import pytest
import torch

from srcnn.errors import InputError
from srcnn.training.fabric import COMPILED_FROM, is_compiled, launch, summed, training_fabric
from srcnn.training.fabric import one_line as in_one_line

OneLine = Callable[[Any], str]


def test_precision_32_computes_in_float32_and_bf16_in_bfloat16() -> None:
    for precision, dtype in (("32", torch.float32), ("bf16", torch.bfloat16)):
        with training_fabric(precision).autocast():
            assert torch.nn.Conv2d(1, 1, 1)(torch.rand(1, 1, 4, 4)).dtype == dtype


def test_one_process_is_the_default() -> None:
    fabric = training_fabric("auto")
    assert fabric.world_size == 1
    assert fabric.device.type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_more_gpus_than_there_are_are_refused(
    monkeypatch: pytest.MonkeyPatch, one_line: OneLine
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(InputError) as caught:
        training_fabric("32", devices=3)
    assert one_line(caught) == "train.devices: 3, but 2 GPUs are here"


def test_a_network_is_compiled_where_it_is_asked_for_or_wins() -> None:
    exact, fast = training_fabric("32"), training_fabric("bf16")
    assert is_compiled("always", exact, 1)
    assert not is_compiled("never", fast, COMPILED_FROM)
    assert not is_compiled("auto", exact, COMPILED_FROM)
    assert not is_compiled("auto", fast, COMPILED_FROM - 1)
    assert is_compiled("auto", fast, COMPILED_FROM)


def test_compiling_without_a_compiler_is_refused_where_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, one_line: OneLine
) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert not is_compiled("auto", training_fabric("bf16"), COMPILED_FROM)
    with pytest.raises(InputError) as caught:
        is_compiled("always", training_fabric("32"), 1)
    assert "train.compile" in one_line(caught)
    assert "no-such-compiler" in one_line(caught)


def test_a_process_that_is_gone_is_told_in_one_line(one_line: OneLine) -> None:
    with pytest.raises(InputError) as caught, in_one_line(training_fabric("32")):
        raise RuntimeError("[gloo/transport/tcp/pair.cc:545] Connection reset by peer")
    assert "the same command goes on" in one_line(caught)


def test_another_error_stays_what_it_is() -> None:
    with pytest.raises(RuntimeError, match="shape"), in_one_line(training_fabric("32")):
        raise RuntimeError("shape")


def test_sums_over_one_process_are_its_own_and_zero_where_it_has_none() -> None:
    totals = {"mse": torch.tensor(0.1, dtype=torch.float64)}
    assert summed(training_fabric("32"), totals, ["mse", "more"]) == {"mse": 0.1, "more": 0.0}


def test_memory_that_does_not_suffice_is_told_with_the_setting(one_line: OneLine) -> None:
    with pytest.raises(InputError) as caught, in_one_line(training_fabric("32")):
        raise torch.OutOfMemoryError("CUDA out of memory")
    assert "train.micro_batch" in one_line(caught)


def test_processes_that_the_settings_do_not_ask_for_are_refused(
    monkeypatch: pytest.MonkeyPatch, one_line: OneLine
) -> None:
    fabric = training_fabric("32")

    def refuse() -> None:
        raise ValueError("You set devices=1, but SLURM started 2 tasks")

    monkeypatch.setattr(fabric, "launch", refuse)
    with pytest.raises(InputError) as caught:
        launch(fabric)
    assert one_line(caught).startswith("train.devices, train.nodes: You set")
