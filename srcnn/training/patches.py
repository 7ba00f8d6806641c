"""Random patches of HR and LR images, batch by batch."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from srcnn.errors import InputError
from srcnn.images.image_io import RGB8
from srcnn.images.pairs import Pair, with_halo
from srcnn.utils.text import join_names

Array = npt.NDArray[Any]


def check_sizes(
    sizes: Mapping[str, tuple[int, int]], patch_size: int | None, batch_size: int, *, geometry: bool
) -> None:
    """Check the width and height, by name, of the training images.

    Raises:
        InputError: an image is smaller than a patch, or a batch would have to hold whole images of
            different sizes.
    """
    for name, (width, height) in sizes.items():
        if patch_size and min(height, width) < patch_size:
            raise InputError(
                f"training image {name}: {width}×{height} pixels is smaller than "
                f"train.patch_size: {patch_size} (data/hr/index.csv names the photograph)"
            )
    if patch_size or batch_size == 1:
        return
    if len(set(sizes.values())) > 1:
        size, count = Counter(sizes.values()).most_common(1)[0]
        others = [f"{name} ({w}×{h})" for name, (w, h) in sizes.items() if (w, h) != size]
        raise InputError(
            f"train.patch_size: null puts whole images into batches, but {count} training images "
            f"have {size[0]}×{size[1]} pixels and others do not: {join_names(others)}; set "
            "data.same_size: most_common, train.batch_size: 1 or a patch size"
        )
    if geometry and any(width != height for width, height in sizes.values()):
        # A batch would have two shapes, because some images are turned by 90°.
        raise InputError(
            "train.augment.geometry: a batch cannot hold rotated whole images that are not square; "
            "set it to false, or train.batch_size: 1"
        )


class RandomChoices(NamedTuple):
    """The random choices of a batch of N patches."""

    images: list[int]  # index of each patch's image
    positions: npt.NDArray[np.float64]  # [N, 2], down and right, in [0, 1): shares of free space
    turns: npt.NDArray[np.int64]  # [N], arguments of `rotate`
    channels: npt.NDArray[np.int64]  # [N, 3], the order of the colour channels


@dataclass(eq=False)
class Patches:
    """Random patches of the training images, or the whole images, batch by batch.

    An epoch visits all images `patches_per_image` times, each time in another order. The random
    choices of a batch depend only on the seed, the epoch and the batch: any process can draw any
    batch at any time, and gets the same patches. With `reuse`, the epochs after the first one of a
    set have its patches in random order.

    Raises:
        InputError: as in `check_sizes`.
    """

    pairs: Sequence[Pair]
    scale: int
    halo: int  # LR pixels of context around an LR patch, reflected at the image's border
    _: KW_ONLY
    patch_size: int | None  # HR pixels per side, a multiple of `scale`; None for whole images
    patches_per_image: int  # in an epoch; whole images count once
    batch_size: int  # the last batch of an epoch may be smaller
    geometry: bool  # whether to rotate and mirror the patches
    colour: bool  # whether to permute the colour channels
    seed: int
    reuse: int = 1  # epochs in a set, which have the same patches

    def __post_init__(self) -> None:
        sizes = {pair.name: (pair.hr.shape[1], pair.hr.shape[0]) for pair in self.pairs}
        check_sizes(sizes, self.patch_size, self.batch_size, geometry=self.geometry)
        self.patch_count = len(self.pairs) * (self.patches_per_image if self.patch_size else 1)
        self.is_static = not (self.patch_size or self.geometry or self.colour)
        self._order = lru_cache(2 + self.batch_size // len(self.pairs))(self._image_order)
        self._choices = lru_cache(len(self) if self.reuse > 1 else 1)(self._draw)
        self._shuffled = lru_cache(2)(self._shuffle)

    def __len__(self) -> int:
        """Batches in an epoch."""
        return -(-self.patch_count // self.batch_size)

    @property
    def repeats(self) -> bool:
        """Whether patches return in later epochs: with `reuse`, or whole images as they are."""
        return self.reuse > 1 or self.is_static

    def are_new(self, epoch: int) -> bool:
        """Whether no patch of an epoch is one of the epoch before."""
        return not self.is_static and self._first_of_set(epoch) == epoch

    @property
    def pixels(self) -> int:
        """HR pixels of all patches of an epoch."""
        if self.patch_size:
            return self.patch_count * self.patch_size**2
        return sum(pair.hr.shape[0] * pair.hr.shape[1] for pair in self.pairs)

    def size(self, number: int) -> int:
        """Patches in batch `number` of an epoch, counted from 0."""
        return min(self.batch_size, self.patch_count - number * self.batch_size)

    def batch(self, epoch: int, number: int, part: slice = slice(None)) -> tuple[RGB8, RGB8]:
        """The patches of a batch, or the part of it that one of several processes draws.

        Epochs are counted from 1, and batches from 0.

        Returns:
            lr [N, p/s + 2·halo, p/s + 2·halo, 3] and hr [N, p, p, 3], uint8.
        """
        patches, choices = [], self.random_choices(epoch, number, part)
        for image, position, turn, channels in zip(*choices, strict=True):
            crops = self._crop(self.pairs[image], *position)
            patches.append([rotate(crop, turn)[..., channels] for crop in crops])
        lr_patches, hr_patches = zip(*patches, strict=True)
        return np.stack(lr_patches), np.stack(hr_patches)

    def random_choices(self, epoch: int, number: int, part: slice = slice(None)) -> RandomChoices:
        """The random choices of a batch, or of a part of it."""
        if self._first_of_set(epoch) == epoch:
            images, *others = self._choices(epoch, number)
            return RandomChoices(images[part], *(values[part] for values in others))
        patches = []
        for patch in self._patches(epoch, number, part):
            batch, place = divmod(patch, self.batch_size)
            choices = self._choices(self._first_of_set(epoch), batch)
            patches.append([values[place] for values in choices])
        chosen, *rows = zip(*patches, strict=True)
        return RandomChoices(list(chosen), *map(np.stack, rows))

    def keys(self, epoch: int, number: int, part: slice = slice(None)) -> list[int]:
        """A key for each patch of a batch, or of a part of it; an equal key means an equal patch.

        The key of a whole image as it is, is the image's index.
        """
        if self.is_static:
            return self.random_choices(epoch, number, part).images
        before = self._first_of_set(epoch) * self.patch_count
        return [before + patch for patch in self._patches(epoch, number, part)]

    def _first_of_set(self, epoch: int) -> int:
        """The first epoch with the patches of an epoch."""
        return epoch if self.is_static else epoch - (epoch - 1) % self.reuse

    def _patches(self, epoch: int, number: int, part: slice) -> list[int]:
        """The patches of a batch, or of a part of it, by their place in the first epoch."""
        first = number * self.batch_size
        draws = slice(first, first + self.size(number))
        if self._first_of_set(epoch) == epoch:
            return list(range(draws.start, draws.stop)[part])
        shuffled: list[int] = self._shuffled(epoch)[draws][part].tolist()
        return shuffled

    def _shuffle(self, epoch: int) -> npt.NDArray[np.int64]:
        """The patches of an epoch that is not the first of its set, in their order."""
        return np.random.default_rng((self.seed, 2, epoch)).permutation(self.patch_count)

    def _draw(self, epoch: int, number: int) -> tuple[list[int], Array, Array, Array]:
        """The `RandomChoices` of a batch of the first epoch of a set."""
        count = self.size(number)
        random = np.random.default_rng((self.seed, 0, epoch, number))
        positions = random.random((count, 2))
        turns = random.integers(8 if self.geometry else 1, size=count)
        channels = np.tile(np.arange(3), (count, 1))
        if self.colour:
            channels = random.permuted(channels, axis=1)
        first = number * self.batch_size
        visits = (divmod(draw, len(self.pairs)) for draw in range(first, first + count))
        images = [int(self._order(epoch, visit)[place]) for visit, place in visits]
        return images, positions, turns, channels

    def _image_order(self, epoch: int, visit: int) -> npt.NDArray[np.int64]:
        """The order in which an epoch visits the images for the n-th time."""
        return np.random.default_rng((self.seed, 1, epoch, visit)).permutation(len(self.pairs))

    def _crop(self, pair: Pair, down: float, right: float) -> tuple[RGB8, RGB8]:
        """An LR patch with its halo and its HR patch; the position is in shares of free space."""
        scale, y, x, (height, width) = self.scale, 0, 0, pair.lr.shape[:2]
        if self.patch_size:
            side = self.patch_size // scale
            y, x = int(down * (height - side + 1)), int(right * (width - side + 1))
            height = width = side
        lr = with_halo(pair.lr, y, x, height, width, self.halo)
        return lr, pair.hr[y * scale : (y + height) * scale, x * scale : (x + width) * scale]


def rotate(image: RGB8, turn: int) -> RGB8:
    """One of the eight rotations and reflections of an image; turn 0 is the image itself."""
    # np.rot90 takes six times as long, which matters for a patch.
    if turn & 2:
        image = image.swapaxes(0, 1)[::-1]
    if turn & 4:
        image = image[::-1, ::-1]
    return image[:, ::-1] if turn & 1 else image
