"""The convolutions of AlexNet and VGG16, whose features judges compare, and tiles of images."""

from collections.abc import Callable, Iterator
from itertools import pairwise, product
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from srcnn.models.tensors import Weights
from srcnn.settings import VGG_BLOCKS

Pool = Callable[[Tensor], Tensor]


class Stage(NamedTuple):
    """Convolutions, each followed by a ReLU."""

    pool: int  # side of the max pooling before them, with stride 2; 0 for none
    convolutions: tuple[tuple[int, int], ...]  # stride and padding of each


_SAME = 1, 1  # of a kernel of 3×3: the features keep their size
STAGES = {
    "alexnet": (
        Stage(0, ((4, 2),)),
        Stage(3, ((1, 2),)),
        *(Stage(pool, (_SAME,)) for pool in (3, 0, 0)),
    ),
    "vgg16": tuple(Stage(2 if i else 0, (_SAME,) * n) for i, n in enumerate(VGG_BLOCKS["vgg16"])),
}
"""By network: its five stages, without the classifier."""

_HALO = 96  # pixels around a tile of VGG16, whose features depend on 90; a multiple of _STRIDE
_STRIDE = 16  # pixels from one feature of VGG16's last stage to the next


def weight_names(network: str) -> list[str]:
    """`conv{i}.weight` [C_out, C_in, k, k] and `conv{i}.bias` [C_out] of all convolutions."""
    count = sum(len(stage.convolutions) for stage in STAGES[network])
    return [f"conv{i}.{part}" for i in range(1, count + 1) for part in ("weight", "bias")]


class Trunk(nn.Module):
    """The convolutions of a network, with nothing to train."""

    def __init__(self, network: str, weights: Weights):
        super().__init__()
        self.stages = STAGES[network]
        for name in weight_names(network):
            value = weights[name]
            if value.ndim == 4:
                value = value.contiguous(memory_format=torch.channels_last)  # a third faster
            self.register_buffer(name.replace(".", "_"), value)

    def forward(self, x: Tensor, pool: Pool | None = None) -> Iterator[Tensor]:
        """The features after each stage, one by one; `pool` may replace the max pooling."""
        number = 0
        for stage in self.stages:
            if stage.pool:
                x = pool(x) if pool else F.max_pool2d(x, stage.pool, 2)
            for stride, padding in stage.convolutions:
                number += 1
                weight, bias = (
                    self.get_buffer(f"conv{number}_{part}") for part in ("weight", "bias")
                )
                x = F.relu_(F.conv2d(x, weight, bias, stride, padding))
            yield x


class Tile(NamedTuple):
    """A part of an image, with a halo: the pixels around it that its features depend on."""

    rows: slice  # of the image, with the halo
    columns: slice
    inner: tuple[slice, slice]  # rows and columns of the tile without its halo

    def inside(self, features: Tensor, halvings: int) -> Tensor:
        """The part [N, C, h, w] of the tile's features that does not belong to the halo."""
        rows, columns = (slice(s.start >> halvings, s.stop >> halvings) for s in self.inner)
        return features[:, :, rows, columns]


def tiles(height: int, width: int, max_side: int | None) -> Iterator[Tile]:
    """Tiles for VGG16, with sides of at most `max_side`; one tile if None.

    The features inside the tiles are those of the whole image.
    """
    for (rows, tall), (columns, wide) in product(*(_spans(n, max_side) for n in (height, width))):
        yield Tile(rows, columns, (tall, wide))


def _spans(length: int, max_side: int | None) -> Iterator[tuple[slice, slice]]:
    """Parts of a side: with the halo, and without it, from the start of the former."""
    parts = 1
    if max_side is not None and length > max_side:
        parts = -(-length // (max_side - 2 * _HALO - _STRIDE))
    starts = [length * i // parts // _STRIDE * _STRIDE for i in range(parts)]
    for start, stop in pairwise([*starts, length]):
        first = max(start - _HALO, 0)
        yield slice(first, min(stop + _HALO, length)), slice(start - first, stop - first)
