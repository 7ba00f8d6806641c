"""Patches drawn on a GPU from images that lie in its memory, the same that `Patches` draws."""

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from srcnn.images.image_io import RGB8
from srcnn.training.patches import Patches, rotate

SHARE = 0.5
"""Of the GPU's free memory, which all images may take."""


def has_room(device: torch.device, patches: Patches) -> bool:
    """Whether `DevicePatches` can draw them: on a GPU that holds the images, and not whole."""
    if device.type != "cuda" or patches.patch_size is None:
        return False
    pixels = sum(pair.hr.nbytes + pair.lr.nbytes for pair in patches.pairs)
    return pixels <= SHARE * torch.cuda.mem_get_info(device)[0]


class DevicePatches:
    """The patches of `patches`, drawn on a device.

    A process draws some thousand patches a second from mapped pixels, and a GPU trains on many
    times as many. Here drawing is two gathers, whose addresses are reckoned on the device.

    Args:
        patches: of some size; their images are copied.
        device: where the images and the patches lie.
    """

    def __init__(self, patches: Patches, device: torch.device):
        assert patches.patch_size is not None
        self.patches, self.side = patches, patches.patch_size // patches.scale
        # One by one, as each holds a file open while it is there.
        lr, hr = ((pair.lr for pair in patches.pairs), (pair.hr for pair in patches.pairs))
        lr_sizes, hr_sizes = zip(
            *((p.lr.shape[:2], p.hr.shape[:2]) for p in patches.pairs), strict=True
        )
        self.lr = _Images(lr, lr_sizes, self.side, patches.halo, device)
        self.hr = _Images(hr, hr_sizes, patches.patch_size, 0, device)

    def addresses(
        self, epoch: int, number: int, part: slice = slice(None)
    ) -> npt.NDArray[np.int64]:
        """Where the patches of a batch, or of a part of it, lie: [N, 7], which `batch` takes."""
        images, places, turns, channels = self.patches.chosen(epoch, number, part)
        corners = (places * (self.lr.sizes[images] - self.side + 1)).astype(np.int64)
        return np.column_stack([images, turns, corners, channels])

    def batch(self, addresses: Tensor) -> tuple[Tensor, Tensor]:
        """The `lr` and `hr` of `Patches.batch`, on the device."""
        addresses = addresses.to(self.lr.pixels.device)
        return self.lr.windows(addresses), self.hr.windows(addresses, self.patches.scale)


class _Images:
    """Images on a device, of which windows are taken.

    Args:
        images: [H, W, 3] each, which are copied one by one.
        sizes: height and width of each.
        side: of the windows.
        halo: pixels of context around them, reflected at the image's border.
        device: where the images and the windows lie.
    """

    def __init__(
        self,
        images: Iterable[RGB8],
        sizes: Sequence[tuple[int, int]],
        side: int,
        halo: int,
        device: torch.device,
    ):
        self.sizes = np.array(sizes)
        starts = [*accumulate((height * width * 3 for height, width in sizes), initial=0)]
        self.pixels = torch.empty(starts[-1], dtype=torch.uint8, device=device)
        for start, image in zip(starts, images, strict=False):
            self.pixels[start : start + image.size] = torch.tensor(image, device=device).flatten()
        places = np.column_stack([starts[:-1], self.sizes])
        self.places = torch.tensor(places, device=device)  # start, height, width of each image
        # Which row and column of a window is where in a turned one: [8, height, width, 2].
        grid: npt.NDArray[Any] = np.moveaxis(np.indices((side + 2 * halo,) * 2), 0, -1) - halo
        self.turned = torch.tensor(np.stack([rotate(grid, t) for t in range(8)]), device=device)

    def windows(self, addresses: Tensor, scale: int = 1) -> Tensor:
        """Windows [N, side + 2·halo, side + 2·halo, 3], uint8.

        Args:
            addresses: [N, 7], on the device: image, turn, corner's row and column, colours' order.
            scale: what rows and columns are to be multiplied by.
        """
        image, turn, corner, colours = addresses[:, None, None].split([1, 1, 2, 3], -1)
        start, sizes = self.places[image[..., 0]].split([1, 2], -1)
        at = (self.turned[turn[:, 0, 0, 0]] + scale * corner).remainder(2 * sizes)
        at = torch.minimum(at, 2 * sizes - 1 - at)
        first = start + 3 * (at[..., :1] * sizes[..., 1:] + at[..., 1:])
        return self.pixels[first + colours]
