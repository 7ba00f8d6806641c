"""Give the networks of one scale to others: as ONNX, and to `srcnn upscale` inside the package."""

from pathlib import Path

from srcnn.export.network_files import about_training, export_onnx, release
from srcnn.settings import Settings
from stages.run_stage import run_stage


def main(settings: Settings, scale: int) -> None:
    """Write exported/x{scale}/{loss}.onnx and srcnn/released/x{scale}."""
    for loss in settings.losses:
        model = Path(f"models/x{scale}/{loss}.safetensors")
        about = about_training(settings, loss, Path("data/hr/index.csv"))
        furthest = export_onnx(model, Path(f"exported/x{scale}/{loss}.onnx"), about)
        print(f"×{scale} {loss}: ONNX differs from torch by {furthest:.1g} at most")
        if loss in ("mse", "perceptual"):
            release(model, Path(f"srcnn/released/x{scale}/{loss}.safetensors"), about)


if __name__ == "__main__":
    run_stage(main, "scale")
