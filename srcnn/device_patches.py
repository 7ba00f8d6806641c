"""Patches drawn on a GPU from images that lie in its memory, the same that `Patches` draws."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from srcnn.images import RGB8
from srcnn.patches import Patches, turned

SHARE = 0.5
"""Of the GPU's free memory, which all images may take."""


def fit(patches: Patches, device: torch.device) -> bool:
    """Whether `DevicePatches` can draw them: on a GPU with room for the images, and not whole."""
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
        self.lr = _Images([pair.lr for pair in patches.pairs], self.side, patches.halo, device)
        self.hr = _Images([pair.hr for pair in patches.pairs], patches.patch_size, 0, device)

    def choice(
        self, epoch: int, number: int, part: slice = slice(None)
    ) -> tuple[npt.NDArray[np.int64]]:
        """What is random in a batch: [N, 7], as `windows` takes it of LR images."""
        images, places, turns, channels = self.patches.chosen(epoch, number, part)
        corners = (places * (self.lr.sizes[images] - self.side + 1)).astype(np.int64)
        return (np.column_stack([images, turns, corners, channels]),)

    def batch(self, choice: Tensor) -> tuple[Tensor, Tensor]:
        """The `lr` and `hr` of `Patches.batch`, on the device."""
        return self.lr.windows(choice), self.hr.windows(choice, self.patches.scale)


class _Images:
    """Images on a device, of which windows are taken.

    Args:
        images: [H, W, 3] each.
        side: of the windows.
        halo: pixels of context around them, reflected at the image's border.
        device: where the images and the windows lie.
    """

    def __init__(self, images: Sequence[RGB8], side: int, halo: int, device: torch.device):
        self.sizes = np.array([image.shape[:2] for image in images])
        starts = [*accumulate((image.size for image in images), initial=0)]
        self.pixels = torch.empty(starts[-1], dtype=torch.uint8, device=device)
        for start, image in zip(starts, images, strict=False):
            self.pixels[start : start + image.size] = torch.tensor(image, device=device).flatten()
        places = np.column_stack([starts[:-1], self.sizes])
        self.places = torch.tensor(places, device=device)  # start, height, width of each image
        # Which row and column of a window is where in a turned one: [8, height, width, 2].
        grid: npt.NDArray[Any] = np.moveaxis(np.indices((side + 2 * halo,) * 2), 0, -1) - halo
        self.turned = torch.tensor(np.stack([turned(grid, t) for t in range(8)]), device=device)

    def windows(self, choice: Tensor, scale: int = 1) -> Tensor:
        """Windows [N, side + 2·halo, side + 2·halo, 3], uint8.

        Args:
            choice: [N, 7], int64: image, turn, row and column of the corner, order of the colours.
            scale: what rows and columns are to be multiplied by.
        """
        choice = choice.to(self.pixels.device)
        image, turn, corner, colours = choice[:, None, None].split([1, 1, 2, 3], -1)
        start, sizes = self.places[image[..., 0]].split([1, 2], -1)
        at = (self.turned[turn[:, 0, 0, 0]] + scale * corner).remainder(2 * sizes)
        at = torch.minimum(at, 2 * sizes - 1 - at)
        first = start + 3 * (at[..., :1] * sizes[..., 1:] + at[..., 1:])
        return self.pixels[first + colours]
