"""Write the bicubic LR images of one scale as data/lr/x{scale}/{split}/NNNNx{scale}.png."""

from pathlib import Path

from srcnn.data.archives import fetch_archives, read_manifest
from srcnn.data.lr_set import official_images, write_lr
from srcnn.errors import InputError
from srcnn.settings import Settings
from stages.run_stage import run_stage


def main(settings: Settings, scale: int) -> None:
    """Write data/lr/x{scale}; with data.lr: official, compare it with the official images."""
    data, official = settings.data, None
    if data.lr == "official":
        manifest = read_manifest(Path(data.manifest))
        archives = [archive for archive in manifest.archives if archive.scale == scale]
        if not archives:
            raise InputError(f"data.lr: official: {data.manifest} lists no archive for ×{scale}")
        images = fetch_archives(archives, data.base_url, data.cache)
        official = official_images(Path("data/hr/index.csv"), images, scale)
    write_lr(Path("data/hr"), Path(f"data/lr/x{scale}"), scale, official)


if __name__ == "__main__":
    run_stage(main, "scale")
