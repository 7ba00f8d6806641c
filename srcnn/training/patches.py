"""Random patches of HR and LR images, batch by batch."""

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
    """The random choices of a batch of N patches.

    Args:
        images: index of each patch's image.
        positions: [N, 2], vertical and horizontal, in [0, 1), as shares of the free space.
        turns: [N], arguments of `rotate`.
        channels: [N, 3], the order of the colour channels.
    """

    images: list[int]
    positions: npt.NDArray[np.float64]
    turns: npt.NDArray[np.int64]
    channels: npt.NDArray[np.int64]


class Patches:
    """Random patches of the training images, or the whole images, batch by batch.

    An epoch visits all images `patches_per_image` times, each time in another order. The random
    choices of a batch depend only on the seed, the epoch and the batch: any process can draw any
    batch at any time, and gets the same patches.

    Args:
        pairs: the training images.
        scale: scale of the LR images.
        halo: LR pixels of context around an LR patch, reflected at the image's border.
        patch_size: HR pixels per side, a multiple of `scale`; None for whole images.
        patches_per_image: patches of each image in an epoch; whole images count once.
        batch_size: patches or images in a batch; the last batch of an epoch may be smaller.
        geometry: whether to rotate and mirror the patches.
        colour: whether to permute the colour channels.
        seed: seed of all random choices.

    Raises:
        InputError: as in `check_sizes`.
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
        self.patch_count = len(pairs) * (patches_per_image if patch_size else 1)
        self._order = lru_cache(2 + batch_size // len(pairs))(self._image_order)

    def __len__(self) -> int:
        """Batches in an epoch."""
        return -(-self.patch_count // self.batch_size)

    @property
    def repeats(self) -> bool:
        """Whether every epoch has the same whole images without augmentation."""
        return not (self.patch_size or self.geometry or self.colour)

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
        """Draw one batch.

        Args:
            epoch: counted from 1.
            number: the batch in the epoch, counted from 0.
            part: the patches of the batch to draw, if several processes share it.

        Returns:
            lr [N, p/s + 2·halo, p/s + 2·halo, 3] and hr [N, p, p, 3], uint8.
        """
        patches = []
        for image, position, turn, channels in zip(
            *self.random_choices(epoch, number, part), strict=True
        ):
            crops = self._crop(self.pairs[image], *position)
            patches.append([rotate(crop, turn)[..., channels] for crop in crops])
        lr_patches, hr_patches = zip(*patches, strict=True)
        return np.stack(lr_patches), np.stack(hr_patches)

    def random_choices(self, epoch: int, number: int, part: slice = slice(None)) -> RandomChoices:
        """The random choices of a batch, or of a part of it."""
        count = self.size(number)
        random = np.random.default_rng((self.seed, 0, epoch, number))
        positions = random.random((count, 2))
        turns = random.integers(8 if self.geometry else 1, size=count)
        channels = np.tile(np.arange(3), (count, 1))
        if self.colour:
            channels = random.permuted(channels, axis=1)
        images = self.images(epoch, number, part)
        return RandomChoices(images, positions[part], turns[part], channels[part])

    def images(self, epoch: int, number: int, part: slice = slice(None)) -> list[int]:
        """Indices of the images of the patches of a batch, or of a part of it."""
        first = number * self.batch_size
        draws = range(first, first + self.size(number))[part]
        visits = (divmod(draw, len(self.pairs)) for draw in draws)
        return [int(self._order(epoch, visit)[place]) for visit, place in visits]

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
