"""The patches that an epoch of training draws from pairs of HR and LR images."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from srcnn.errors import InputError
from srcnn.images.image_io import RGB8
from srcnn.images.pairs import Pair, with_halo
from srcnn.utils.text import join_names


def check_sizes(
    sizes: Mapping[str, tuple[int, int]],
    patch_size: int | None,
    batch_size: int,
    *,
    geometry: bool,
) -> None:
    """Refuse training images, width and height by name, of which `Patches` could not draw.

    Raises:
        InputError: an image is smaller than a patch, or whole images of several sizes would have
            to share a batch.
    """
    for name, (width, height) in sizes.items():
        if patch_size and min(height, width) < patch_size:
            raise InputError(
                f"training image {name}: {width}×{height} pixels cannot hold a patch of "
                f"train.patch_size: {patch_size} (data/hr/index.csv names the photograph)"
            )
    if patch_size or batch_size == 1:
        return
    several = set(sizes.values())
    if len(several) > 1:
        size, count = Counter(sizes.values()).most_common(1)[0]
        others = [f"{name} ({w}×{h})" for name, (w, h) in sizes.items() if (w, h) != size]
        raise InputError(
            f"train.patch_size: null batches whole images, but {count} training images have "
            f"{size[0]}×{size[1]} pixels and others not: {join_names(others)}; set data.same_size: "
            "most_common, train.batch_size: 1 or a patch size"
        )
    if geometry and any(width != height for width, height in several):
        # Quarter turns would give a batch two shapes.
        raise InputError(
            "train.augment.geometry: turns whole images that are not square, which cannot "
            "share a batch; set it to false, or train.batch_size: 1"
        )


class Choice(NamedTuple):
    """What is random in a batch, by patch: N of them.

    Args:
        images: which image each is from.
        places: [N, 2], down and right, in [0, 1): shares of the room in the image.
        turns: [N], of `turned`.
        channels: [N, 3], the order of the colours.
    """

    images: list[int]
    places: npt.NDArray[np.float64]
    turns: npt.NDArray[np.int64]
    channels: npt.NDArray[np.int64]


class Patches:
    """Random patches of the training images, or the whole images, batch by batch.

    An epoch goes through all images `patches_per_image` times, each time in another order. What is
    random in a batch depends on the seed, the epoch and the batch alone: any batch can be drawn at
    any time, by any process, and is the same.

    Args:
        pairs: the training images.
        scale: of the LR images.
        halo: LR pixels of context around an LR patch, reflected at the image's border.
        patch_size: HR pixels, a multiple of `scale`; None for whole images.
        patches_per_image: drawn from each image in an epoch; whole images count once.
        batch_size: patches or images in a batch; the last batch of an epoch may be smaller.
        geometry: also draw mirrored and quarter-turned patches.
        colour: also permute the colour channels.
        seed: of everything that is random here.

    Raises:
        InputError: as `check_sizes`.
    """

    def __init__(
        self,
        pairs: Sequence[Pair],
        scale: int,
        halo: int,
        *,
        patch_size: int | None,
        patches_per_image: int,
        batch_size: int,
        geometry: bool,
        colour: bool,
        seed: int,
    ):
        sizes = {pair.name: (pair.hr.shape[1], pair.hr.shape[0]) for pair in pairs}
        check_sizes(sizes, patch_size, batch_size, geometry=geometry)
        self.pairs, self.scale, self.halo, self.batch_size = pairs, scale, halo, batch_size
        self.patch_size, self.geometry, self.colour, self.seed = patch_size, geometry, colour, seed
        self.draws = len(pairs) * (patches_per_image if patch_size else 1)
        self._order = lru_cache(2 + batch_size // len(pairs))(self._round)

    def __len__(self) -> int:
        """Batches in an epoch."""
        return -(-self.draws // self.batch_size)

    @property
    def repeats(self) -> bool:
        """Whether every epoch has the same images, whole and unchanged."""
        return not (self.patch_size or self.geometry or self.colour)

    @property
    def pixels(self) -> int:
        """HR pixels of an epoch's patches."""
        if self.patch_size:
            return self.draws * self.patch_size**2
        return sum(pair.hr.shape[0] * pair.hr.shape[1] for pair in self.pairs)

    def size(self, number: int) -> int:
        """Patches in batch `number` of an epoch, counted from 0."""
        return min(self.batch_size, self.draws - number * self.batch_size)

    def batch(self, epoch: int, number: int, part: slice = slice(None)) -> tuple[RGB8, RGB8]:
        """Draw one batch.

        Args:
            epoch: counted from 1.
            number: of the batch in the epoch, counted from 0.
            part: of the batch, for a process that takes only this one.

        Returns:
            lr [N, p/s + 2·halo, p/s + 2·halo, 3] and hr [N, p, p, 3], uint8.
        """
        chosen = self.chosen(epoch, number, part)
        drawn = []
        for image, place, turn, channels in zip(*chosen, strict=True):
            windows = self._windows(self.pairs[image], *place)
            drawn.append([rotate(a, turn)[..., channels] for a in windows])
        lr_patches, hr_patches = zip(*drawn, strict=True)
        return np.stack(lr_patches), np.stack(hr_patches)

    def chosen(self, epoch: int, number: int, part: slice = slice(None)) -> Choice:
        """What is random in a batch, or in a part of it."""
        count = self.size(number)
        random = np.random.default_rng((self.seed, 0, epoch, number))
        places = random.random((count, 2))
        turns = random.integers(8 if self.geometry else 1, size=count)
        channels = np.tile(np.arange(3), (count, 1))
        if self.colour:
            channels = random.permuted(channels, axis=1)
        return Choice(self.images(epoch, number, part), places[part], turns[part], channels[part])

    def images(self, epoch: int, number: int, part: slice = slice(None)) -> list[int]:
        """Which images the patches of a batch, or of a part of it, are from."""
        first = number * self.batch_size
        draws = range(first, first + self.size(number))[part]
        rounds = (divmod(draw, len(self.pairs)) for draw in draws)
        return [int(self._order(epoch, times)[place]) for times, place in rounds]

    def _round(self, epoch: int, times: int) -> npt.NDArray[np.int64]:
        """The order in which an epoch goes through the images for the so-manieth time."""
        return np.random.default_rng((self.seed, 1, epoch, times)).permutation(len(self.pairs))

    def _windows(self, pair: Pair, down: float, right: float) -> tuple[RGB8, RGB8]:
        """An LR patch with its halo and its HR patch, at a place given as shares of the room."""
        scale, y, x, (height, width) = self.scale, 0, 0, pair.lr.shape[:2]
        if self.patch_size:
            side = self.patch_size // scale
            y, x = int(down * (height - side + 1)), int(right * (width - side + 1))
            height = width = side
        lr = with_halo(pair.lr, y, x, height, width, self.halo)
        return lr, pair.hr[y * scale : (y + height) * scale, x * scale : (x + width) * scale]


def rotate(image: RGB8, turn: int) -> RGB8:
    """One of the eight mirrored and quarter-turned images; 0 is the image itself."""
    # np.rot90 does the same in six times the time, which counts at a patch.
    if turn & 2:
        image = image.swapaxes(0, 1)[::-1]
    if turn & 4:
        image = image[::-1, ::-1]
    return image[:, ::-1] if turn & 1 else image
