"""On what machines the results were made, and by how much they may differ on another."""

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
    """The environment of this run, where each model was trained, and the tolerance.

    Args:
        device: that computes the report.
        models: the models' files by name, such as `x2/mse`.

    Raises:
        InputError: a model's file is missing or does not say where it was trained.
    """
    return {
        **environment(device),
        "trained_on": {name: trained_on(path) for name, path in models.items()},
        "tolerance": {key: dict(metric.tolerance) for key, metric in METRICS.items()},
    }


def trained_on(model: Path) -> str:
    """The device that the model's metadata names.

    Raises:
        InputError: the file is missing, damaged, or holds something else.
    """
    try:
        _, about = read_tensors(model)
        return str(about["trained_on"])
    except FileNotFoundError:
        raise InputError(f"{model}: no such model (the stage train makes it)") from None
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{model}: does not say where it was trained ({error})") from None
