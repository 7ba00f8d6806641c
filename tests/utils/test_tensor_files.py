import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from safetensors.torch import save_file

from srcnn.errors import InputError
from srcnn.models.model_files import load_model, make_model
from srcnn.upscaling.released_networks import read_network
from srcnn.utils.tensor_files import read_safetensors

OneLine = Callable[[Any], str]
ABOUT = {"scale": 2, "upsampling": "bicubic"}


def saved(path: Path, about: Any, dtype: torch.dtype = torch.float32) -> Path:
    """A network's file with other metadata or another type of numbers."""
    weights = make_model(2, "bicubic", "paper").state_dict()
    text = about if isinstance(about, str) else json.dumps(about)
    save_file({name: value.to(dtype) for name, value in weights.items()}, path, {"srcnn": text})
    return path


def raw(path: Path, header: bytes, content: bytes = b"") -> Path:
    path.write_bytes(struct.pack("<Q", len(header)) + header + content)
    return path


@pytest.mark.parametrize("read", [read_network, load_model])
@pytest.mark.parametrize(
    "dtype", [torch.float8_e4m3fn, torch.float8_e5m2, torch.float64, torch.int32, torch.bool]
)
def test_a_network_of_other_numbers_is_refused(
    tmp_path: Path, one_line: OneLine, read: Callable[[Path], Any], dtype: torch.dtype
) -> None:
    path = saved(tmp_path / "a.safetensors", ABOUT, dtype)
    with pytest.raises(InputError) as caught:
        read(path)
    assert one_line(caught).startswith(f"{path}: ")


@pytest.mark.parametrize("read", [read_network, load_model])
@pytest.mark.parametrize(
    "about",
    [
        *({**ABOUT, "scale": scale} for scale in (-1, 0, 5, 2.0, True, "2", None, [2], 10**9)),
        *({**ABOUT, "scale": scale} for scale in (float("nan"), float("inf"), 10**400)),
        *({**ABOUT, "upsampling": kernel} for kernel in ("x", None, ["bicubic"])),
        *({**ABOUT, "code": code} for code in ("x", None, ["paper"])),
        *([1], 3, None, "{", "[" * 100_000, "9" * 5000),
    ],
    ids=lambda about: str(about)[:60],
)
def test_a_network_with_other_metadata_is_refused(
    tmp_path: Path, one_line: OneLine, read: Callable[[Path], Any], about: Any
) -> None:
    path = saved(tmp_path / "a.safetensors", about)
    with pytest.raises(InputError) as caught:
        read(path)
    assert one_line(caught).startswith(f"{path}: ")


@pytest.mark.parametrize("framework", ["np", "pt"])
@pytest.mark.parametrize(
    ("header", "content"),
    [
        (b"{}" + b" " * 2_000_000, b""),
        (b'{"__metadata__": ' + b"[" * 9000 + b"]" * 9000 + b"}", b""),
        (b'{"__metadata__": {"srcnn": 3}}', b""),
        (b'{"a": {"dtype": "F6_E2M3", "shape": [4], "data_offsets": [0, 3]}}', b"abc"),
        (b'{"a": {"dtype": "F4", "shape": [3, 1], "data_offsets": [0, 2]}}', b"ab"),
        (b'{"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}', b"abcd"),
    ],
)
def test_a_damaged_file_is_one_line(
    tmp_path: Path,
    one_line: OneLine,
    framework: Literal["np", "pt"],
    header: bytes,
    content: bytes,
) -> None:
    path = raw(tmp_path / "a.safetensors", header, content)
    with pytest.raises(InputError) as caught:
        read_safetensors(path, framework)
    assert one_line(caught).startswith(f"{path}: damaged, or not a safetensors file (")
    assert len(one_line(caught)) < 1000


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, one_line: OneLine) -> None:
    count = 10**10
    header = {"a": {"dtype": "F32", "shape": [count], "data_offsets": [0, 4 * count]}}
    path = raw(tmp_path / "a.safetensors", json.dumps(header).encode())
    with path.open("ab") as file:
        file.truncate(path.stat().st_size + 4 * count)
    for read in (read_network, load_model, lambda path: read_safetensors(path, "pt")):
        with pytest.raises(InputError) as caught:
            read(path)
        assert "such a file has at most" in one_line(caught)


def test_a_folder_is_no_file(tmp_path: Path, one_line: OneLine) -> None:
    with pytest.raises(InputError) as caught:
        read_network(tmp_path)
    assert one_line(caught) == f"{tmp_path}: not a file"
