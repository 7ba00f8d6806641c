"""Lay out the photographs of `data.source` as data/hr/{train,val}/NNNN.png and index.csv."""

import math
from pathlib import Path

from srcnn.datasets import folder_photos, sample_photos, write_hr
from srcnn.settings import Settings
from srcnn.stage import run_stage


def main(settings: Settings) -> None:
    """Write data/hr."""
    if settings.data.source == "sample":
        photos = sample_photos(Path("datasets/sample.yaml"))
    else:
        photos = folder_photos(Path(settings.data.root or ""))
    for notice in write_hr(photos, Path("data/hr"), math.lcm(*settings.scales)):
        print(notice)


if __name__ == "__main__":
    run_stage(main)
