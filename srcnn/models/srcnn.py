"""SRCNN 9-1-5 on RGB images."""

from functools import reduce

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from srcnn.images.resize import Kernel, upsampling_phases
from srcnn.models.folding import FoldedFeatures
from srcnn.models.receptive_field import MARGIN, halo_of
from srcnn.utils.methods import ModelCode

MIN_FOLDED_SCALE = 4  # at smaller scales, folding saves less than its copies cost


class SRCNN(nn.Module):
    """SRCNN (Dong et al. 2016) as in the paper: upsampling, then 9×9×64, 1×1×32 and 5×5×3.

    The only padding is a symmetric reflection of the LR image, as in MATLAB's `imresize`; the
    convolutions have none. So a crop of the input with `halo` more pixels on each side gives
    exactly that crop of the output. Algorithm 1 upsamples `bicubic`, the paper's text `bilinear`.
    """

    code: ModelCode = "paper"  # whose code the network follows, as the setting `model.code`
    is_local = True  # whether a part of the image, with its halo, gives that part of the result

    def __init__(self, scale: int, upsampling: Kernel = "bicubic"):
        super().__init__()
        self.scale, self.upsampling = scale, upsampling
        self.halo = halo_of(scale)
        self.phases: list[list[float]] = upsampling_phases(scale, upsampling).tolist()
        self.features = nn.Conv2d(3, 64, 9)
        self.mapping = nn.Conv2d(64, 32, 1)
        self.reconstruction = nn.Conv2d(32, 3, 5)
        self.folded: FoldedFeatures | None = None
        self.in_blocks = False  # whether float32, too, computes the last layer in blocks

    def forward(self, lr: Tensor, with_halo: bool = False) -> Tensor:
        """Super-resolve `lr` [N, 3, h, w], RGB in [0, 1], to [N, 3, scale·h, scale·w].

        With `with_halo`, `lr` already has `halo` more pixels on each side.
        """
        lr = lr if with_halo else pad_symmetric(lr, self.halo)
        if self.folded is None:
            return self.refine(self.upsample(lr))
        height, width = ((side - 2 * self.halo) * self.scale for side in lr.shape[2:])
        x = F.relu_(self.mapping(self.folded(lr, self.features)))
        return in_blocks(self.reconstruction, self.folded.to_pixels(x, height, width))

    def upsample(self, lr: Tensor) -> Tensor:
        """Interpolate `lr` [N, 3, h + 2·halo, w + 2·halo] to the size that `refine` takes."""
        surplus = self.scale * (self.halo - 2) - MARGIN
        with torch.autocast(lr.device.type, enabled=False):
            up = enlarge(enlarge(lr, self.phases, 2), self.phases, 3)
        return up[:, :, surplus : up.shape[2] - surplus, surplus : up.shape[3] - surplus]

    def refine(self, up: Tensor) -> Tensor:
        """The three layers: [N, 3, H + 12, W + 12], RGB in [0, 1], to [N, 3, H, W]."""
        x = F.relu_(self.features(up))
        x = F.relu_(self.mapping(x))
        if self.in_blocks or x.dtype == torch.bfloat16:
            return in_blocks(self.reconstruction, x)
        out: Tensor = self.reconstruction(x)
        return out

    def interpolation(self, up: Tensor) -> Tensor:
        """The part of `up`, from `upsample`, that is as large as the result."""
        return up[..., MARGIN:-MARGIN, MARGIN:-MARGIN]

    def quantise(self, sr: Tensor) -> Tensor:
        """RGB in [0, 1], which may exceed it, to levels from 0 to 255."""
        return sr.clamp(0, 1).mul_(255).round_()

    def use_fast_layers(self) -> None:
        """Compute with fewer multiplications from now on; only the last digits change.

        The last layer is computed in blocks and, from MIN_FOLDED_SCALE on, the upsampling and the
        first layer as one. The released models keep their digits without it.
        """
        self.in_blocks = True
        if self.scale >= MIN_FOLDED_SCALE:
            self.folded = FoldedFeatures(self.scale, self.upsampling)

    @torch.no_grad()
    def start_from_interpolation(self) -> None:
        """Add an identity path to the weights, so that training starts near the interpolation.

        Three of the 64 and of the 32 channels pass the colours unchanged through both ReLUs. The
        result is within 1.5 dB of the interpolation.
        """
        self.reconstruction.weight.mul_(0.1)
        for layer in (self.features, self.mapping, self.reconstruction):
            assert layer.bias is not None
            layer.bias.zero_()
        nn.init.dirac_(self.features.weight[:3])
        nn.init.dirac_(self.mapping.weight[:3])
        nn.init.dirac_(self.reconstruction.weight[:, :3])


def in_blocks(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """Compute a convolution with few outputs for 2×2 pixels at once, in half the time."""
    height, width = (n - k + 1 for n, k in zip(x.shape[2:], conv.kernel_size, strict=True))
    if height % 2 or width % 2:  # F.pad copies even if there is nothing to pad
        x = F.pad(x, (0, width % 2, 0, height % 2))
    moved = [F.pad(conv.weight, (j, 1 - j, i, 1 - i)) for i in (0, 1) for j in (0, 1)]
    weight = torch.stack(moved, 1).flatten(0, 1).contiguous(memory_format=torch.channels_last)
    assert conv.bias is not None
    blocks = F.conv2d(x, weight, conv.bias.repeat_interleave(4), stride=2)
    return F.pixel_shuffle(blocks, 2)[:, :, :height, :width]


def pad_symmetric(image: Tensor, width: int) -> Tensor:
    """Extend [..., H, W] by `width` pixels on each side, by reflection with repeated edges."""
    for dim in (-2, -1):
        n = image.shape[dim]
        index = torch.arange(-width, n + width, device=image.device) % (2 * n)
        image = image.index_select(dim, torch.where(index < n, index, 2 * n - 1 - index))
    return image


def enlarge(image: Tensor, phases: list[list[float]], dim: int) -> Tensor:
    """Enlarge one dimension by the phases [scale, 5], without the 2 samples at each end."""
    n = image.shape[dim] - 4
    windows = [image.narrow(dim, tap, n) for tap in range(5)]
    outputs = []
    for phase in phases:
        terms = [weight * window for weight, window in zip(phase, windows, strict=True) if weight]
        outputs.append(reduce(torch.add, terms))
    return torch.stack(outputs, dim + 1).flatten(dim, dim + 1)
