"""Store the VGG weights that a variant's loss needs, cut to its layers, in data/weights."""

from srcnn.data.pretrained_weights import store, vgg_weights
from srcnn.settings import Settings
from srcnn.utils.paths import vgg_path
from stages.run_stage import run_stage


def main(settings: Settings, loss: str) -> None:
    """Write vgg_{loss}.safetensors."""
    own = settings.loss_of(loss) or settings.loss
    vgg = vgg_weights(own.network, own.layers, own.weights_file, settings.data.cache)
    store(*vgg, vgg_path(loss))


if __name__ == "__main__":
    run_stage(main, "loss")
