from pathlib import Path

import onnx
import pytest
import torch

from srcnn.errors import InputError
from srcnn.export import network_files
from srcnn.export.network_files import about_training, read_kept_epoch, write_onnx, write_released
from srcnn.models.model_files import load_model, save_model
from srcnn.models.srcnn import SRCNN
from srcnn.upscaling.released_networks import FOLDER, read_network
from srcnn.utils.files import sha256_of


@pytest.fixture
def model(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    save_model(SRCNN(2), tmp_path / "model.safetensors", {"loss": "mse", "trained_on": "a CPU"})
    return tmp_path / "model.safetensors"


@pytest.fixture
def about(tmp_path: Path) -> dict[str, str]:
    index = tmp_path / "index.csv"
    index.write_text("image,split,name\n0001,train,a\n0002,train,b\n0003,val,c\n")
    return about_training(index, "sample", 4, "Eq. 1, MSE")


def test_the_metadata_describes_the_training(about: dict[str, str]) -> None:
    assert about["data"] == "sample: 2 photographs, judged on 1"
    assert about["loss"] == "Eq. 1, MSE"
    assert about["epochs"] == "4"


@pytest.mark.parametrize(
    ("kept", "data", "epochs"),
    [(None, "1 set aside", "200"), (37, "1 chose the epoch", "37 of 200")],
)
def test_the_metadata_says_what_the_images_set_aside_did(
    tmp_path: Path, kept: int | None, data: str, epochs: str
) -> None:
    index = tmp_path / "index.csv"
    index.write_text("image,split,name\n0001,train,a\n0002,select,b\n0003,val,c\n")
    about = about_training(index, "sample", 200, "Eq. 1, MSE", kept)
    assert about["data"] == f"sample: 1 photographs, judged on 1, {data}"
    assert about["epochs"] == epochs


def test_a_model_that_does_not_name_its_epoch_is_refused(model: Path) -> None:
    with pytest.raises(InputError, match="does not name the kept epoch"):
        read_kept_epoch(model)
    save_model(SRCNN(2), model, {"kept_epoch": 37})
    assert read_kept_epoch(model) == 37


def test_an_onnx_file_has_metadata_and_the_output_of_torch(
    model: Path, about: dict[str, str], tmp_path: Path
) -> None:
    assert write_onnx(model, tmp_path / "out/x2.onnx", about) < 1e-5
    said = {entry.key: entry.value for entry in onnx.load(tmp_path / "out/x2.onnx").metadata_props}
    assert said == {"scale": "2", "model_sha256": sha256_of(model), **about}


def test_an_onnx_file_that_differs_from_torch_is_not_written(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network_files, "TOLERANCE", 1e-12)
    with pytest.raises(InputError, match="differs from torch"):
        write_onnx(model, tmp_path / "x2.onnx", {})
    assert not (tmp_path / "x2.onnx").exists()


def test_a_released_network_has_the_weights_of_the_model_and_more_metadata(
    model: Path, about: dict[str, str], tmp_path: Path
) -> None:
    write_released(model, tmp_path / "released/mse.safetensors", about)
    _, said = read_network(tmp_path / "released/mse.safetensors")
    assert said["trained_on"] == "a CPU"
    assert said["data"] == about["data"]
    assert said["loss"] == about["loss"]
    released = load_model(tmp_path / "released/mse.safetensors", 2).state_dict()
    for name, value in load_model(model).state_dict().items():
        assert torch.equal(released[name], value)


def test_the_released_networks_describe_their_loss() -> None:
    for loss, text in (("mse", "Eq. 1, MSE"), ("perceptual", "Eq. 3: {")):
        _, about = read_network(FOLDER / f"x2/{loss}.safetensors")
        assert about["loss"].startswith(text)
        assert ("block2_conv2" in about["loss"]) == (loss == "perceptual")
