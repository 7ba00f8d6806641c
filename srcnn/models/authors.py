"""SRCNN as the paper's first author published it, which is not as the paper describes it.

The source is github.com/prajapatisarvesh/SRCNN-Pytorch, commit 5920157 (2023-09-22, MIT licence).
docs/the-authors-code.md compares it with the paper, item by item.
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from srcnn.models.device import to_float64
from srcnn.models.srcnn import SRCNN, enlarge
from srcnn.utils.methods import ModelCode

OPENCV_BITS = 11  # of the fractions in OpenCV's weights for 8-bit images


class Layout:
    """How the code turns an image into a tensor.

    This is all that differs between `authors_view`, the published code, and `authors_permute`.
    OpenCV reads [H, W, 3], BGR. `permute` moves the colours to the front. The published code uses
    `view` instead: it keeps the values in their order, so a "channel" is a third of the rows, and
    a "row" is a third of a row of pixels with its colours interleaved. Neighbours there, also at
    thirds of both sides, are not neighbours in the image.
    """

    def __init__(self, code: ModelCode):
        self.uses_view = code == "authors_view"

    def to_tensor(self, rgb: Tensor) -> Tensor:
        """What the code's networks get, [N, 3, H, W], for RGB [N, 3, H, W]."""
        bgr = rgb.flip(1)
        return bgr.permute(0, 2, 3, 1).reshape(bgr.shape) if self.uses_view else bgr

    def to_rgb(self, tensor: Tensor) -> Tensor:
        """The inverse of `to_tensor`."""
        if self.uses_view:
            n, channels, height, width = tensor.shape
            tensor = tensor.reshape(n, height, width, channels).permute(0, 3, 1, 2)
        return tensor.flip(1)


class AuthorsSRCNN(SRCNN):
    """The network of the authors' code: `layout`, OpenCV's bicubic, zero padding, clipped output.

    The interpolation is rounded to 8 bits, and so is the result, but downwards. A part of an image
    does not give that part of the result, so images are not cut into tiles.
    """

    is_local = False

    def __init__(self, scale: int, code: ModelCode):
        super().__init__(scale)
        self.code, self.layout, self.halo = code, Layout(code), 0
        self.phases = opencv_phases(scale)
        self.features = nn.Conv2d(3, 64, 9, padding=4)
        self.reconstruction = nn.Conv2d(32, 3, 5, padding=2)

    def use_fast_layers(self) -> None:
        """Do nothing: the rounded interpolation is not linear, and the layers pad."""

    def upsample(self, lr: Tensor) -> Tensor:
        """`cv2.resize` with INTER_CUBIC: [N, 3, h, w] to [N, 3, H, W], rounded to 8 bits.

        Equals OpenCV 5.0 in all but one of 100,000 values, which lie between two levels.
        """
        with torch.autocast(lr.device.type, enabled=False):
            levels = to_float64(lr).mul(255).round()  # sums of doubles are exact at ×2, ×4 and ×8
            for dim, pad in ((2, (0, 0, 2, 2)), (3, (2, 2, 0, 0))):
                levels = enlarge(F.pad(levels, pad, "replicate"), self.phases, dim)
            return levels.add(0.5).floor().clamp(0, 255).div(255).float().to(lr.device)

    def refine(self, up: Tensor) -> Tensor:
        """The three layers and the clip: RGB [N, 3, H, W] in [0, 1] to the same."""
        x = F.relu_(self.features(self.layout.to_tensor(up)))
        x = F.relu_(self.mapping(x))
        return self.layout.to_rgb(self.reconstruction(x).clamp(0, 1))

    def interpolation(self, up: Tensor) -> Tensor:
        """The result of `upsample`, which has no margin."""
        return up

    def quantise(self, sr: Tensor) -> Tensor:
        """To levels of 255, rounded down, as NumPy's `astype(uint8)` does."""
        return sr.mul(255).floor()


def opencv_phases(scale: int) -> list[list[float]]:
    """OpenCV's weights of enlarging by an integer factor, [scale, 5], as `upsampling_phases`.

    Keys' cubic kernel with a = −0.75, as `interpolateCubic` of OpenCV's resize.cpp computes it,
    rounded to OPENCV_BITS.
    """
    a, phases = -0.75, np.zeros((scale, 5))
    for phase in range(scale):
        first, x = divmod((phase + 0.5) / scale - 0.5, 1)
        outer = [((a * (d + 1) - 5 * a) * (d + 1) + 8 * a) * (d + 1) - 4 * a for d in (x, 1 - x)]
        inner = [((a + 2) * d - (a + 3)) * d * d + 1 for d in (x, 1 - x)]
        taps = [outer[0], *inner, outer[1]]
        phases[phase, int(first) + 1 :][:4] = np.round(np.multiply(taps, 2**OPENCV_BITS))
    rounded: list[list[float]] = (phases / 2**OPENCV_BITS).tolist()
    return rounded
