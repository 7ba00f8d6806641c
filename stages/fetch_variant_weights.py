"""Store VGG for one of the variants' losses, cut to its layers, under data/weights."""

from srcnn.data.pretrained_weights import store, vgg_of
from srcnn.settings import Settings
from srcnn.utils.paths import vgg_path
from stages.run_stage import run_stage


def main(settings: Settings, loss: str) -> None:
    """Write vgg_{loss}.safetensors."""
    store(vgg_of(settings.loss_of(loss) or settings.loss, settings.data.cache), vgg_path(loss))


if __name__ == "__main__":
    run_stage(main, "loss")
