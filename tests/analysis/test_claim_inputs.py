from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from srcnn.analysis.claim_inputs import Cost, read_cost, read_devices, texture_energies
from srcnn.analysis.results import Results
from srcnn.errors import InputError
from srcnn.images.image_io import RGB8, write_png
from srcnn.models.srcnn import SRCNN, save_model
from srcnn.utils.files import write_json

OneLine = Callable[[Any], str]
Picture = Callable[..., RGB8]


def test_a_network_costs_its_kernels_for_each_pixel(tmp_path: Path) -> None:
    save_model(SRCNN(2), tmp_path / "mse.safetensors", {})
    kernels = 9 * 9 * 3 * 64 + 64 * 32 + 5 * 5 * 32 * 3
    assert read_cost(tmp_path / "mse.safetensors") == Cost(kernels + 64 + 32 + 3, kernels)


@pytest.mark.parametrize("device_type", ["cpu", "cuda"])
def test_the_type_of_the_device_is_recorded_beside_its_name(
    tmp_path: Path, device_type: str
) -> None:
    facts = {"device": "a device, of some name", "trained_on": {"x2/mse": "another"}}
    write_json(facts, tmp_path / "environment.json")
    write_json({"device_type": device_type}, tmp_path / "device_type.json")
    devices = read_devices(tmp_path)
    assert (devices.type, devices.name) == (device_type, facts["device"])
    assert devices.trained_on == facts["trained_on"]


@pytest.mark.parametrize("name", ["environment.json", "device_type.json"])
@pytest.mark.parametrize("content", [None, "{", "[]", '{"device": "a"}'])
def test_devices_that_cannot_be_read_are_named(
    tmp_path: Path, one_line: OneLine, name: str, content: str | None
) -> None:
    write_json({"device": "a", "trained_on": {}}, tmp_path / "environment.json")
    write_json({"device_type": "cpu"}, tmp_path / "device_type.json")
    (tmp_path / name).unlink()
    if content:
        (tmp_path / name).write_text(content)
    with pytest.raises(InputError) as caught:
        read_devices(tmp_path)
    assert str(tmp_path / name) in one_line(caught)


def test_texture_is_measured_by_image_and_method(tmp_path: Path, picture: Picture) -> None:
    names = {"0001": "a", "0002": "b"}
    for number, image in enumerate(names):
        write_png(tmp_path / f"hr/{image}.png", picture(40, 48, number))
        for step, method in enumerate(("bicubic", "mse")):
            sr = picture(40, 48, number + 0.2 * step)
            write_png(tmp_path / f"sr/{method}/{image}.png", sr)
    results = Results(2, names, pd.DataFrame(), tmp_path / "hr", tmp_path / "sr")
    energies = texture_energies(results, ["bicubic", "mse"])
    assert list(energies.index) == ["0001", "0002"]
    assert list(energies.columns) == ["bicubic", "mse"]
    assert energies["bicubic"].max() < 1e-8 < energies["mse"].min()
