"""The trained networks that are installed with the package, and others, ready to enlarge."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from srcnn.errors import InputError
from srcnn.export.onnx_network import Weights
from srcnn.upscaling.onnx_runner import Enlarger

FOLDER = Path(__file__).parents[1] / "released"
STRENGTH = 1.0
"""Where nothing is said: the network of the perceptual loss."""

_SHAPES = {
    "features.weight": (64, 3, 9, 9),
    "features.bias": (64,),
    "mapping.weight": (32, 64, 1, 1),
    "mapping.bias": (32,),
    "reconstruction.weight": (3, 32, 5, 5),
    "reconstruction.bias": (3,),
}


def load(
    scale: int | None = None,
    strength: float = STRENGTH,
    model: Path | str | None = None,
    threads: int = 0,
) -> Enlarger:
    """A network that enlarges images.

    Args:
        scale: 2 or 4; with `model` the network's own.
        strength: between the network trained with the MSE (0) and the one trained with the
            perceptual loss (1): the share of the latter in the mean of both results.
        model: a network's file, `models/x2/mse.safetensors`, instead of the released ones.
        threads: cores that it takes; 0 for all.

    Raises:
        InputError: there is no such network, or `strength` is not in [0, 1].
    """
    return _loaded(scale, strength, None if model is None else Path(model), threads)


@lru_cache(maxsize=4)
def _loaded(scale: int | None, strength: float, model: Path | None, threads: int) -> Enlarger:
    if not 0 <= strength <= 1:
        raise InputError(f"strength {strength:g} is not between 0 and 1")
    if model is not None:
        weights, about = read_network(model)
        if scale not in (None, about["scale"]):
            raise InputError(f"{model}: a network for ×{about['scale']}, not for ×{scale}")
        return Enlarger([weights], about["scale"], about["upsampling"], threads)
    scale = 2 if scale is None else scale
    files = [FOLDER / f"x{scale}" / f"{loss}.safetensors" for loss in ("mse", "perceptual")]
    if not all(file.is_file() for file in files):
        known = ", ".join(sorted(folder.name[1:] for folder in FOLDER.glob("x*")))
        raise InputError(f"no released network enlarges {scale} times; there are {known}")
    (mse, about), (perceptual, _) = (read_network(file) for file in files)
    parts = (mse, 1 - strength), (perceptual, strength)
    networks = [_times(share, weights) for weights, share in parts if share]
    return Enlarger(networks, scale, about["upsampling"], threads)


def _times(share: float, weights: Weights) -> Weights:
    """A network whose result is a share of another's: its last layer is linear."""
    return {
        name: value * np.float32(share) if name.startswith("reconstruction") else value
        for name, value in weights.items()
    }


def read_network(path: Path) -> tuple[Weights, dict[str, Any]]:
    """The weights of a network and what its file says of it.

    Raises:
        InputError: the file is missing, damaged, or holds something else.
    """
    try:
        with safe_open(path, "np") as file:
            about = json.loads((file.metadata() or {}).get("srcnn", "{}"))
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise InputError(f"{path}: no such model") from None
    except (SafetensorError, OSError, ValueError, TypeError) as error:
        raise InputError(f"{path}: not a model of this project ({error})") from None
    shapes = {name: value.shape for name, value in weights.items()}
    known = isinstance(about, dict) and (about.get("scale"), about.get("upsampling")) in [
        (scale, kernel) for scale in (2, 3, 4, 8) for kernel in ("bicubic", "bilinear")
    ]
    of_float32 = all(value.dtype == np.float32 for value in weights.values())
    if shapes != _SHAPES or not of_float32 or not known or not isinstance(about["scale"], int):
        raise InputError(f"{path}: not a network of this project, SRCNN 9-1-5 in RGB")
    if not all(np.isfinite(value).all() for value in weights.values()):
        raise InputError(f"{path}: a weight is not finite")
    return weights, about
