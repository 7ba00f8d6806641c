"""Record the devices that made the results, and by how much another machine's may differ."""

from pathlib import Path

from srcnn.evaluation.provenance import provenance
from srcnn.models.device import best_device
from srcnn.settings import Settings
from srcnn.utils.files import write_json
from stages.run_stage import run_stage


def main(settings: Settings) -> None:
    """Write metrics/environment.json and metrics/device_type.json."""
    models = {
        f"x{scale}/{loss}": Path(f"models/x{scale}/{loss}.safetensors")
        for scale in settings.scales
        for loss in settings.losses
    }
    device = best_device()
    write_json(provenance(device, models), Path("metrics/environment.json"))
    write_json({"device_type": device.type}, Path("metrics/device_type.json"))


if __name__ == "__main__":
    run_stage(main)
