"""A trained network that enlarges images of any size on a CPU: by ONNX Runtime, strip by strip."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from srcnn.export.onnx_network import Weights
from srcnn.export.onnx_session import onnx_session
from srcnn.images.decode import PixelArray
from srcnn.images.resize import Kernel, imresize
from srcnn.models.receptive_field import halo_of
from srcnn.upscaling.tile_network import tile_network
from srcnn.utils.threads import prefetch

TILE = 384
"""Pixels of a result's tile along each side."""

WIDE = 16_384
"""Pixels of a result's row up to which its strips are as high as a tile."""

_REACH = 16
"""Pixels around a visible one whose own colour, which nobody sees, is not to come near it."""


class Pixels(Protocol):
    """An image whose rows can be had: an array, or what decodes them when they are asked for."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Height, width, channels."""

    def __getitem__(self, rows: slice) -> PixelArray:
        """Some rows."""


class Enlarger:
    """Enlarges images by a whole factor.

    Args:
        networks: whose results add up, each by its weights, as `save_model` has them.
        scale: the factor.
        upsampling: the kernel before the network.
        threads: that it takes; 0 for all cores.
    """

    def __init__(
        self,
        networks: Sequence[Weights],
        scale: int,
        upsampling: Kernel = "bicubic",
        threads: int = 0,
    ):
        self.networks, self.scale, self.upsampling = networks, scale, upsampling
        self.threads = threads
        self.halo = halo_of(scale)
        self._sessions: dict[str, Any] = {}

    def __call__(self, image: PixelArray) -> PixelArray:
        """The enlarged image, [scale·h, scale·w, channels] in the type of `image`."""
        return np.concatenate(list(self.strips(image)))

    def strips(self, image: Pixels) -> Iterator[PixelArray]:
        """The enlarged image from top to bottom, so that not all of it has to be in memory."""
        height, wide = image.shape[0], image.shape[1] * self.scale
        step = max(1, TILE * min(WIDE, wide) // wide // 16 * 16 // self.scale)
        margin = self.halo + _REACH

        def strip(top: int) -> PixelArray:
            rows = min(step, height - top)
            return self._strip(_with_margin(image, top, rows, margin), margin)

        return prefetch(strip, range(0, height, step))  # while the ones before are being written

    def _strip(self, seen: PixelArray, margin: int) -> PixelArray:
        """Enlarge rows and columns but for a margin of context on all sides."""
        channels = seen.shape[2]
        has_alpha = channels in (2, 4)
        if not has_alpha:
            return self._colours(_inner(seen, margin - self.halo))
        colours, alpha = seen[..., :-1], seen[..., -1]
        if (alpha < np.iinfo(alpha.dtype).max).any():
            colours = _spread(colours, alpha)
        colours = self._colours(_inner(colours, margin - self.halo))
        return np.dstack([colours, self._alpha(_inner(alpha, margin - 2))])

    def _alpha(self, seen: PixelArray) -> PixelArray:
        """Bicubic, of [h + 4, w + 4] with a margin of 2."""
        most = np.iinfo(seen.dtype).max
        whole = imresize(seen.astype(np.float32), self.scale)
        return _inner(np.clip(np.rint(whole), 0, most), 2 * self.scale).astype(seen.dtype)

    def _colours(self, seen: PixelArray) -> PixelArray:
        """By the network, of [h + 2·halo, w + 2·halo, 1 or 3], tile after tile."""
        grey, halo, scale = seen.shape[2] == 1, self.halo, self.scale
        height, width = seen.shape[0] - 2 * halo, seen.shape[1] - 2 * halo
        result = np.empty((height * scale, width * scale, seen.shape[2]), seen.dtype)
        step = max(1, TILE // scale)
        for left in range(0, width, step):
            tile = seen[:, left : left + step + 2 * halo]
            rgb = np.repeat(tile, 3, axis=2) if grey else tile
            enlarged = self._session(seen.dtype).run(None, {"lr": np.ascontiguousarray(rgb[None])})[
                0
            ][0]
            result[:, left * scale : (left + step) * scale] = _luma(enlarged) if grey else enlarged
        return result

    def _session(self, dtype: Any) -> Any:
        name = np.dtype(dtype).name
        if name not in self._sessions:
            network = tile_network(self.networks, self.scale, self.upsampling, dtype)
            self._sessions[name] = onnx_session(network, self.threads)
        return self._sessions[name]


def _with_margin(image: Pixels, top: int, rows: int, margin: int) -> PixelArray:
    """Rows of an image with what lies around them, mirrored at its borders."""
    height = image.shape[0]
    first, last = max(0, top - margin), min(height, top + rows + margin)
    beyond = first - (top - margin), top + rows + margin - last
    return np.pad(image[first:last], (beyond, (margin, margin), (0, 0)), "symmetric")


def _inner(image: PixelArray, margin: int) -> PixelArray:
    """The image without a margin on all sides."""
    return image[margin : len(image) - margin, margin : image.shape[1] - margin]


def _luma(rgb: PixelArray) -> PixelArray:
    """[H, W, 1] of [H, W, 3], by BT.601, as Pillow's grey."""
    weighted = rgb @ np.array([0.299, 0.587, 0.114], np.float32)
    return np.rint(weighted)[..., None].astype(rgb.dtype)


def _spread(colours: PixelArray, alpha: PixelArray) -> PixelArray:
    """Give pixels that are wholly transparent the colour of the nearest one that is not.

    What such a pixel says of its colour is anything; enlarged, it would show at the edges.
    """
    from scipy.ndimage import distance_transform_edt  # takes long to import, and few need it

    hidden = alpha == 0
    if hidden.all() or not hidden.any():
        return colours
    nearest = distance_transform_edt(hidden, return_distances=False, return_indices=True)
    return colours[tuple(nearest)]
