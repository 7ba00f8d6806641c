from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from srcnn.errors import InputError
from srcnn.models.tensors import Weights, read_weights, write_tensors

OneLine = Callable[[Any], str]


def test_stored_weights_read_back_the_same(tmp_path: Path, vgg16: Weights) -> None:
    write_tensors(vgg16, tmp_path / "vgg.safetensors", {})
    read = read_weights(tmp_path / "vgg.safetensors")
    assert read.keys() == vgg16.keys()
    assert all(torch.equal(read[name], vgg16[name]) for name in vgg16)


def test_the_same_weights_are_stored_as_the_same_bytes(tmp_path: Path, vgg16: Weights) -> None:
    for name in ("a", "b"):
        write_tensors(dict(vgg16), tmp_path / name, {"origin": "here", "sha256": "00"})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_stored_weights_can_be_read_by_others_as_any_file(tmp_path: Path, vgg16: Weights) -> None:
    (tmp_path / "plain").touch()
    write_tensors(vgg16, tmp_path / "vgg", {})
    assert (tmp_path / "vgg").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("content", [b"", b"no weights at all", b"\xff" * 64])
def test_damaged_stored_weights_are_named_in_one_line(
    tmp_path: Path, one_line: OneLine, content: bytes
) -> None:
    path = tmp_path / "vgg.safetensors"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_weights(path)
    assert str(path) in one_line(caught)


def test_missing_stored_weights_are_named_with_the_stage_that_makes_them(
    tmp_path: Path, one_line: OneLine
) -> None:
    with pytest.raises(InputError) as caught:
        read_weights(tmp_path / "vgg.safetensors")
    assert str(tmp_path / "vgg.safetensors") in one_line(caught)
    assert "fetch_weights" in one_line(caught)
