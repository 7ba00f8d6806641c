from pathlib import Path

import onnx
import pytest
import torch

from srcnn.errors import InputError
from srcnn.export import network_files
from srcnn.export.network_files import about_training, write_onnx
from srcnn.models.model_files import save_model
from srcnn.models.srcnn import SRCNN
from srcnn.settings import Settings, read_settings
from srcnn.upscaling.released_networks import FOLDER, read_network
from srcnn.utils.files import sha256_of


@pytest.fixture
def model(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    save_model(SRCNN(2), tmp_path / "model.safetensors", {"loss": "mse", "trained_on": "a CPU"})
    return tmp_path / "model.safetensors"


@pytest.fixture
def index(tmp_path: Path) -> Path:
    path = tmp_path / "index.csv"
    path.write_text("image,split,name\n0001,train,a\n0002,train,b\n0003,val,c\n")
    return path


@pytest.fixture
def settings(project: Path) -> Settings:
    """The settings of the sample, with eight epochs."""
    settings = read_settings(project / "params.yaml")
    epochs = settings.train.epochs.model_copy(update={"mse": 8})
    return settings.model_copy(
        update={"train": settings.train.model_copy(update={"epochs": epochs})}
    )


@pytest.fixture
def about(settings: Settings, model: Path, index: Path) -> dict[str, str]:
    return about_training(settings, "mse", model, index)


def test_the_metadata_describes_the_training(
    settings: Settings, about: dict[str, str], model: Path, index: Path
) -> None:
    assert about["data"] == "sample: 2 photographs, judged on 1"
    assert about["data_sha256"] == sha256_of(index)
    assert about["loss"] == "Eq. 1, MSE"
    assert about["epochs"] == "8"
    loss = about_training(settings, "perceptual", model, index)["loss"]
    assert loss.startswith("Eq. 3: {")
    assert "block2_conv2" in loss


@pytest.mark.parametrize(
    ("keep", "data", "epochs"),
    [("last", "1 set aside", "8"), ("best", "1 chose the epoch", "5 of 8")],
)
def test_the_metadata_says_what_the_images_set_aside_did(
    settings: Settings, model: Path, index: Path, keep: str, data: str, epochs: str
) -> None:
    index.write_text("image,split,name\n0001,train,a\n0002,select,b\n0003,val,c\n")
    save_model(SRCNN(2), model, {"kept_epoch": 5})
    settings = settings.model_copy(
        update={"train": settings.train.model_copy(update={"keep": keep})}
    )
    about = about_training(settings, "mse", model, index)
    assert about["data"] == f"sample: 1 photographs, judged on 1, {data}"
    assert about["epochs"] == epochs


def test_a_model_that_does_not_name_its_epoch_is_refused(
    settings: Settings, model: Path, index: Path
) -> None:
    settings = settings.model_copy(
        update={"train": settings.train.model_copy(update={"keep": "best"})}
    )
    with pytest.raises(InputError, match="does not name the kept epoch"):
        about_training(settings, "mse", model, index)


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


def test_the_released_networks_describe_their_loss() -> None:
    for loss, text in (("mse", "Eq. 1, MSE"), ("perceptual", "Eq. 3: {")):
        _, about = read_network(FOLDER / f"x2/{loss}.safetensors")
        assert about["loss"].startswith(text)
        assert ("block2_conv2" in about["loss"]) == (loss == "perceptual")
