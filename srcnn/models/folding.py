"""The upsampling and the first layer of SRCNN, both linear, as one layer of LR pixels.

At ×4 it needs 6×6 taps per feature instead of 9×9. `srcnn.upscaling.tile_network` does the same in
an ONNX graph.
"""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from srcnn.images.resize import Kernel, upsampling_phases
from srcnn.models.receptive_field import halo_of

TAPS = 9  # of the first layer, per axis
CONTEXT = 2  # features that the 5×5 layer needs on each side of the result


class FoldedFeatures(nn.Module):
    """Computes the first layer and its ReLU for blocks of scale × scale HR pixels at once.

    All features of a block depend on the same window of LR pixels, so the layer is a 1×1
    convolution of all windows. The weights are folded in each step, and gradients pass through.
    """

    kernels: Tensor

    def __init__(self, scale: int, upsampling: Kernel):
        super().__init__()
        # The smallest window; it need not start with the first HR pixel of an LR pixel.
        spans = [block_kernels(scale, upsampling, start) for start in range(scale)]
        start = min(range(scale), key=lambda start: spans[start][1].shape[1])
        first, kernels = spans[start]
        block, self.surplus = divmod(-CONTEXT - start, scale)  # HR pixels before those needed
        self.scale, self.halo = scale, halo_of(scale)
        self.top = self.halo + block + first  # the first row and column of `lr` that is used
        self.register_buffer("kernels", torch.from_numpy(kernels).float(), persistent=False)

    def forward(self, lr: Tensor, layer: nn.Conv2d) -> Tensor:
        """The features by blocks: [N, C, rows, columns · scale²].

        Equals `layer` and a ReLU after the upsampling, up to rounding; `to_pixels` orders them.

        Args:
            lr: [N, 3, h + 2·halo, w + 2·halo].
            layer: the first layer, which gives the weights.
        """
        assert layer.bias is not None
        side, blocks_around = self.kernels.shape[1], -(-(self.surplus + 2 * CONTEXT) // self.scale)
        rows, columns = (length - 2 * self.halo + blocks_around for length in lr.shape[2:])
        high, wide = (slice(self.top, self.top + n + side - 1) for n in (rows, columns))
        pixels = lr[:, :, high, wide].permute(0, 2, 3, 1)
        windows = pixels.unfold(1, side, 1).unfold(2, side, 1).permute(0, 1, 2, 4, 5, 3)
        windows = windows.reshape(len(lr), rows, columns, -1).permute(0, 3, 1, 2)
        x = F.conv2d(windows, self._fold(layer.weight), layer.bias.repeat(self.scale**2))
        x = F.relu_(x).permute(0, 2, 3, 1)
        return x.reshape(len(lr), rows, -1, len(layer.bias)).permute(0, 3, 1, 2)

    def _fold(self, weight: Tensor) -> Tensor:
        """Fold [C, 3, 9, 9] with the upsampling, to [scale²·C, side²·3, 1, 1], channels last."""
        with torch.autocast(weight.device.type, enabled=False):
            folded = torch.einsum("ocab,pua,qvb->pqouvc", weight, self.kernels, self.kernels)
        return folded.reshape(self.scale**2 * len(weight), 1, 1, -1).permute(0, 3, 1, 2)

    def to_pixels(self, blocks: Tensor, height: int, width: int) -> Tensor:
        """Order [N, C, rows, columns · scale²] as HR pixels, [N, C, height + 4, width + 4]."""
        n, channels, rows, _ = blocks.shape
        x = blocks.permute(0, 2, 3, 1).unflatten(2, (-1, self.scale, self.scale)).transpose(2, 3)
        x = x.reshape(n, rows * self.scale, -1, channels).permute(0, 3, 1, 2)
        high, wide = (
            slice(self.surplus, self.surplus + length + 2 * CONTEXT) for length in (height, width)
        )
        return x[:, :, high, wide]


def block_kernels(
    scale: int, upsampling: Kernel, start: int
) -> tuple[int, npt.NDArray[np.float64]]:
    """How the features of `scale` HR pixels depend on LR pixels, along one axis.

    Args:
        scale: HR pixels per LR pixel.
        upsampling: the interpolation.
        start: the first of the HR pixels, counted from the first HR pixel of LR pixel 0.

    Returns:
        The first LR pixel that they depend on, and weights [scale, LR pixels, taps], so that
        feature p is Σ_u,t weights[p, u, t] · layer[t] · lr[first + u].
    """
    phases, room = upsampling_phases(scale, upsampling), 2 * TAPS
    kernels = np.zeros((scale, 2 * room, TAPS))
    for p in range(scale):
        for tap in range(TAPS):
            pixel, phase = divmod(start + p + tap - TAPS // 2, scale)
            kernels[p, room + pixel - 2 :][:5, tap] += phases[phase]
    used = np.flatnonzero(kernels.any(axis=(0, 2)))
    return int(used[0]) - room, kernels[:, used[0] : used[-1] + 1]
