"""Runs a trained network on images of any size with ONNX Runtime on a CPU, strip by strip."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from srcnn.export.onnx_network import Weights
from srcnn.export.onnx_session import onnx_session
from srcnn.images.decode import PixelArray
from srcnn.images.resize import Kernel, imresize
from srcnn.models.receptive_field import halo_of
from srcnn.upscaling.image_files import SourceImage
from srcnn.upscaling.tile_network import tile_network
from srcnn.upscaling.transparency import fill_transparent
from srcnn.utils.threads import prefetch

TILE = 384  # pixels of a result's tile along each side
MAX_TILE_ROW = 16_384  # strips of wider results are lower than a tile

_FILL = 16  # pixels around a visible one in which the colours of transparent pixels are replaced
_Image = PixelArray | SourceImage


@dataclass(eq=False)
class Upscaler:
    """Upscales images by an integer factor."""

    networks: Sequence[Weights]  # their outputs are summed
    scale: int
    upsampling: Kernel = "bicubic"  # before the network
    threads: int = 0  # of the CPU; 0 for all cores

    def __post_init__(self) -> None:
        self.halo = halo_of(self.scale)
        self._sessions: dict[str, Any] = {}

    def __call__(self, image: PixelArray) -> PixelArray:
        """Upscale [h, w, C] to [scale·h, scale·w, C] in the dtype of `image`."""
        return np.concatenate(list(self.strips(image)))

    def strips(self, image: _Image) -> Iterator[PixelArray]:
        """Yield the result from top to bottom, so that memory need not hold all of it."""
        height, wide = image.shape[0], image.shape[1] * self.scale
        step = max(1, TILE * min(MAX_TILE_ROW, wide) // wide // 16 * 16 // self.scale)
        margin = self.halo + _FILL

        def strip(top: int) -> PixelArray:
            rows = min(step, height - top)
            return self._upscale_strip(_rows_with_margin(image, top, rows, margin), margin)

        return prefetch(strip, range(0, height, step))  # computes while the caller writes

    def _upscale_strip(self, lr: PixelArray, margin: int) -> PixelArray:
        """Upscale rows that have a margin of context on all sides."""
        if lr.shape[2] not in (2, 4):
            return self._upscale_colours(_crop_margin(lr, margin - self.halo))
        filled = fill_transparent(lr)
        colours, alpha = filled[..., :-1], filled[..., -1]
        colours = self._upscale_colours(_crop_margin(colours, margin - self.halo))
        return np.dstack([colours, self._upscale_alpha(_crop_margin(alpha, margin - 2))])

    def _upscale_alpha(self, alpha: PixelArray) -> PixelArray:
        """Upscale [h + 4, w + 4], which has a margin of 2, by the bicubic kernel."""
        sr = np.rint(imresize(alpha.astype(np.float32), self.scale))
        clipped = np.clip(sr, 0, np.iinfo(alpha.dtype).max)
        return _crop_margin(clipped, 2 * self.scale).astype(alpha.dtype)

    def _upscale_colours(self, lr: PixelArray) -> PixelArray:
        """Run the network on [h + 2·halo, w + 2·halo, 1 or 3], tile by tile."""
        grey, halo, scale = lr.shape[2] == 1, self.halo, self.scale
        height, width = lr.shape[0] - 2 * halo, lr.shape[1] - 2 * halo
        result = np.empty((height * scale, width * scale, lr.shape[2]), lr.dtype)
        session, step = self._session(lr.dtype), max(1, TILE // scale)
        for left in range(0, width, step):
            tile = lr[:, left : left + step + 2 * halo]
            rgb = np.repeat(tile, 3, axis=2) if grey else tile
            sr = session.run(None, {"lr": np.ascontiguousarray(rgb[None])})[0][0]
            result[:, left * scale : (left + step) * scale] = _luma(sr) if grey else sr
        return result

    def _session(self, dtype: Any) -> Any:
        name = np.dtype(dtype).name
        if name not in self._sessions:
            network = tile_network(self.networks, self.scale, self.upsampling, dtype)
            self._sessions[name] = onnx_session(network, self.threads)
        return self._sessions[name]


def _rows_with_margin(image: _Image, top: int, rows: int, margin: int) -> PixelArray:
    """Rows of an image with the context around them, mirrored at the image's borders."""
    height = image.shape[0]
    first, last = max(0, top - margin), min(height, top + rows + margin)
    beyond = first - (top - margin), top + rows + margin - last
    return np.pad(image[first:last], (beyond, (margin, margin), (0, 0)), "symmetric")


def _crop_margin(image: PixelArray, margin: int) -> PixelArray:
    return image[margin : len(image) - margin, margin : image.shape[1] - margin]


def _luma(rgb: PixelArray) -> PixelArray:
    """[H, W, 1] of [H, W, 3] by BT.601, as Pillow converts RGB to grey."""
    weighted = rgb @ np.array([0.299, 0.587, 0.114], np.float32)
    return np.rint(weighted)[..., None].astype(rgb.dtype)
