"""Store the trained weights that the pipeline needs, cut to their layers, under data/weights."""

from pathlib import Path

from srcnn.settings import Settings
from srcnn.stage import run_stage
from srcnn.tensors import write_tensors
from srcnn.weights import lpips_weights, read_manifest, vgg_weights


def main(settings: Settings) -> None:
    """Write vgg.safetensors and lpips.safetensors."""
    loss = settings.loss
    manifest = read_manifest(Path("datasets/weights.yaml"))
    file = Path(loss.weights_file) if loss.weights_file else None
    source = manifest[loss.network]
    vgg = vgg_weights(loss.network, loss.layers, file, source, settings.data.cache)
    for name, (weights, about) in {"vgg": vgg, "lpips": lpips_weights()}.items():
        write_tensors(weights, Path(f"data/weights/{name}.safetensors"), about)
        print(f"{name}: {', '.join(weights)} from {about['origin']}")


if __name__ == "__main__":
    run_stage(main)
