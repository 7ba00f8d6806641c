"""Cuts parts of one size from the sample's photographs, for training on whole images.

    python -m benchmarks.same_size_crops FOLDER

Writes FOLDER/train (the middles of the quarters of each training photograph) and FOLDER/val
(the middle of each val photograph), for `data.source: folder`. The sides are multiples of 3 and of
every scale, so that thirds of an image lie between pixels. docs/the-authors-code.md uses them.
"""

import sys
from itertools import product
from pathlib import Path

from srcnn.data.sources import sample_photos
from srcnn.images.image_io import read_photo, write_png

SIDE = 192


def main(folder: Path) -> None:
    """Cut all parts."""
    for photo in sample_photos(Path("datasets/sample.yaml")):
        pixels = read_photo(photo.read(), photo.where).pixels
        places = [
            [round(share * length) - SIDE // 2 for share in shares(length, photo.split)]
            for length in pixels.shape[:2]
        ]
        for top, left in product(*places):
            name = f"{Path(photo.name).stem}_{top}_{left}.png"
            write_png(folder / photo.split / name, pixels[top : top + SIDE, left : left + SIDE])


def shares(length: int, split: str) -> tuple[float, ...]:
    """Where along a side the middles of the parts lie."""
    return (0.25, 0.75) if split == "train" and length >= 2 * SIDE else (0.5,)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
