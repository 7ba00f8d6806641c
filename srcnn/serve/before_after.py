"""The two images that the page compares, before and after, in a form that browsers show."""

import zlib
from pathlib import Path

from PIL import Image

from srcnn.images.decode import PixelArray
from srcnn.upscaling.image_files import MODES, SourceImage, to_pillow

MAX_PIXELS = 50_000_000  # of each image; a browser needs four bytes per pixel, twice


class BeforeAfter:
    """The source upscaled by Pillow's bicubic interpolation, and the result of the network.

    Both are PNG with 8 bits per channel and the source's ICC profile. Images that are too large for
    a browser are reduced by a power of two. `size` is the width and height of the result.
    """

    def __init__(self, source: SourceImage, size: tuple[int, int]):
        self.source, self.reduction = source, 1
        while size[0] * size[1] > MAX_PIXELS * self.reduction**2:
            self.reduction *= 2
        width, height = (-(-side // self.reduction) for side in size)
        self.after = Image.new(MODES[source.shape[2] - 1], (width, height))

    def add(self, strip: PixelArray, top: int) -> None:
        """Add a strip of the result; its rows are a multiple of `reduction`, except in the last."""
        self.after.paste(to_pillow(strip).reduce(self.reduction), (0, top // self.reduction))

    def write(self, folder: Path) -> None:
        """Write `before.png` and `after.png`."""
        before = to_pillow(self.source[0 : self.source.shape[0]])
        before = before.resize(self.after.size, Image.Resampling.BICUBIC)
        for name, image in (("before", before), ("after", self.after)):
            path = folder / f"{name}.png"  # the run-length encoding of `write_png` is fast
            image.save(path, compress_type=zlib.Z_RLE, icc_profile=self.source.icc)
