"""What the claims are judged by, besides the scores: read from the files of a run."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from srcnn.analysis.hallucination import hallucinated
from srcnn.analysis.results import Results
from srcnn.errors import InputError
from srcnn.models.srcnn import load_model
from srcnn.utils.threads import map_threads


@dataclass(frozen=True)
class Cost:
    """What a network needs to run.

    Args:
        parameters: its trained numbers.
        multiply_adds: for each pixel of its output, of the convolutions.
    """

    parameters: int
    multiply_adds: int


def read_devices(path: Path) -> tuple[str, dict[str, str]]:
    """The device that made the results, and those that trained the models, by model.

    Args:
        path: metrics/environment.json, as the stage provenance writes it.

    Raises:
        InputError: the file is missing or damaged.
    """
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        return str(facts["device"]), {str(k): str(v) for k, v in facts["trained_on"].items()}
    except FileNotFoundError:
        raise InputError(f"{path}: no such file (the stage provenance makes it)") from None
    except (AttributeError, KeyError, TypeError, ValueError):
        raise InputError(f"{path}: does not name the devices; run dvc repro provenance") from None


def is_cpu(device: str) -> bool:
    """Whether `device_name` gave this name to a CPU: its instructions follow."""
    return ", " in device


def read_cost(model: Path) -> Cost:
    """The cost of a trained network.

    Raises:
        InputError: as `srcnn.models.srcnn.load_model`.
    """
    network = load_model(model)
    kernels = [layer.weight for layer in network.modules() if isinstance(layer, torch.nn.Conv2d)]
    return Cost(
        sum(parameter.numel() for parameter in network.parameters()),
        sum(kernel.numel() for kernel in kernels),  # each of its numbers once for each pixel
    )


def texture_energies(results: Results, methods: Iterable[str]) -> dict[str, dict[str, float]]:
    """Mean energy of texture that the methods' results have and HR does not: method → image → it.

    Raises:
        InputError: as `Results.pictures`.
    """
    methods = list(methods)

    def energies(image: str) -> Mapping[str, float]:
        pictures = results.pictures(image, *methods)
        hr = pictures.pop("hr")
        return {
            method: float(hallucinated(sr, hr).mean(dtype=np.float64))
            for method, sr in pictures.items()
        }

    found = map_threads(energies, results.names, f"texture ×{results.scale}")
    by_image = dict(zip(results.names, found, strict=True))
    return {method: {image: by_image[image][method] for image in by_image} for method in methods}
