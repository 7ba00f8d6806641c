"""Training as the authors' code does, from the settings to the trained network."""

import math
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from srcnn.analysis.claims import VISIBLE_GRID
from srcnn.images.image_io import write_png
from srcnn.images.pairs import Pair
from srcnn.models.authors import AuthorsSRCNN, Layout
from srcnn.models.tensors import Weights, to_tensor, write_tensors
from srcnn.models.vgg import VGGFeatures
from srcnn.settings import Settings, read_settings
from srcnn.training.build import build_trainer, read_inputs
from srcnn.training.fabric import launch_fabric
from srcnn.training.grid_artefacts import GRID, measure_grids
from srcnn.utils.methods import ModelCode
from srcnn.utils.paths import vgg_path
from tests.tiny_project import change_params

MakePair = Callable[..., Pair]
Prepare = Callable[[ModelCode], Settings]

SCALE, LAYERS = 4, {"block2_conv2": 1.0}
CODES: tuple[ModelCode, ...] = ("authors_view", "authors_permute")


@pytest.fixture
def val(make_pair: MakePair) -> list[Pair]:
    return [make_pair("0003", 64, 48, SCALE, phase=1)]


@pytest.fixture
def prepare(
    project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    make_pair: MakePair,
    val: list[Pair],
    vgg16: Weights,
) -> Prepare:
    """A writer of all that training reads: whole images, VGG16 and the settings."""
    monkeypatch.chdir(tmp_path)
    train = [make_pair(f"{i:04d}", 64, 48, SCALE, phase=2 * i) for i in (1, 2)]
    for split, pairs in (("train", train), ("val", val)):
        for pair in pairs:
            write_png(Path(f"data/hr/{split}/{pair.name}.png"), pair.hr)
            write_png(Path(f"data/lr/x{SCALE}/{split}/{pair.name}x{SCALE}.png"), pair.lr)
    write_tensors(vgg16, vgg_path("perceptual"), {"network": "vgg16"})
    shutil.copy(project / "params.yaml", tmp_path)

    def settings(code: ModelCode) -> Settings:
        change_params(
            tmp_path,
            model={"code": code, "init": "random"},
            train={
                "batch_size": 2,
                "patch_size": None,
                "basis": "pixels",
                "epochs": {"mse": 1, "perceptual": 1},
                "augment": {"geometry": False, "colour": False},
            },
            loss={"lambda1": 0.9, "lambda2": 0.1, "balance": "none"},
        )
        return read_settings()

    return settings


@pytest.fixture
def fabric() -> Fabric:
    return launch_fabric("32")


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("loss", ["mse", "perceptual"])
def test_an_epoch_on_whole_images_changes_the_network_and_is_finite(
    prepare: Prepare, fabric: Fabric, code: ModelCode, loss: str
) -> None:
    settings = prepare(code)
    inputs = read_inputs(settings, SCALE, loss, fabric.device)
    trainer = build_trainer(settings, SCALE, loss, fabric, inputs)
    assert isinstance(trainer.model, AuthorsSRCNN)
    before = {name: value.clone() for name, value in trainer.model.state_dict().items()}
    (row,) = trainer.run()
    assert all(math.isfinite(value) for value in row.values())
    assert row["val_psnr_rgb"] < row["val_psnr_interpolated"]  # after two images
    assert [name for name in row if name.startswith(GRID)]
    after = trainer.model.state_dict()
    assert not any(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize("code", CODES)
def test_vgg_gets_the_tensor_of_the_layout_without_normalisation(
    prepare: Prepare, fabric: Fabric, vgg16: Weights, val: list[Pair], code: ModelCode
) -> None:
    inputs = read_inputs(prepare(code), SCALE, "perceptual", fabric.device)
    assert inputs.vgg is not None
    image = to_tensor(val[0].hr[None], fabric.device)
    plain = VGGFeatures(vgg16, "vgg16", LAYERS, prepare=lambda tensor: tensor)
    expected = plain(Layout(code).to_tensor(image))["block2_conv2"]
    torch.testing.assert_close(inputs.vgg(image)["block2_conv2"], expected)


def test_the_paper_s_code_normalises_what_vgg_gets(
    prepare: Prepare, fabric: Fabric, vgg16: Weights, val: list[Pair]
) -> None:
    inputs = read_inputs(prepare("paper"), SCALE, "perceptual", fabric.device)
    assert inputs.vgg is not None
    image = to_tensor(val[0].hr[None], fabric.device)
    expected = VGGFeatures(vgg16, "vgg16", LAYERS)(image)["block2_conv2"]
    torch.testing.assert_close(inputs.vgg(image)["block2_conv2"], expected)


@pytest.mark.parametrize("code", CODES)
def test_grids_are_measured_in_what_the_network_adds(
    fabric: Fabric, val: list[Pair], code: ModelCode
) -> None:
    torch.manual_seed(0)
    levels = measure_grids(fabric, AuthorsSRCNN(SCALE, code), val)
    assert [name.rpartition("/")[2] for name in levels] == ["8", "16", "thirds"]
    assert all(math.isfinite(level) for level in levels.values())


@pytest.mark.parametrize(
    ("code", "has_tiles"), [("authors_view", True), ("authors_permute", False)]
)
def test_channels_of_another_brightness_are_thirds_of_the_image_in_the_published_layout(
    fabric: Fabric, code: ModelCode, has_tiles: bool
) -> None:
    model, grey = AuthorsSRCNN(SCALE, code), np.full((64, 48, 3), 128, np.uint8)
    with torch.no_grad():
        for value in model.parameters():
            value.zero_()
        assert model.reconstruction.bias is not None
        model.reconstruction.bias.copy_(torch.tensor([0.3, 0.5, 0.7]))
    levels = measure_grids(fabric, model, [Pair("grey", grey, grey[::SCALE, ::SCALE])])
    assert (levels[f"{GRID}grey/thirds"] > VISIBLE_GRID) == has_tiles
