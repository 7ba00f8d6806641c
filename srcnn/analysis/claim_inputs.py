"""What the claims are judged by besides the scores: devices, cost of a network, texture."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch

from srcnn.analysis.hallucination import hallucination_map
from srcnn.analysis.results import Results
from srcnn.errors import InputError
from srcnn.models.srcnn import load_model
from srcnn.utils.threads import map_threads


class Devices(NamedTuple):
    """The devices of a run."""

    type: str  # `cpu` or `cuda`, of the device that super-resolved the val images
    name: str  # of that device
    trained_on: dict[str, str]  # names of the devices that trained the models, by model


class Cost(NamedTuple):
    """What a network needs to run."""

    parameters: int
    multiply_adds: int  # of the convolutions, per output pixel


def read_devices(metrics: Path) -> Devices:
    """Read `device_type.json` and `environment.json` of the stage provenance.

    Raises:
        InputError: a file is missing or damaged.
    """
    path = metrics / "device_type.json"
    try:
        device_type = str(json.loads(path.read_text(encoding="utf-8"))["device_type"])
        path = metrics / "environment.json"
        facts = json.loads(path.read_text(encoding="utf-8"))
        trained_on = {str(model): str(name) for model, name in facts["trained_on"].items()}
        return Devices(device_type, str(facts["device"]), trained_on)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file (the stage provenance makes it)") from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: damaged ({error!r}); run the stage provenance again") from None


def read_cost(model: Path) -> Cost:
    """Read the cost of a trained network; errors as `load_model`."""
    network = load_model(model)
    convolutions = [layer for layer in network.modules() if isinstance(layer, torch.nn.Conv2d)]
    # Each weight of a kernel multiplies once per pixel.
    multiply_adds = sum(layer.weight.numel() for layer in convolutions)
    return Cost(sum(parameter.numel() for parameter in network.parameters()), multiply_adds)


def texture_energies(results: Results, methods: Sequence[str]) -> pd.DataFrame:
    """Mean energy of hallucinated texture: a row for each image, a column for each method."""

    def energies(image: str) -> dict[str, float]:
        pictures = results.pictures(image, *methods)
        maps = {method: hallucination_map(pictures[method], pictures["hr"]) for method in methods}
        return {method: float(energy.mean(dtype=np.float64)) for method, energy in maps.items()}

    rows = map_threads(energies, results.names, f"texture ×{results.scale}")
    return pd.DataFrame(rows, index=list(results.names))
