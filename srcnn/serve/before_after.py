"""The two pictures that a page lays over each other, before and after, as browsers show them."""

import zlib
from pathlib import Path

from PIL import Image

from srcnn.images.decode import PixelArray
from srcnn.upscaling.image_files import SourceImage, to_pillow

MOST = 50_000_000
"""Pixels of each: a browser holds four bytes for each of them, and that twice."""


class BeforeAfter:
    """Both pictures as PNG of 8 bits a channel, with the original's profile.

    The original is enlarged by Pillow's bicubic interpolation. Both are reduced by a power of two
    where they would be too large for a browser.

    Args:
        original: upright.
        size: width and height of the result.
    """

    def __init__(self, original: SourceImage, size: tuple[int, int]):
        self.original, self.reduced = original, 1
        while size[0] * size[1] > MOST * self.reduced**2:
            self.reduced *= 2
        width, height = (-(-side // self.reduced) for side in size)
        mode = ("L", "LA", "RGB", "RGBA")[original.shape[2] - 1]
        self.after = Image.new(mode, (width, height))

    def add(self, strip: PixelArray, top: int) -> None:
        """Take a strip of the result, of a multiple of `reduced` rows unless it is the last."""
        self.after.paste(to_pillow(strip).reduce(self.reduced), (0, top // self.reduced))

    def write(self, folder: Path) -> None:
        """Write `before.png` and `after.png`."""
        _write(self.after, folder / "after.png", self.original.icc)
        before = to_pillow(self.original[0 : self.original.shape[0]])
        before = before.resize(self.after.size, Image.Resampling.BICUBIC)
        _write(before, folder / "before.png", self.original.icc)


def _write(image: Image.Image, path: Path, icc: bytes | None) -> None:
    # Quickly, as `srcnn.images.image_io.write_png`.
    image.save(path, compress_type=zlib.Z_RLE, icc_profile=icc)
