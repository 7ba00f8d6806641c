"""Makes networks, and saves and loads them."""

from pathlib import Path
from typing import Any, get_args

import torch

from srcnn.errors import InputError
from srcnn.images.resize import Kernel
from srcnn.models.authors import AuthorsSRCNN
from srcnn.models.srcnn import SRCNN
from srcnn.models.tensors import read_tensors, read_weights, write_tensors
from srcnn.settings import SCALES
from srcnn.utils.methods import AUTHORS_METHODS, AUTHORS_SCALE, ModelCode
from srcnn.utils.paths import AUTHORS_FOLDER
from srcnn.utils.tensor_files import NETWORK_BYTES


def make_model(scale: int, upsampling: Kernel, code: ModelCode) -> SRCNN:
    """A network with random weights; `code` is the setting `model.code`.

    Raises:
        ValueError: there is no such code.
    """
    if code not in get_args(ModelCode):
        raise ValueError(f"no such code: {code}")
    return SRCNN(scale, upsampling) if code == SRCNN.code else AuthorsSRCNN(scale, code)


def save_model(model: SRCNN, path: Path, about: dict[str, Any]) -> None:
    """Write the weights as safetensors, with the architecture and `about` as JSON metadata."""
    architecture: dict[str, Any] = {"scale": model.scale, "upsampling": model.upsampling}
    if model.code != SRCNN.code:
        architecture["code"] = model.code
    write_tensors(model.state_dict(), path, architecture | about)


def load_model(path: Path, scale: int | None = None) -> SRCNN:
    """Read a network of `save_model`; InputError if missing, damaged or of another scale."""
    try:
        weights, about = read_tensors(path, NETWORK_BYTES)
        if type(about["scale"]) is not int or about["scale"] not in SCALES:
            raise ValueError(f"scale {about['scale']!r:.50}")
        if any(value.dtype != torch.float32 for value in weights.values()):
            raise ValueError("a weight is not float32")
        model = make_model(about["scale"], about["upsampling"], about.get("code", SRCNN.code))
        model.load_state_dict(weights)
    except FileNotFoundError:
        raise InputError(f"{path}: no such model") from None
    except InputError:
        raise
    except Exception as error:  # damaged files raise exceptions of many types
        raise InputError(f"{path}: not a model of this project ({str(error)[:300]})") from None
    if scale is not None and model.scale != scale:
        raise InputError(f"{path}: a model for ×{model.scale}, not ×{scale}")
    return model.eval()


def load_authors_model(method: str) -> SRCNN:
    """The published network of one of AUTHORS_METHODS; errors as `read_weights`."""
    loss, code = AUTHORS_METHODS[method]
    model = AuthorsSRCNN(AUTHORS_SCALE, code)
    path = AUTHORS_FOLDER / f"{loss}.safetensors"
    model.load_state_dict(read_weights(path, model.state_dict(), stage="fetch_authors"))
    return model.eval()
