from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from srcnn.export.onnx_network import whole_network
from srcnn.export.onnx_session import onnx_session
from srcnn.images.resize import Kernel
from srcnn.models.receptive_field import halo_of
from srcnn.models.srcnn import SRCNN


def session_of(model: SRCNN) -> Any:
    weights = {name: value.numpy() for name, value in model.state_dict().items()}
    network = whole_network(weights, model.scale, model.upsampling, {"scale": "x"})
    onnx.checker.check_model(onnx.load_from_string(network), full_check=True)
    return onnx_session(network)


@pytest.fixture(scope="module")
def models() -> dict[tuple[int, str], tuple[SRCNN, Any]]:
    torch.manual_seed(0)
    found = {}
    for scale, upsampling in ((2, "bicubic"), (3, "bicubic"), (4, "bilinear"), (8, "bicubic")):
        model = SRCNN(scale, upsampling).eval()  # type: ignore[arg-type]
        found[scale, upsampling] = model, session_of(model)
    return found


@settings(max_examples=10)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 2), st.integers(0, 2**32 - 1))
def test_an_exported_network_equals_torch_at_any_size(
    models: dict[tuple[int, Kernel], tuple[SRCNN, Any]],
    height: int,
    width: int,
    count: int,
    seed: int,
) -> None:
    lr = np.random.default_rng(seed).random((count, 3, height, width), dtype=np.float32)
    for model, session in models.values():
        with torch.no_grad():
            expected = model(torch.from_numpy(lr)).numpy()
        (sr,) = session.run(None, {"lr": lr})
        np.testing.assert_allclose(sr, expected, rtol=0, atol=1e-5)


def test_the_file_holds_the_metadata(tmp_path: Path) -> None:
    weights = {name: value.numpy() for name, value in SRCNN(2).state_dict().items()}
    network = whole_network(weights, 2, "bicubic", {"scale": "2", "data": "ten photographs"})
    (tmp_path / "x2.onnx").write_bytes(network)
    read = onnx.load(tmp_path / "x2.onnx")
    said = {entry.key: entry.value for entry in read.metadata_props}
    assert said == {"scale": "2", "data": "ten photographs"}
    assert (tmp_path / "x2.onnx").stat().st_size < 120_000
    assert [opset.version for opset in read.opset_import] == [17]


def test_the_halo_is_that_of_the_model() -> None:
    assert [halo_of(scale) for scale in (2, 3, 4, 8)] == [SRCNN(s).halo for s in (2, 3, 4, 8)]
