"""Windows of a picture, and the search for the one that shows most."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from tqdm import tqdm

from srcnn.analysis.results import Results
from srcnn.errors import InputError
from srcnn.evaluation.lpips import LPIPS
from srcnn.evaluation.metrics import mse
from srcnn.images.image_io import RGB8
from srcnn.models.tensors import to_tensor

SMALLEST = 32
"""Pixels that a side needs for LPIPS: what AlexNet's two pools leave of fewer is nothing."""

CLOSEUP = 72, 72
"""Height and width of the window of figures 1, 6 and 7, in pixels of the ground truth."""

CROP = 72, 96
"""Height and width of the windows of figures 3 to 5."""

STRIDE = 48
"""Pixels from one window that is tried to the next."""

_BATCH = 128


@dataclass(frozen=True)
class Window:
    """A rectangle of pixels."""

    top: int
    left: int
    height: int
    width: int

    def of(self, picture: RGB8) -> RGB8:
        """The window's part of [H, W, 3]."""
        return picture[self.top : self.top + self.height, self.left : self.left + self.width]


@dataclass(frozen=True)
class Case:
    """LPIPS of both models' results against the ground truth in one window of one image."""

    image: str
    window: Window
    lpips_mse: float
    lpips_perceptual: float

    @property
    def change(self) -> float:
        """By how much the perceptual loss raises LPIPS here; negative where it lowers it."""
        return self.lpips_perceptual - self.lpips_mse


def slide(height: int, width: int, window: tuple[int, int], stride: int) -> list[Window]:
    """Windows that cover a picture, row by row; the last of each row and column ends at its edge.

    Args:
        height: of the picture.
        width: of the picture.
        window: height and width; a shorter side of the picture is taken whole.
        stride: pixels from one window to the next.
    """
    tall, wide = min(window[0], height), min(window[1], width)
    tops, lefts = (
        [*range(0, length - side, stride), length - side]
        for length, side in ((height, tall), (width, wide))
    )
    return [Window(top, left, tall, wide) for top in tops for left in lefts]


def hardest_window(sr: RGB8, hr: RGB8, window: tuple[int, int], stride: int) -> Window:
    """The window in which `sr` is furthest from the ground truth by its MSE.

    Args:
        sr: [H, W, 3] uint8.
        hr: as `sr`.
        window: its height and width.
        stride: pixels from one window tried to the next.
    """
    windows = slide(hr.shape[0], hr.shape[1], window, stride)
    return max(windows, key=lambda window: mse(window.of(sr), window.of(hr)))


@torch.no_grad()
def lpips_in_windows(
    srs: Sequence[RGB8], hr: RGB8, windows: list[Window], lpips: LPIPS
) -> npt.NDArray[np.float32]:
    """LPIPS of each window of each SR image against that of `hr`: [len(srs), len(windows)].

    Args:
        srs: [H, W, 3] uint8 each.
        hr: as each of `srs`.
        windows: all of one size, sides at least SMALLEST.
        lpips: on the device that computes it.
    """
    device = lpips.get_buffer("shift").device
    distances = []
    for start in range(0, len(windows), _BATCH):
        batch = windows[start : start + _BATCH]
        truth, *results = (
            lpips.features(to_tensor(np.stack([window.of(picture) for window in batch]), device))
            for picture in (hr, *srs)
        )
        distances.append([lpips.between(result, truth).cpu().numpy() for result in results])
    return np.concatenate(distances, axis=1)


def compare_losses(
    results: Results, lpips: LPIPS, window: tuple[int, int], stride: int
) -> list[Case]:
    """LPIPS of the MSE model's and of the perceptual model's result in every window of every image.

    Raises:
        InputError: an image is too small for LPIPS.
    """
    cases = []
    for image in tqdm(results.names, f"windows ×{results.scale}", unit="image", disable=None):
        pictures = results.pictures(image, "mse", "perceptual")
        height, width = pictures["hr"].shape[:2]
        if min(height, width) < SMALLEST:
            raise InputError(
                f"{results.hr}/{image}.png: {width}×{height} pixels; "
                f"LPIPS needs {SMALLEST}×{SMALLEST}"
            )
        windows = slide(height, width, window, stride)
        models = [pictures["mse"], pictures["perceptual"]]
        distances = lpips_in_windows(models, pictures["hr"], windows, lpips)
        cases += [
            Case(image, place, float(first), float(second))
            for place, first, second in zip(windows, *distances, strict=True)
        ]
    return cases


def best_case(cases: list[Case]) -> tuple[Case, str]:
    """Where the perceptual loss lowers LPIPS most, or at least raises it least; and which of both.

    Args:
        cases: of all windows tried.
    """
    best = min(cases, key=lambda case: case.change)
    found = (
        "where LPIPS falls most" if best.change < 0 else "LPIPS falls nowhere, here it rises least"
    )
    return best, found


def worst_case(cases: list[Case]) -> tuple[Case, str]:
    """Where the perceptual loss raises LPIPS most, or at least lowers it least; and which of both.

    Args:
        cases: of all windows tried.
    """
    worst = max(cases, key=lambda case: case.change)
    found = (
        "where LPIPS rises most" if worst.change > 0 else "LPIPS rises nowhere, here it falls least"
    )
    return worst, found
