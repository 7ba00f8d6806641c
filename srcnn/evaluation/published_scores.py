"""Scores of other networks of SRCNN's size, as papers print them.

PSNR and SSIM are of Y, without a border as wide as the scale, as this project computes them. No
paper states LPIPS for a network of this size.
"""

from collections.abc import Mapping
from typing import NamedTuple


class Published(NamedTuple):
    """Mean scores of a method on a set."""

    psnr_y: float  # dB
    ssim_y: float


Sets = Mapping[tuple[str, int], Mapping[int, Published]]

PUBLISHED: dict[str, Sets] = {
    "bicubic": {  # Kim, Lee, Lee: VDSR, CVPR 2016, Table 3
        ("set5", 5): {
            2: Published(33.66, 0.9299),
            3: Published(30.39, 0.8682),
            4: Published(28.42, 0.8104),
        },
        ("set14", 14): {
            2: Published(30.24, 0.8688),
            3: Published(27.55, 0.7742),
            4: Published(26.00, 0.7027),
        },
        ("bsd100", 100): {
            2: Published(29.56, 0.8431),
            3: Published(27.21, 0.7385),
            4: Published(25.96, 0.6675),
        },
        ("urban100", 100): {
            2: Published(26.88, 0.8403),
            3: Published(24.46, 0.7349),
            4: Published(23.14, 0.6577),
        },
    },
    # PSNR on Set5: Dong, Loy, He, Tang, ECCV 2014, Table 1. The rest: Huang, Singh, Ahuja:
    # SelfExSR, CVPR 2015, whose PSNR on Set5 is 36.28, 32.37 and 30.08 dB.
    "srcnn_9_1_5": {  # on Y, trained on T91
        ("set5", 5): {
            2: Published(36.34, 0.9509),
            3: Published(32.39, 0.9025),
            4: Published(30.09, 0.8525),
        },
        ("set14", 14): {
            2: Published(32.00, 0.9012),
            3: Published(28.90, 0.8124),
            4: Published(27.13, 0.7395),
        },
        ("bsd100", 100): {
            2: Published(31.11, 0.8835),
            3: Published(28.20, 0.7794),
            4: Published(26.70, 0.7018),
        },
    },
    "srcnn_9_5_5": {  # on Y, trained on ImageNet; Kim, Lee, Lee: VDSR, CVPR 2016, Table 3
        ("set5", 5): {
            2: Published(36.66, 0.9542),
            3: Published(32.75, 0.9090),
            4: Published(30.48, 0.8628),
        },
        ("set14", 14): {
            2: Published(32.42, 0.9063),
            3: Published(29.28, 0.8209),
            4: Published(27.49, 0.7503),
        },
        ("bsd100", 100): {
            2: Published(31.36, 0.8879),
            3: Published(28.41, 0.7863),
            4: Published(26.90, 0.7101),
        },
    },
}
"""Method → set, in lower case, and its number of images → scale → scores."""


def find_published(method: str, name: str, images: int, scale: int) -> Published | None:
    """The published scores of a method on a set of so many images, if there are any."""
    return PUBLISHED[method].get((name.lower(), images), {}).get(scale)
