"""What all rooms agree on: splits, names of files, and the smallest image that has a score."""

import math
from pathlib import Path
from typing import Literal, get_args

from srcnn.errors import InputError

Split = Literal["train", "val"]
SPLITS: tuple[Split, ...] = get_args(Split)

SELECT = "select"
"""The split that `data.select` takes from train, on which `train.keep: best` chooses the epoch."""


AUTHORS_FOLDER = Path("data/authors")
"""Where the networks of the paper's first author are stored."""


def vgg_path(loss: str) -> Path:
    """Where the VGG of a loss, `perceptual` or a variant, is stored."""
    ending = "" if loss == "perceptual" else f"_{loss}"
    return Path(f"data/weights/vgg{ending}.safetensors")


def lr_name(image_id: str, scale: int) -> str:
    """File name of an LR image, as DIV2K names it: `0001x2.png`."""
    return f"{image_id}x{scale}.png"


def smallest_val_side(scale: int) -> int:
    """Pixels that each side of an image needs to be scored."""
    # LPIPS needs 32, since AlexNet pools twice. SSIM's window of 11 must fit inside the border.
    return max(32, 11 + 2 * scale)


def check_val_size(name: str, size: tuple[int, int], scale: int, multiple: int = 1) -> None:
    """Raise InputError if an image, cropped to a multiple of pixels, is too small to be scored."""
    side = math.ceil(smallest_val_side(scale) / multiple) * multiple
    width, height = size
    if min(size) < side:
        problem = f"{width}×{height} pixels are too few to be scored at ×{scale}"
        raise InputError(f"{name}: {problem}; at least {side}×{side} are needed")
