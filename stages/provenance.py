"""Write down the machine that made the results, and by how much another's may differ."""

from pathlib import Path

from srcnn.evaluation.provenance import provenance
from srcnn.models.device import best_device
from srcnn.settings import Settings
from srcnn.utils.files import write_json
from stages.run_stage import run_stage


def main(settings: Settings) -> None:
    """Write metrics/environment.json."""
    models = {
        f"x{scale}/{loss}": Path(f"models/x{scale}/{loss}.safetensors")
        for scale in settings.scales
        for loss in settings.losses
    }
    write_json(provenance(best_device(), models), Path("metrics/environment.json"))


if __name__ == "__main__":
    run_stage(main)
