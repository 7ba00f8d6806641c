"""The networks that the paper's first author published: downloaded, checked, and renamed."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from srcnn.data.download import Remote, fetch
from srcnn.data.pretrained_weights import read_state_dict
from srcnn.errors import InputError
from srcnn.models.srcnn import SRCNN
from srcnn.models.tensors import Weights
from srcnn.utils.methods import AUTHORS_SCALE
from srcnn.utils.yaml_files import read_model

_LAYERS = {"conv1": "features", "conv2": "mapping", "conv3": "reconstruction"}  # theirs, ours


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Network(_Section):
    """A file of `datasets/authors.yaml`."""

    url: Annotated[str, Field(pattern="^https?://")]
    name: Annotated[str, Field(pattern=r"^[^/\\]+\.pth$")]  # of the copy in data.cache_dir
    bytes: PositiveInt
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Manifest(_Section):
    """`datasets/authors.yaml`."""

    licence: str
    networks: dict[Literal["mse", "perceptual"], Network]


def read_manifest(path: Path) -> Manifest:
    """Read the manifest; InputError if it is missing or not YAML, or a key is unknown or wrong."""
    return read_model(Manifest, path, "git checkout restores it")


def fetch_network(network: Network, cache: Path) -> Weights:
    """Download a network, if `cache` lacks it, and name its layers as `SRCNN` does.

    Raises:
        InputError: there is neither a valid copy nor a connection, or the file is no SRCNN.
    """
    remote = Remote(network.url, "sha256", network.sha256, network.bytes, network.name)
    advice = f"put {network.name} into data.cache_dir ({cache}), or set evaluate.authors: false"
    path = fetch(remote, cache, advice)
    weights = {}
    for key, value in read_state_dict(path).items():
        layer, _, part = key.removeprefix("module.").partition(".")
        weights[f"{_LAYERS.get(layer, layer)}.{part}"] = value
    expected = {name: value.shape for name, value in SRCNN(AUTHORS_SCALE).state_dict().items()}
    if {name: value.shape for name, value in weights.items()} != expected:
        raise InputError(f"{path}: not an SRCNN 9-1-5 on three channels")
    return weights
