from pathlib import Path

import onnx
import pytest
import torch

from srcnn.errors import InputError
from srcnn.export import network_files as exporting
from srcnn.export.network_files import about_training, export_onnx, release
from srcnn.models.srcnn import SRCNN, load_model, save_model
from srcnn.settings import read_settings
from srcnn.upscaling.released_networks import read_network
from srcnn.utils.files import sha256_of


@pytest.fixture
def model(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    save_model(SRCNN(2), tmp_path / "model.safetensors", {"loss": "mse", "trained_on": "a CPU"})
    return tmp_path / "model.safetensors"


@pytest.fixture
def about(project: Path, tmp_path: Path) -> dict[str, str]:
    index = tmp_path / "index.csv"
    index.write_text("image,split,name\n0001,train,a\n0002,train,b\n0003,val,c\n")
    return about_training(read_settings(project / "params.yaml"), "perceptual", index)


def test_what_a_network_was_trained_on_is_said_in_words(about: dict[str, str]) -> None:
    assert about["data"] == "sample: 2 photographs, judged on 1"
    assert "block2_conv2" in about["loss"]
    assert about["epochs"] == "4"


def test_an_onnx_file_says_what_it_is_and_is_as_torch(
    model: Path, about: dict[str, str], tmp_path: Path
) -> None:
    assert export_onnx(model, tmp_path / "out/x2.onnx", about) < 1e-5
    said = {entry.key: entry.value for entry in onnx.load(tmp_path / "out/x2.onnx").metadata_props}
    assert said == {"scale": "2", "model_sha256": sha256_of(model), **about}


def test_an_onnx_file_that_differs_from_torch_is_not_written(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "TOLERANCE", 1e-12)
    with pytest.raises(InputError, match="differs from torch"):
        export_onnx(model, tmp_path / "x2.onnx", {})
    assert not (tmp_path / "x2.onnx").exists()


def test_a_released_network_has_the_models_weights_and_more_to_say(
    model: Path, about: dict[str, str], tmp_path: Path
) -> None:
    release(model, tmp_path / "released/mse.safetensors", about)
    _, said = read_network(tmp_path / "released/mse.safetensors")
    assert said["trained_on"] == "a CPU"
    assert said["data"] == about["data"]
    assert said["loss"] == about["loss"]
    released = load_model(tmp_path / "released/mse.safetensors", 2).state_dict()
    for name, value in load_model(model).state_dict().items():
        assert torch.equal(released[name], value)
