import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from srcnn.data.authors_networks import Manifest, Network, fetch_network, read_manifest
from srcnn.errors import InputError
from srcnn.images.image_io import crop_to_multiple, read_rgb
from srcnn.images.resize import imresize
from srcnn.models.authors import AuthorsSRCNN
from srcnn.models.srcnn import SRCNN
from srcnn.models.tiled_inference import super_resolve
from srcnn.utils.methods import AUTHORS_METHODS, AUTHORS_SCALE
from tests.server import Server

OneLine = Callable[[Any], str]

SET5 = "baby", "bird", "butterfly", "head", "woman"
NOWHERE = "http://127.0.0.1:9/model_weight.pth"


@pytest.fixture
def published(project: Path) -> Manifest:
    return read_manifest(project / "datasets/authors.yaml")


@pytest.fixture
def state() -> dict[str, Tensor]:
    """An SRCNN with the names of the published files."""
    torch.manual_seed(0)
    theirs = {"features": "conv1", "mapping": "conv2", "reconstruction": "conv3"}
    return {
        f"module.{theirs[name.partition('.')[0]]}.{name.partition('.')[2]}": value
        for name, value in SRCNN(AUTHORS_SCALE).state_dict().items()
    }


def offered(server: Server, held: Any, **changes: Any) -> Network:
    """A manifest's entry for a file on the server."""
    file = io.BytesIO()
    torch.save(held, file)
    content = server.files["model_weight.pth"] = file.getvalue()
    about = {
        "url": f"{server.url}/model_weight.pth",
        "name": "mine.pth",
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    return Network.model_validate(about | changes)


def errors_on_set5(assets: Path, method: str, published: Manifest) -> list[float]:
    """The RGB MSE of each image, in [0, 1], by a published network."""
    loss, code = AUTHORS_METHODS[method]
    networks = dict[str, Network](published.networks.items())
    model = AuthorsSRCNN(AUTHORS_SCALE, code).eval()
    model.load_state_dict(fetch_network(networks[loss], assets / "authors"))
    errors = []
    for name in SET5:
        hr = crop_to_multiple(read_rgb(assets / f"Set5/HR/{name}.png"), AUTHORS_SCALE)
        sr = super_resolve(model, imresize(hr, 1 / AUTHORS_SCALE))
        errors.append(float(np.square(sr / 255 - hr / 255).mean()))
    return errors


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("authors_mse", [0.00101, 0.00170, 0.00796, 0.00152, 0.00311]),
        ("authors_perceptual", [0.00115, 0.00170, 0.00789, 0.00160, 0.00319]),
    ],
)
def test_the_published_networks_have_the_errors_of_their_code_on_set5(
    assets: Path, published: Manifest, method: str, expected: list[float]
) -> None:
    errors = errors_on_set5(assets, method, published)
    assert [round(error, 5) for error in errors] == expected


@pytest.mark.parametrize(
    ("method", "expected"),
    [("authors_mse_permute", 0.0048), ("authors_perceptual_permute", 0.0049)],
)
def test_with_the_layout_mended_they_are_worse_because_they_were_trained_without(
    assets: Path, published: Manifest, method: str, expected: float
) -> None:
    assert round(float(np.mean(errors_on_set5(assets, method, published))), 4) == expected


def test_the_files_in_the_cache_are_the_published_ones(assets: Path, published: Manifest) -> None:
    """Nothing listens at the address, so that only the files can be used."""
    for network in published.networks.values():
        there = network.model_copy(update={"url": NOWHERE})
        weights = fetch_network(there, assets / "authors")
        assert sum(value.numel() for value in weights.values()) == 20099


def test_a_network_is_downloaded_once_and_its_layers_are_renamed(
    tmp_path: Path, server: Server, state: dict[str, Tensor]
) -> None:
    network = offered(server, state)
    for _ in range(2):
        weights = fetch_network(network, tmp_path)
        AuthorsSRCNN(AUTHORS_SCALE, "authors_view").load_state_dict(weights)
        assert torch.equal(weights["mapping.bias"], state["module.conv2.bias"])
    assert len(server.asked) == 1
    assert (tmp_path / "mine.pth").read_bytes() == server.files["model_weight.pth"]


def test_a_wrong_checksum_is_refused_in_one_line(
    tmp_path: Path, server: Server, state: dict[str, Tensor], one_line: OneLine
) -> None:
    network = offered(server, state, sha256="0" * 64)
    with pytest.raises(InputError) as caught:
        fetch_network(network, tmp_path)
    message = one_line(caught)
    assert network.url in message
    assert "checksum" in message
    assert "mine.pth" in message
    assert not (tmp_path / "mine.pth").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"module.conv1.weight": torch.zeros(64, 1, 9, 9)},
        {"module.conv4.bias": torch.zeros(3)},
        {"module.conv3.bias": None},
    ],
    ids=["of one channel", "four layers", "a bias missing"],
)
def test_a_file_that_is_no_srcnn_is_named_in_one_line(
    tmp_path: Path,
    server: Server,
    state: dict[str, Tensor],
    one_line: OneLine,
    change: dict[str, Tensor | None],
) -> None:
    held = {name: value for name, value in (state | change).items() if value is not None}
    with pytest.raises(InputError) as caught:
        fetch_network(offered(server, held), tmp_path)
    assert one_line(caught).startswith(f"{tmp_path / 'mine.pth'}: ")


@pytest.mark.parametrize("held", [[1, 2], None, {"conv1.weight": "words"}, torch.zeros(3)])
def test_a_file_without_weights_is_named_in_one_line(
    tmp_path: Path, server: Server, one_line: OneLine, held: Any
) -> None:
    with pytest.raises(InputError) as caught:
        fetch_network(offered(server, held), tmp_path)
    assert str(tmp_path / "mine.pth") in one_line(caught)


def test_without_a_connection_one_line_says_which_file_to_put_where(
    tmp_path: Path, server: Server, state: dict[str, Tensor], one_line: OneLine
) -> None:
    network = offered(server, state, url=NOWHERE)
    with pytest.raises(InputError) as caught:
        fetch_network(network, tmp_path)
    message = one_line(caught)
    assert network.url in message
    assert f"put mine.pth into data.cache_dir ({tmp_path})" in message
    assert "evaluate.authors: false" in message


@pytest.mark.parametrize("name", ["../mine.pth", "mine", ""])
def test_a_manifest_that_names_another_folder_is_refused(
    tmp_path: Path, project: Path, one_line: OneLine, name: str
) -> None:
    path = tmp_path / "authors.yaml"
    text = (project / "datasets/authors.yaml").read_text(encoding="utf-8")
    path.write_text(text.replace("name: mse_baseline.pth", f"name: '{name}'"), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_manifest(path)
    assert one_line(caught).startswith(f"{path}: networks.mse.name: ")
