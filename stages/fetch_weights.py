"""Store the pretrained weights that the pipeline needs, cut to their layers, in data/weights."""

from pathlib import Path

from srcnn.data.pretrained_weights import judge_weights, store, vgg_weights
from srcnn.settings import Settings
from srcnn.utils.paths import vgg_path
from stages.run_stage import run_stage


def main(settings: Settings) -> None:
    """Write vgg.safetensors for the loss, lpips and judges_vgg16.safetensors for the scores."""
    loss = settings.loss
    vgg = vgg_weights(loss.network, loss.layers, loss.weights_file, settings.data.cache)
    store(*vgg, vgg_path("perceptual"))
    for network, name in (("alexnet", "lpips"), ("vgg16", "judges_vgg16")):
        store(*judge_weights(network), Path(f"data/weights/{name}.safetensors"))


if __name__ == "__main__":
    run_stage(main)
