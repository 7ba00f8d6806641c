"""Loads the trained networks that are installed with the package, or a network of the user's."""

from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

import numpy as np

from srcnn.errors import InputError
from srcnn.export.onnx_network import Weights
from srcnn.upscaling.onnx_runner import Upscaler
from srcnn.utils.methods import ModelCode
from srcnn.utils.tensor_files import NETWORK_BYTES, read_safetensors

FOLDER = Path(__file__).parents[1] / "released"
DEFAULT_STRENGTH = 1.0

_SHAPES = {
    **{"features.weight": (64, 3, 9, 9), "features.bias": (64,)},
    **{"mapping.weight": (32, 64, 1, 1), "mapping.bias": (32,)},
    **{"reconstruction.weight": (3, 32, 5, 5), "reconstruction.bias": (3,)},
}


def load(
    scale: int | None = None,
    strength: float = DEFAULT_STRENGTH,
    model: Path | str | None = None,
    threads: int = 0,
) -> Upscaler:
    """Load a network that upscales images.

    Args:
        scale: 2 or 4; None for 2, or for the scale of `model`.
        strength: in [0, 1]: 0 is the network trained with the MSE loss, 1 the one trained with the
            perceptual loss. Values between mix the two results linearly.
        model: a model file, such as `models/x2/mse.safetensors`, instead of the released ones.
        threads: CPU threads; 0 for all cores, at most 16.

    Raises:
        InputError: there is no such network, or `strength` is not in [0, 1].
    """
    return _load(scale, strength, None if model is None else Path(model), threads)


def load_all(
    strength: float = DEFAULT_STRENGTH, model: Path | str | None = None, threads: int = 0
) -> list[Upscaler]:
    """Load the released networks, in the order of their scales, or only `model`.

    The arguments and errors are those of `load`.
    """
    if model is not None:
        return [load(None, strength, model, threads)]
    scales = _released_scales()
    if not scales:
        raise InputError(f"{FOLDER}: no released networks; install the package again")
    return [load(scale, strength, None, threads) for scale in scales]


def _released_scales() -> list[int]:
    return sorted(int(file.parent.name[1:]) for file in FOLDER.glob("x*/mse.*"))


@lru_cache(maxsize=4)
def _load(scale: int | None, strength: float, model: Path | None, threads: int) -> Upscaler:
    if not 0 <= strength <= 1:
        raise InputError(f"strength {strength:g} is not between 0 and 1")
    if model is not None:
        weights, about = read_network(model)
        if scale not in (None, about["scale"]):
            raise InputError(f"{model}: a network for ×{about['scale']}, not for ×{scale}")
        return Upscaler([weights], about["scale"], about["upsampling"], threads)
    scale = 2 if scale is None else scale
    files = [FOLDER / f"x{scale}" / f"{loss}.safetensors" for loss in ("mse", "perceptual")]
    if not all(file.is_file() for file in files):
        scales = ", ".join(map(str, _released_scales()))
        raise InputError(f"no released network for scale {scale}; there are {scales}")
    (mse, about), (perceptual, _) = (read_network(file) for file in files)
    parts = (mse, 1 - strength), (perceptual, strength)
    networks = [_scale_output(weights, share) for weights, share in parts if share]
    return Upscaler(networks, scale, about["upsampling"], threads)


def _scale_output(weights: Weights, factor: float) -> Weights:
    """Multiply a network's output by `factor`, through its last, linear layer."""
    return {
        name: value * np.float32(factor) if name.startswith("reconstruction") else value
        for name, value in weights.items()
    }


def read_network(path: Path) -> tuple[Weights, dict[str, Any]]:
    """Read the weights and the metadata of a model file, without torch.

    Raises:
        InputError: the file is missing or damaged, or holds another kind of network.
    """
    try:
        weights, about = read_safetensors(path, "np", NETWORK_BYTES)
    except FileNotFoundError:
        raise InputError(f"{path}: no such model") from None
    if about.get("code") in get_args(ModelCode):
        raise InputError(
            f"{path}: a network of the authors' code (model.code: {about['code']}); "
            "srcnn upscale has only that of the paper"
        )
    kind = about.get("scale"), about.get("upsampling"), about.get("code", "paper")
    is_known = kind in [(s, k, "paper") for s in (2, 3, 4, 8) for k in ("bicubic", "bilinear")]
    is_srcnn = {name: value.shape for name, value in weights.items()} == _SHAPES and all(
        value.dtype == np.float32 for value in weights.values()
    )
    if not is_srcnn or not is_known or type(about["scale"]) is not int:
        raise InputError(f"{path}: not a network of this project (SRCNN 9-1-5 in RGB)")
    if not all(np.isfinite(value).all() for value in weights.values()):
        raise InputError(f"{path}: a weight is not finite")
    return weights, about
