"""Export the networks of one scale as ONNX."""

from pathlib import Path

from srcnn.export.network_files import about_training, write_onnx
from srcnn.settings import Settings
from srcnn.utils.files import write_text
from stages.run_stage import run_stage


def main(settings: Settings, scale: int) -> None:
    """Write exported/x{scale}/{loss}.onnx; only a note for a network of the authors' code."""
    if settings.model.code != "paper":
        note = f"not exported: model.code: {settings.model.code} is for experiments only\n"
        write_text(note, Path(f"exported/x{scale}/README.txt"))
        print(f"×{scale} {note}", end="")
        return
    for loss in settings.losses:
        model = Path(f"models/x{scale}/{loss}.safetensors")
        about = about_training(settings, loss, model, Path("data/hr/index.csv"))
        difference = write_onnx(model, Path(f"exported/x{scale}/{loss}.onnx"), about)
        print(f"×{scale} {loss}: ONNX differs from torch by at most {difference:.1g}")


if __name__ == "__main__":
    run_stage(main, "scale")
