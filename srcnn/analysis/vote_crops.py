"""The crops that people compare, read from the results of a run; imports take little time."""

import hashlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from srcnn.analysis.vote_file import MOSAIC, Crop, Vote
from srcnn.errors import InputError
from srcnn.images.image_io import RGB8, image_size, read_rgb

MOSAIC_SIDE = 8  # pixels of a square of the mosaic


class CropReader:
    """Reads crops of the results and of the ground truth in a project's folder `data`."""

    def __init__(self, data: Path = Path("data")):
        self._data = data
        self.image = lru_cache(maxsize=16)(self._read)  # 16 images of 2K take 130 MB

    def methods(self) -> list[str]:
        """The methods that have results, such as `x4/mse`."""
        folders = sorted(self._data.glob("sr/x*/*"), key=lambda path: (len(path.parent.name), path))
        return [f"{path.parent.name}/{path.name}" for path in folders if path.is_dir()]

    def images(self, method: str) -> list[str]:
        """The numbers of the val images that a method has results for."""
        return sorted(path.stem for path in self._data.glob(f"sr/{method}/*.png"))

    def size(self, method: str, image: str) -> tuple[int, int]:
        """The width and height of an image, without decoding it; InputError as `crop`."""
        return image_size(self._path(method, image))

    def crop(self, method: str, image: str, crop: Crop) -> RGB8:
        """Part of a method's result, or of the ground truth (`hr`): [height, width, 3].

        Raises:
            InputError: the image is missing or damaged, or the crop lies outside it.
        """
        whole = self.image(method, image)
        part = whole[crop.top : crop.top + crop.height, crop.left : crop.left + crop.width]
        if part.shape[:2] != (crop.height, crop.width):
            raise InputError(f"{self._path(method, image)}: {crop} is not inside this image")
        return part

    def pair(self, left: str, right: str, image: str, crop: Crop) -> tuple[RGB8, RGB8]:
        """The crops of a trial; one of the methods may be MOSAIC."""
        shown = [self.crop(m, image, crop) for m in (left, right) if m != MOSAIC]
        if left == MOSAIC:
            return mosaic(shown[0]), shown[0]
        return shown[0], mosaic(shown[0]) if right == MOSAIC else shown[1]

    def is_current(self, vote: Vote) -> bool:
        """Whether a vote is about the results that are there now; not if these are missing."""
        try:
            pair = self.pair(vote.left, vote.right, vote.image, vote.crop)
        except InputError:
            return False
        return pixel_digest(pair) == vote.pixels

    def _path(self, method: str, image: str) -> Path:
        folder = "hr/val" if method == "hr" else f"sr/{method}"
        return self._data / folder / f"{image}.png"

    def _read(self, method: str, image: str) -> RGB8:
        return read_rgb(self._path(method, image))


def current_votes(votes: Iterable[Vote], reader: CropReader) -> list[Vote]:
    """The votes about the present results, without those about results that have changed since."""
    ordered = sorted(votes, key=lambda vote: (vote.image, vote.methods))  # reads each image once
    current = {vote for vote in ordered if reader.is_current(vote)}
    return [vote for vote in votes if vote in current]


def pixel_digest(pair: Sequence[RGB8]) -> str:
    """12 hexadecimal digits that depend on all pixels of a pair, left and right."""
    return hashlib.sha256(b"".join(crop.tobytes() for crop in pair)).hexdigest()[:12]


def mosaic(picture: RGB8) -> RGB8:
    """The picture in squares of one colour each."""
    height, width = picture.shape[:2]
    small = (max(1, width // MOSAIC_SIDE), max(1, height // MOSAIC_SIDE))
    reduced = Image.fromarray(picture).resize(small, Image.Resampling.BOX)
    return np.asarray(reduced.resize((width, height), Image.Resampling.NEAREST))
