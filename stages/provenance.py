"""Record the devices that made the results, their tolerance, and the time on this CPU."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from srcnn.errors import InputError
from srcnn.evaluation.cpu_time import SIZE, cpu_seconds
from srcnn.evaluation.metrics import METRICS
from srcnn.models.device import best_device, environment
from srcnn.models.model_files import load_model
from srcnn.models.tensors import read_tensors
from srcnn.settings import Settings
from srcnn.utils.files import write_json
from stages.run_stage import run_stage


def main(settings: Settings) -> None:
    """Write metrics/environment.json and metrics/cpu_time.json."""
    names = [f"x{scale}/{loss}" for scale in settings.scales for loss in settings.losses]
    device, models = best_device(), {name: Path(f"models/{name}.safetensors") for name in names}
    write_json(provenance(device, models), Path("metrics/environment.json"))
    what = f"best time for a result of {SIZE[0]}×{SIZE[1]} pixels, on the CPU"
    seconds = {
        f"x{scale}": round(cpu_seconds(load_model(models[f"x{scale}/mse"], scale)), 2)
        for scale in settings.scales
    }
    write_json({"measured": what, "seconds": seconds}, Path("metrics/cpu_time.json"))


def provenance(device: torch.device, models: Mapping[str, Path]) -> dict[str, Any]:
    """The environment of a run on a device, the device that trained each model, the tolerance."""
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


if __name__ == "__main__":
    run_stage(main)
