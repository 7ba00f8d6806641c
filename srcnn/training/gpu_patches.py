"""Draws on a GPU, from images in its memory, the same patches as `Patches`."""

from collections.abc import Iterable
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from srcnn.images.image_io import RGB8
from srcnn.training.patches import Patches, rotate

Array = npt.NDArray[Any]
IMAGE_MEMORY_SHARE = 0.5  # of the GPU's free memory, for all images


def fits_on_gpu(device: torch.device, patches: Patches) -> bool:
    """Whether the patches have a fixed size and the device is a GPU that holds all images."""
    if device.type != "cuda" or patches.patch_size is None:
        return False
    size = sum(pair.hr.nbytes + pair.lr.nbytes for pair in patches.pairs)
    return size <= IMAGE_MEMORY_SHARE * torch.cuda.mem_get_info(device)[0]


class GPUPatches:
    """The patches of `patches`, drawn on a device.

    A process draws a few thousand patches a second from mapped pixels, but a GPU trains on many
    times as many. Here a draw is two gathers; the device computes their addresses.
    """

    def __init__(self, patches: Patches, device: torch.device):
        assert patches.patch_size is not None
        self.patches, self.side = patches, patches.patch_size // patches.scale
        # Iterators, because each image keeps a file open while its array exists.
        lr, hr = ((pair.lr for pair in patches.pairs), (pair.hr for pair in patches.pairs))
        lr_sizes = np.array([pair.lr.shape[:2] for pair in patches.pairs])
        hr_sizes = np.array([pair.hr.shape[:2] for pair in patches.pairs])
        self.lr = _Images(lr, lr_sizes, self.side, patches.halo, device)
        self.hr = _Images(hr, hr_sizes, patches.patch_size, 0, device)

    def addresses(self, epoch: int, number: int, part: slice) -> npt.NDArray[np.int64]:
        """Addresses [N, 7] of the patches of a part of a batch, for `batch`."""
        images, positions, turns, channels = self.patches.random_choices(epoch, number, part)
        corners = (positions * (self.lr.sizes[images] - self.side + 1)).astype(np.int64)
        return np.column_stack([images, turns, corners, channels])

    def batch(self, addresses: Tensor) -> tuple[Tensor, Tensor]:
        """The `lr` and `hr` of `Patches.batch`, on the device."""
        addresses = addresses.to(self.lr.pixels.device)
        return self.lr.crops(addresses), self.hr.crops(addresses, self.patches.scale)


class _Images:
    """Images on a device, of sizes [N, 2] (height and width), for crops of `side` pixels.

    A crop has `halo` pixels of context around it, reflected at the image's border.
    """

    def __init__(
        self, images: Iterable[RGB8], sizes: Array, side: int, halo: int, device: torch.device
    ):
        self.sizes = sizes
        starts = [*accumulate((height * width * 3 for height, width in sizes), initial=0)]
        self.pixels = torch.empty(starts[-1], dtype=torch.uint8, device=device)
        for start, image in zip(starts, images, strict=False):
            self.pixels[start : start + image.size] = torch.tensor(image, device=device).flatten()
        layout = np.column_stack([starts[:-1], self.sizes])
        self.layout = torch.tensor(layout, device=device)  # start, height, width of each image
        # Row and column of each pixel of a rotated crop: [8, height, width, 2].
        grid: Array = np.moveaxis(np.indices((side + 2 * halo,) * 2), 0, -1) - halo
        self.rotated = torch.tensor(np.stack([rotate(grid, t) for t in range(8)]), device=device)

    def crops(self, addresses: Tensor, scale: int = 1) -> Tensor:
        """Crops [N, side + 2·halo, side + 2·halo, 3], uint8, whose corners are times `scale`.

        Each row of `addresses` has image, turn, row and column of the corner, and channels.
        """
        image, turn, corner, channels = addresses[:, None, None].split([1, 1, 2, 3], -1)
        start, sizes = self.layout[image[..., 0]].split([1, 2], -1)
        at = (self.rotated[turn[:, 0, 0, 0]] + scale * corner).remainder(2 * sizes)
        at = torch.minimum(at, 2 * sizes - 1 - at)
        first = start + 3 * (at[..., :1] * sizes[..., 1:] + at[..., 1:])
        return self.pixels[first + channels]
