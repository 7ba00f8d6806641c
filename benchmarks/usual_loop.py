"""The usual training loop, which `benchmarks.training` compares with ours, and what both need."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from srcnn.models.vgg import VGGFeatures
from srcnn.utils.paths import lr_name

LAYER = "block2_conv2"


@dataclass(frozen=True)
class Size:
    """The size of a step's work."""

    batch: int  # patches
    patch: int  # HR pixels of a patch's side
    scale: int
    reuse: int  # epochs in a row with the same patches


class PNGs(Dataset[tuple[Tensor, Tensor]]):
    """The usual training set for super-resolution, which reads two PNG files per sample."""

    def __init__(self, folder: Path, samples: int, size: Size):
        self.files = sorted((folder / "hr").glob("*.png"))
        self.samples, self.scale, self.side = samples, size.scale, size.patch // size.scale

    def __len__(self) -> int:
        return self.samples

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        file = self.files[index % len(self.files)]
        hr = np.asarray(Image.open(file))
        lr = np.asarray(Image.open(file.parents[1] / "lr" / lr_name(file.stem, self.scale)))
        side, scale = self.side, self.scale
        y, x = (int(torch.randint(length - side, ())) for length in lr.shape[:2])
        lr = lr[y : y + side, x : x + side]
        hr = hr[y * scale : (y + side) * scale, x * scale : (x + side) * scale]
        one, two = (torch.from_numpy(a.copy()).permute(2, 0, 1).float() / 255 for a in (lr, hr))
        return one, two


def stock_step(folder: Path, loss: str, size: Size, steps: int) -> tuple[float, float]:
    """Seconds of a step of the usual loop, without its data and with it."""
    device = torch.accelerator.current_accelerator(check_available=True) or torch.device("cpu")
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Upsample(scale_factor=size.scale, mode="bicubic"),
        nn.Conv2d(3, 64, 9, padding=4),
        nn.ReLU(),
        nn.Conv2d(64, 32, 1),
        nn.ReLU(),
        nn.Conv2d(32, 3, 5, padding=2),
    ).to(device)
    vgg = random_vgg().to(device) if loss == "perceptual" else None
    adam = torch.optim.Adam(model.parameters(), 1e-4)

    def step(lr: Tensor, hr: Tensor) -> float:
        sr = model(lr.to(device))
        hr = hr.to(device)
        total = F.mse_loss(sr, hr)
        if vgg is not None:
            total = 0.1 * total + 0.9 * F.mse_loss(vgg(sr)[LAYER], vgg(hr)[LAYER])
        adam.zero_grad()
        total.backward()
        adam.step()
        return total.item()

    batch = [
        torch.rand(size.batch, 3, side, side) for side in (size.patch // size.scale, size.patch)
    ]
    alone = fastest(lambda: step(*batch), steps)
    samples = PNGs(folder, size.batch * (steps + 3), size)
    loader = DataLoader(samples, size.batch, num_workers=torch.get_num_threads())
    ends = []
    for lr, hr in loader:
        step(lr, hr)
        synchronize()
        ends.append(time.perf_counter())
    # Each worker starts with two batches; measure the speed after them.
    first = min(2 * loader.num_workers, len(ends) // 2)
    return alone, (ends[-1] - ends[first]) / (len(ends) - 1 - first)


def fastest(function: Callable[[], object], runs: int) -> float:
    """Seconds of the fastest run, without the first."""
    function()
    times = []
    for _ in range(runs):
        synchronize()
        start = time.perf_counter()
        function()
        synchronize()
        times.append(time.perf_counter() - start)
    return min(times)


def synchronize() -> None:
    """Wait for the GPU, if any."""
    if torch.accelerator.is_available():
        torch.accelerator.synchronize()


def random_vgg(network: str = "vgg16", layers: Sequence[str] = (LAYER,)) -> VGGFeatures:
    """VGG up to the last of the layers, with random weights, which are as fast as trained ones."""
    torch.manual_seed(0)
    return VGGFeatures(None, network, layers)
