"""`make release`: the networks of stored results become those of the package."""

from pathlib import Path

import numpy as np
import pytest

from srcnn.errors import InputError
from srcnn.models.model_files import save_model
from srcnn.models.srcnn import SRCNN
from srcnn.upscaling.released_networks import read_network
from srcnn.utils.files import sha256_of
from tests.tiny_project import change_params
from tools.release import LOSSES, release

EPOCHS = {"epochs": {"mse": 8, "perceptual": 8}}


@pytest.fixture
def results(project: Path, tmp_path: Path) -> Path:
    """Results of one scale with networks that kept the fifth epoch."""
    folder = tmp_path / "results/small"
    (folder / "data/hr").mkdir(parents=True)
    index = "image,split,name\n0001,train,a\n0002,select,b\n0003,val,c\n"
    (folder / "data/hr/index.csv").write_text(index)
    (folder / "params.yaml").write_bytes((project / "params.yaml").read_bytes())
    change_params(folder, scales=[2], data={"select": 1}, train={"keep": "best", **EPOCHS})
    for loss in LOSSES:
        about = {"loss": loss, "kept_epoch": 5, "trained_on": "a CPU"}
        save_model(SRCNN(2), folder / f"models/x2/{loss}.safetensors", about)
    return folder


def test_a_released_network_has_the_weights_of_the_results_and_describes_them(
    results: Path, tmp_path: Path
) -> None:
    assert release(results, tmp_path) == [tmp_path / f"x2/{loss}.safetensors" for loss in LOSSES]
    for loss in LOSSES:
        model = results / f"models/x2/{loss}.safetensors"
        weights, _ = read_network(model)
        released, about = read_network(tmp_path / f"x2/{loss}.safetensors")
        for name, value in weights.items():
            np.testing.assert_array_equal(released[name], value)
        assert (about["preset"], about["licence"]) == ("small", "MIT")
        assert (about["trained_on"], about["epochs"]) == ("a CPU", "5 of 8")
        assert about["data"] == "sample: 1 photographs, judged on 1, 1 chose the epoch"
        assert about["model_sha256"] == sha256_of(model)


def test_nothing_is_released_if_a_network_is_missing_or_damaged(
    results: Path, tmp_path: Path
) -> None:
    network = results / "models/x2/perceptual.safetensors"
    for damage in (lambda: network.write_bytes(b"no network"), network.unlink):
        damage()
        with pytest.raises(InputError, match=r"models/x2/perceptual\.safetensors"):
            release(results, tmp_path / "released")
        assert not (tmp_path / "released").exists()


def test_without_stored_results_one_line_says_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"presets/t91\.yaml, then python -m tools\.results store"):
        release(tmp_path / "results/t91", tmp_path / "released")
    assert not (tmp_path / "released").exists()
