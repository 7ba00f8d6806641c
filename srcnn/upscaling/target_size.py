"""The size of a result: any scale, width or height, and the network that gives the size or more."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from srcnn.errors import InputError
from srcnn.images.decode import PixelArray
from srcnn.upscaling.image_files import SourceImage
from srcnn.upscaling.onnx_runner import Upscaler
from srcnn.upscaling.resized_strips import resize_strips
from srcnn.upscaling.transparency import fill_transparent

MAX_SCALE = 100

_ROWS = 256  # of a strip that is resized without a network
_Size = tuple[int, int]  # width and height


@dataclass(frozen=True)
class TargetSize:
    """A scale, or the width or height of the results, or both as limits.

    Raises:
        InputError: there is no such target.
    """

    scale: float | None = None
    width: int | None = None
    height: int | None = None

    def __post_init__(self) -> None:
        if self.scale is None:
            return
        if (self.width, self.height) != (None, None):
            raise InputError("--scale cannot be used with --width or --height")
        if not 0 < self.scale <= MAX_SCALE:
            raise InputError(f"--scale {self.scale:g}: choose more than 0 and at most {MAX_SCALE}")

    @property
    def label(self) -> str:
        """The end of a result's name: x2.5, w1920, h1080 or 1920x1080."""
        if self.scale is not None:
            return f"x{self.scale:g}"
        if self.width is not None and self.height is not None:
            return f"{self.width}x{self.height}"
        return f"h{self.height}" if self.width is None else f"w{self.width}"

    def size_for(self, name: object, source: _Size) -> _Size:
        """Width and height of the result for an image of the size `source`.

        With a scale, ceil(scale · side), as MATLAB's `imresize`. Otherwise the largest result that
        the limits allow: the proportions are kept, and the other side is rounded to nearest.

        Raises:
            InputError: the result would be more than MAX_SCALE times larger; it starts with `name`.
        """
        width, height = source
        if self.scale is not None:
            # As written in decimal: in binary, 1.1 · 10 is above 11.
            scale = Decimal(str(self.scale))
            return _ceil(scale * width), _ceil(scale * height)
        if self._is_limited_by_height(source):
            assert self.height is not None
            size = _rounded_ratio(width * self.height, height), self.height
        else:
            assert self.width is not None
            size = self.width, _rounded_ratio(height * self.width, width)
        if max(size[0] / width, size[1] / height) > MAX_SCALE:
            raise InputError(
                f"{name}: {size[0]}×{size[1]} pixels are more than {MAX_SCALE} times its "
                f"{width}×{height}; choose a smaller --width or --height"
            )
        return size

    def _is_limited_by_height(self, source: _Size) -> bool:
        if self.width is None or self.height is None:
            return self.width is None
        return self.width * source[1] > self.height * source[0]


def choose_network(networks: Sequence[Upscaler], source: _Size, size: _Size) -> Upscaler | None:
    """The smallest network that makes `size` or more of `source`, otherwise the largest.

    The networks are in the order of their scales. None if `source` is large enough itself.
    """
    if _covers(source, 1, size):
        return None
    return next((n for n in networks if _covers(source, n.scale, size)), networks[-1])


def strips_of_size(
    image: SourceImage | PixelArray, network: Upscaler | None, size: _Size
) -> Iterator[PixelArray]:
    """Yield the network's result, or the image, resized to `size` from top to bottom."""
    height, width = image.shape[:2]
    scale = 1 if network is None else network.scale
    if network is not None:
        strips = network.strips(image)
    else:
        strips = _original_strips(image, margin=math.ceil(4 * height / size[1]))
    return resize_strips(strips, (width * scale, height * scale), size)


def describe_resize(source: _Size, network: Upscaler | None, size: _Size) -> list[str]:
    """Notes on a result that a network makes only in part, or not at all."""
    if network is None:
        return ["no network was run: the result is not larger than the original"]
    if not _covers(source, network.scale, size):
        return [f"the network gives ×{network.scale}; the rest is bicubic"]
    return []


def _covers(source: _Size, scale: int, size: _Size) -> bool:
    return all(side * scale >= target for side, target in zip(source, size, strict=True))


def _ceil(value: Decimal) -> int:
    return int(value.to_integral_value(ROUND_CEILING))


def _rounded_ratio(dividend: int, divisor: int) -> int:
    """The quotient, rounded to nearest; at least 1."""
    return max(1, (2 * dividend + divisor) // (2 * divisor))


def _original_strips(image: SourceImage | PixelArray, margin: int) -> Iterator[PixelArray]:
    """Yield the rows of an image, with the colours of its transparent pixels replaced.

    The replaced colours depend on `margin` rows around each strip.
    """
    height, step = image.shape[0], max(_ROWS, margin)
    for top in range(0, height, step):
        if image.shape[2] not in (2, 4):
            yield image[top : min(height, top + step)]
            continue
        first = max(0, top - margin)
        rows = fill_transparent(image[first : min(height, top + step + margin)])
        yield rows[top - first :][:step]
