"""Draws the trials of a session: which crops, which methods, on which sides, in which order.

The same session number, methods and results give the same trials, so that the votes in the file
are enough to continue a session.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from numpy.random import Generator, default_rng

from srcnn.analysis.vote_crops import CropReader
from srcnn.analysis.vote_file import MOSAIC, Crop, Kind
from srcnn.errors import InputError
from srcnn.utils.text import join_names

COUNTS: dict[Kind, int] = {"differ": 11, "random": 3, "identical": 2, "obvious": 2, "repeat": 2}
"""Trials of each kind; 20 of them take about three minutes."""
TRIALS = sum(COUNTS.values())
MAX_SIDE = 192  # pixels of a crop: at twice its size, two of them fit side by side on a screen
MIN_SIDE = 32
DIFFERING = 0.2  # share of the windows of an image, those that differ most, for "differ"


Item = TypeVar("Item")


@dataclass(frozen=True)
class Trial:
    """Two crops to compare; the fields are those of the `Vote` on it."""

    kind: Kind
    image: str
    crop: Crop
    left: str  # method
    right: str


class TrialPlanner:
    """Draws sessions for some methods of a project."""

    def __init__(self, methods: Sequence[str], reader: CropReader):
        """Check the methods and find the images that all of them have.

        Raises:
            InputError: a method is unknown or named twice, they share no image, or the sizes of
                their images differ.
        """
        self.methods, self.reader = tuple(methods), reader
        self.images = _shared_images(self.methods, reader)
        self._sizes = {image: reader.size(self.methods[0], image) for image in self.images}
        smallest = min(self.images, key=lambda image: min(self._sizes[image]))
        self.side = min(MAX_SIDE, *self._sizes[smallest])
        if self.side < MIN_SIDE:
            raise InputError(f"image {smallest}: smaller than {MIN_SIDE} pixels; leave it out")
        self._differences = lru_cache(maxsize=256)(self._window_differences)

    def plan(self, session: str) -> list[Trial]:
        """The trials of a session, in order; `session` is its number in hexadecimal digits.

        Images and pairs of methods take turns; sides are drawn like coins.
        """
        random = default_rng(int(session, 16))
        kinds = [k for k, n in COUNTS.items() if k != "repeat" for _ in range(n)]
        images = _in_turn(self.images, len(kinds), random)
        pairs = _in_turn(list(combinations(self.methods, 2)), len(kinds), random)
        turned = random.integers(2, size=len(kinds))
        trials = [
            self._trial(*drawn, random) for drawn in zip(kinds, images, pairs, turned, strict=True)
        ]
        trials = [trials[place] for place in random.permutation(len(trials))]
        return _with_repeats(trials, random)

    def _trial(
        self, kind: Kind, image: str, pair: tuple[str, str], turned: int, random: Generator
    ) -> Trial:
        crop = self._window(image, pair if kind == "differ" else None, random)
        if kind in ("identical", "obvious"):
            method = pair[random.integers(2)]
            pair = (method, method if kind == "identical" else MOSAIC)
        return Trial(kind, image, crop, *(pair[::-1] if turned else pair))

    def _window(self, image: str, pair: tuple[str, str] | None, random: Generator) -> Crop:
        """A window of an image: anywhere, or among those where the pair differs most."""
        lefts, tops = _starts(self._sizes[image], self.side)
        chosen = np.arange(len(tops) * len(lefts))
        if pair is not None:
            order = np.argsort(-self._differences(image, *pair), kind="stable")
            chosen = order[: max(1, round(DIFFERING * len(order)))]
        row, column = divmod(int(random.choice(chosen)), len(lefts))
        return Crop(self.side, self.side, lefts[column], tops[row])

    def _window_differences(self, image: str, a: str, b: str) -> npt.NDArray[np.int64]:
        """The sum of the absolute differences of two results in each window: [windows]."""
        first, second = (self.reader.image(m, image).astype(np.int16) for m in (a, b))
        sums = np.abs(first - second).sum(axis=2).cumsum(axis=0).cumsum(axis=1)
        sums = np.pad(sums, ((1, 0), (1, 0)))
        lefts, tops = _starts(self._sizes[image], self.side)
        top, left = np.ix_(tops, lefts)
        bottom, right = top + self.side, left + self.side
        found = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
        return found.ravel()


def check_methods(methods: Sequence[str], reader: CropReader) -> None:
    """InputError unless two or more different methods are named, and all have results."""
    known = reader.methods()
    if not known:
        advice = "change to the folder of a project, and run make repro or dvc checkout"
        raise InputError(f"{Path('data/sr')}: no results; {advice}")
    if len(methods) < 2:
        raise InputError("name two or more methods, such as x4/perceptual x4/mse")
    for place, method in enumerate(methods):
        if ":" in method:
            advice = "git checkout it and run dvc checkout, or dvc exp apply"
            raise InputError(f"{method}: the images of another run are not in git; {advice}")
        if method not in known:
            raise InputError(f"{method}: no such method; there are {', '.join(known)}")
        if method in methods[:place]:
            raise InputError(f"{method}: named twice")


def _shared_images(methods: Sequence[str], reader: CropReader) -> list[str]:
    """The images that all methods have, in the same size as the ground truth."""
    check_methods(methods, reader)
    images = sorted(set.intersection(*(set(reader.images(method)) for method in methods)))
    if not images:
        raise InputError(f"{join_names(methods)}: no image has results by all of them")
    for image in images:
        if len({reader.size(method, image) for method in ("hr", *methods)}) > 1:
            raise InputError(f"image {image}: the sizes of its results differ; run dvc repro")
    return images


def _in_turn(items: Sequence[Item], count: int, random: Generator) -> list[Item]:
    """`count` items in random order, such that each comes up as often as others, or once more."""
    rounds = -(-count // len(items))
    order = np.concatenate([random.permutation(len(items)) for _ in range(rounds)])
    return [items[place] for place in order[:count]]


def _starts(size: tuple[int, int], side: int) -> tuple[list[int], list[int]]:
    """The lefts and the tops of the windows of an image: a quarter of the side apart."""
    step = max(1, side // 4)
    lefts, tops = (sorted({*range(0, length - side, step), length - side}) for length in size)
    return lefts, tops


def _with_repeats(trials: list[Trial], random: Generator) -> list[Trial]:
    """Insert repeats, with exchanged sides, into the second half of trials from the first half."""
    half = len(trials) // 2
    main = [t for t in trials[:half] if t.kind in ("differ", "random")]
    for place in random.permutation(len(main))[: COUNTS["repeat"]]:
        seen = main[place]
        repeat = Trial("repeat", seen.image, seen.crop, seen.right, seen.left)
        trials.insert(int(random.integers(half + 2, len(trials) + 1)), repeat)
    return trials
