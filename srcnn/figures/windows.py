"""Windows of an image: sliding windows, the one with the highest error, and LPIPS in each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from tqdm import tqdm

from srcnn.analysis.results import Results
from srcnn.evaluation.fidelity import mse
from srcnn.evaluation.lpips import LPIPS
from srcnn.images.image_io import RGB8
from srcnn.models.tensors import to_tensor
from srcnn.utils.paths import check_val_size

CLOSEUP = 72, 72  # height and width of the windows of figures 1, 6 and 7, in pixels of the HR
STRIDE = 48  # pixels from one window to the next
_BATCH = 128


@dataclass(frozen=True)
class Window:
    """A rectangle of pixels."""

    top: int
    left: int
    height: int
    width: int

    def crop(self, image: RGB8) -> RGB8:
        """The window's part of [H, W, 3]."""
        return image[self.top : self.top + self.height, self.left : self.left + self.width]


@dataclass(frozen=True)
class WindowScores:
    """LPIPS of both models' results in one window of one image."""

    image: str
    window: Window
    lpips_mse: float
    lpips_perceptual: float

    @property
    def change(self) -> float:
        """LPIPS with the perceptual loss minus LPIPS with the MSE loss; negative is better."""
        return self.lpips_perceptual - self.lpips_mse


def sliding_windows(height: int, width: int, size: tuple[int, int], stride: int) -> list[Window]:
    """Windows that cover an image, row by row; the last of each row and column ends at its edge.

    If a side of the image is shorter than the window's, the window is as short.
    """
    tall, wide = min(size[0], height), min(size[1], width)
    tops, lefts = (
        [*range(0, length - side, stride), length - side]
        for length, side in ((height, tall), (width, wide))
    )
    return [Window(top, left, tall, wide) for top in tops for left in lefts]


def highest_error_window(sr: RGB8, hr: RGB8, size: tuple[int, int], stride: int) -> Window:
    """The window in which the MSE between two [H, W, 3] uint8 images is highest."""
    windows = sliding_windows(hr.shape[0], hr.shape[1], size, stride)
    return max(windows, key=lambda window: mse(window.crop(sr), window.crop(hr)))


@torch.no_grad()
def lpips_in_windows(
    srs: Sequence[RGB8], hr: RGB8, windows: list[Window], lpips: LPIPS
) -> npt.NDArray[np.float32]:
    """LPIPS between each [H, W, 3] SR image and `hr` in each window: [len(srs), len(windows)].

    All windows have one size, with sides of at least 32 pixels for AlexNet's pooling.
    """
    device = lpips.get_buffer("shift").device
    distances = []
    for start in range(0, len(windows), _BATCH):
        batch = windows[start : start + _BATCH]
        hr_features, *sr_features = (
            lpips.features(to_tensor(np.stack([window.crop(image) for window in batch]), device))
            for image in (hr, *srs)
        )
        distances.append([lpips.between(sr, hr_features).cpu().numpy() for sr in sr_features])
    return np.concatenate(distances, axis=1)


def score_windows(
    results: Results, lpips: LPIPS, size: tuple[int, int], stride: int
) -> list[WindowScores]:
    """LPIPS of both models' results in every window of every image.

    Raises:
        InputError: an image is too small to be scored.
    """
    scores = []
    for image in tqdm(results.names, f"windows ×{results.scale}", unit="image", disable=None):
        hr, *srs = results.pictures(image, "mse", "perceptual").values()
        height, width = hr.shape[:2]
        check_val_size(f"{results.hr}/{image}.png", (width, height), results.scale)
        windows = sliding_windows(height, width, size, stride)
        distances = lpips_in_windows(srs, hr, windows, lpips).tolist()
        scores += [WindowScores(image, *each) for each in zip(windows, *distances, strict=True)]
    return scores
