"""Runs a trained network on images of any size with ONNX Runtime on a CPU, strip by strip."""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
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
from srcnn.utils.machine import cpu_count

TILE = 384  # pixels of a result's tile along each side
MAX_TILE_ROW = 16_384  # strips of wider results are lower than a tile

_AHEAD = 4  # strips computed before they are needed
_MAX_THREADS = 16  # unless a number is chosen: each needs 70 MB
_FILL = 16  # pixels around a visible one in which the colours of transparent pixels are replaced
_Image = PixelArray | SourceImage


@dataclass(eq=False)
class Upscaler:
    """Upscales images by an integer factor."""

    networks: Sequence[Weights]  # their outputs are summed
    scale: int
    upsampling: Kernel = "bicubic"  # before the network
    threads: int = 0  # of the CPU; 0 for all cores, at most _MAX_THREADS

    def __post_init__(self) -> None:
        self.halo = halo_of(self.scale)
        self._sessions: dict[str, Any] = {}
        self._lock = Lock()  # of the sessions
        self._pools: dict[int, ThreadPoolExecutor] = {}  # by process

    def __call__(self, image: PixelArray) -> PixelArray:
        """Upscale [h, w, C] to [scale·h, scale·w, C] in the dtype of `image`."""
        return np.concatenate(list(self.strips(image)))

    def strips(self, image: _Image) -> Iterator[PixelArray]:
        """Yield the result from top to bottom, so that memory need not hold all of it.

        All threads compute the next strips while the caller writes one. Several images can be
        upscaled at the same time; they share the threads.
        """
        height, wide = image.shape[0], image.shape[1] * self.scale
        step = max(1, TILE * min(MAX_TILE_ROW, wide) // wide // 16 * 16 // self.scale)
        margin = self.halo + _FILL
        waiting: deque[_Strip] = deque()
        try:
            for top in range(0, height, step):
                rows = _rows_with_margin(image, top, min(step, height - top), margin)
                waiting.append(self._start_strip(rows, margin))
                if len(waiting) > _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for strip in waiting:
                strip.cancel()

    def _start_strip(self, lr: PixelArray, margin: int) -> "_Strip":
        """Start to upscale rows that have a margin of context on all sides."""
        height, width, channels = lr.shape[0] - 2 * margin, lr.shape[1] - 2 * margin, lr.shape[2]
        scale, step = self.scale, max(1, TILE // self.scale)
        strip = _Strip(np.empty((height * scale, width * scale, channels), lr.dtype))
        pool = self._pool()
        if channels in (2, 4):
            lr = fill_transparent(lr)
            alpha = _crop_margin(lr[..., -1], margin - 2)
            strip.start(pool, self._upscale_alpha, alpha, strip.pixels[..., -1])
        colours = slice(channels - (channels in (2, 4)))
        context = _crop_margin(lr[..., colours], margin - self.halo)
        for left in range(0, width, step):
            tile = context[:, left : left + step + 2 * self.halo]
            sr = strip.pixels[:, left * scale : (left + step) * scale, colours]
            strip.start(pool, self._upscale_tile, tile, sr)
        return strip

    def _upscale_alpha(self, alpha: PixelArray, result: PixelArray) -> None:
        """Upscale [h + 4, w + 4], which has a margin of 2, by the bicubic kernel."""
        sr = np.rint(imresize(alpha.astype(np.float32), self.scale))
        clipped = np.clip(sr, 0, np.iinfo(alpha.dtype).max)
        result[:] = _crop_margin(clipped, 2 * self.scale)

    def _upscale_tile(self, lr: PixelArray, result: PixelArray) -> None:
        """Run the network on [h + 2·halo, w + 2·halo, 1 or 3]."""
        grey = lr.shape[2] == 1
        rgb = np.repeat(lr, 3, axis=2) if grey else lr
        session = self._session(lr.dtype)
        sr = session.run(None, {"lr": np.ascontiguousarray(rgb[None])})[0][0]
        result[:] = _luma(sr) if grey else sr

    def _pool(self) -> Executor:
        """The threads of this process; a forked process does not have those of its parent."""
        with self._lock:
            if os.getpid() not in self._pools:
                threads = self.threads or min(cpu_count(), _MAX_THREADS)
                self._pools = {os.getpid(): ThreadPoolExecutor(threads)}
            return self._pools[os.getpid()]

    def _session(self, dtype: Any) -> Any:
        name = np.dtype(dtype).name
        with self._lock:
            if name not in self._sessions:
                network = tile_network(self.networks, self.scale, self.upsampling, dtype)
                # Several tiles at a time, each on one thread, are faster than one on all threads.
                self._sessions[name] = onnx_session(network, threads=1)
            return self._sessions[name]


@dataclass(frozen=True)
class _Strip:
    """A part of a result, which several threads compute."""

    pixels: PixelArray
    parts: list[Future[None]] = field(default_factory=list)

    def start(self, pool: Executor, function: Callable[..., None], *arguments: PixelArray) -> None:
        """Compute a part in the pool."""
        self.parts.append(pool.submit(function, *arguments))

    def result(self) -> PixelArray:
        """The pixels, when all parts are done."""
        for part in self.parts:
            part.result()
        return self.pixels

    def cancel(self) -> None:
        """Do not compute the parts that have not been started."""
        for part in self.parts:
            part.cancel()


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
