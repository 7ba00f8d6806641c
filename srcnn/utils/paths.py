"""What the stages agree on: splits, names of images and files, and how small an image may be."""

from pathlib import Path
from typing import Literal, get_args

Split = Literal["train", "val"]
SPLITS: tuple[Split, ...] = get_args(Split)


def vgg_path(loss: str) -> Path:
    """Where the VGG of a loss, `perceptual` or a variant, is stored."""
    ending = "" if loss == "perceptual" else f"_{loss}"
    return Path(f"data/weights/vgg{ending}.safetensors")


def lr_name(image_id: str, scale: int) -> str:
    """File name of an LR image, as DIV2K names it: `0001x2.png`."""
    return f"{image_id}x{scale}.png"


def smallest_val_side(scale: int) -> int:
    """Pixels that each side of a val image needs to be scored.

    AlexNet's two pools need 32 for LPIPS; SSIM's window of 11 must fit in what shaving leaves.
    """
    return max(32, 11 + 2 * scale)
