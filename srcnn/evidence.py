"""What the claims are judged by, besides the scores: read from the files of a run."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from srcnn.cores import on_all_cores
from srcnn.errors import InputError
from srcnn.files import read_csv
from srcnn.hallucination import hallucinated
from srcnn.model import load_model
from srcnn.results import Results

Peaks = dict[str, list[float]]
"""By image, the peak in dB after each epoch, in the order of the epochs."""


@dataclass(frozen=True)
class Cost:
    """What a network needs to run.

    Args:
        parameters: its trained numbers.
        multiply_adds: for each pixel of its output, of the convolutions.
    """

    parameters: int
    multiply_adds: int


def read_peaks(path: Path) -> Peaks:
    """Read metrics/grid/x{scale}_{loss}.csv, as the stage train writes it.

    Returns:
        no image at all where the val crops were too small to tell.

    Raises:
        InputError: the file is missing or damaged, or a peak is no number.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file (the stage train makes it)")
    peaks: dict[str, dict[int, float]] = {}
    try:
        for row in read_csv(path):
            peaks.setdefault(row["image"], {})[int(row["epoch"])] = float(row["peak"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: not the columns epoch, image, peak ({error}); train anew"
        ) from None
    for image, by_epoch in peaks.items():
        for epoch, peak in by_epoch.items():
            if not math.isfinite(peak):
                raise InputError(
                    f"{path}: the peak of image {image} in epoch {epoch} is no number; "
                    "lower train.lr and train anew"
                )
    return {image: [peak for _, peak in sorted(peaks[image].items())] for image in peaks}


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
    """Whether `srcnn.device.device_name` gave this name to a CPU: its instructions follow."""
    return ", " in device


def read_cost(model: Path) -> Cost:
    """The cost of a trained network.

    Raises:
        InputError: as `srcnn.model.load_model`.
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

    found = on_all_cores(energies, results.names, f"texture ×{results.scale}")
    by_image = dict(zip(results.names, found, strict=True))
    return {method: {image: by_image[image][method] for image in by_image} for method in methods}
