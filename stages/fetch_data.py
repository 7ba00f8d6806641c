"""Lay out the photographs of `data.source` as data/hr/{train,val}/NNNN.png and index.csv."""

import math
from pathlib import Path

from srcnn.datasets import folder_photos, sample_photos, smallest_val_side, write_hr
from srcnn.settings import Settings
from srcnn.stage import run_stage


def main(settings: Settings) -> None:
    """Write data/hr."""
    if settings.data.source == "sample":
        photos = sample_photos(Path("datasets/sample.yaml"))
    else:
        photos = folder_photos(Path(settings.data.root or ""))
    multiple, smallest_val = (
        math.lcm(*settings.scales),
        max(map(smallest_val_side, settings.scales)),
    )
    for notice in write_hr(photos, Path("data/hr"), multiple, smallest_val):
        print(notice)


if __name__ == "__main__":
    run_stage(main)
