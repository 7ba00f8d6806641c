"""The devices that made the results, and by how much they may differ on another."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from srcnn.errors import InputError
from srcnn.evaluation.metrics import METRICS
from srcnn.models.device import environment
from srcnn.models.tensors import read_tensors


def provenance(device: torch.device, models: Mapping[str, Path]) -> dict[str, Any]:
    """The environment of a run on a device, the device that trained each model, the tolerance.

    Raises:
        InputError: a model's file is missing, damaged or does not name its device.
    """
    return {
        **environment(device),
        "trained_on": {name: _trained_on(path) for name, path in models.items()},
        "tolerance": {key: dict(metric.tolerance) for key, metric in METRICS.items()},
    }


def _trained_on(model: Path) -> str:
    try:
        return str(read_tensors(model)[1]["trained_on"])
    except FileNotFoundError:
        raise InputError(f"{model}: no such model (the stage train makes it)") from None
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{model}: does not say where it was trained ({error})") from None
