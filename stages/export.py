"""Export the networks of one scale as ONNX, and into the package for `srcnn upscale`."""

from pathlib import Path

from srcnn.export.network_files import about_training, read_kept_epoch, write_onnx, write_released
from srcnn.settings import Settings
from srcnn.utils.files import write_text
from stages.run_stage import run_stage


def main(settings: Settings, scale: int) -> None:
    """Write exported/x{scale}/{loss}.onnx and srcnn/released/x{scale}.

    A network of the authors' code is not local, and `srcnn upscale` works tile by tile: then only
    a note is written, and the released networks stay as they are.
    """
    if settings.model.code != "paper":
        note = f"not exported: model.code: {settings.model.code} is for experiments only\n"
        write_text(note, Path(f"exported/x{scale}/README.txt"))
        Path(f"srcnn/released/x{scale}").mkdir(parents=True, exist_ok=True)
        print(f"×{scale} {note}", end="")
        return
    for loss in settings.losses:
        model = Path(f"models/x{scale}/{loss}.safetensors")
        weights = settings.loss_of(loss)
        about = about_training(
            Path("data/hr/index.csv"),
            settings.data.source,
            settings.epochs_of(loss),
            f"Eq. 3: {weights.model_dump_json()}" if weights else "Eq. 1, MSE",
            read_kept_epoch(model) if settings.train.keep == "best" else None,
        )
        difference = write_onnx(model, Path(f"exported/x{scale}/{loss}.onnx"), about)
        print(f"×{scale} {loss}: ONNX differs from torch by at most {difference:.1g}")
        if loss in ("mse", "perceptual"):
            write_released(model, Path(f"srcnn/released/x{scale}/{loss}.safetensors"), about)


if __name__ == "__main__":
    run_stage(main, "scale")
