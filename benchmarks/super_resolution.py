"""Measures time and memory to super-resolve a 2K photograph, in tiles and as a whole.

    python -m benchmarks.super_resolution

The result has 2040×1356 pixels, computed in float32, each case in its own process. The roof is the
rate of a large matrix product. The work excludes the margins of the tiles.
"""

import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import torch

from benchmarks.training import gemm_roof
from srcnn.models.device import best_device, device_name
from srcnn.models.portable import pin_arithmetic
from srcnn.models.srcnn import SRCNN
from srcnn.models.tensors import to_tensor
from srcnn.models.tiled_inference import TILE, super_resolve
from srcnn.utils.machine import peak_memory

HEIGHT, WIDTH = 1356, 2040
GFLOP = 2 * (3 * 64 * 81 + 64 * 32 + 32 * 3 * 25) * HEIGHT * WIDTH / 1e9


def main() -> None:
    """Print the table."""
    for scale in (2, 4):
        print(f"\n×{scale} | seconds | GFLOP/s | of the roof | peak memory")
        for tile in (64, 128, 192, 256, TILE, 512, None):
            with ProcessPoolExecutor(1, get_context("spawn")) as pool:
                device, roof, seconds, peak = pool.submit(case, scale, tile).result()
            rate = GFLOP / seconds
            name = f"tiles of {tile}" if tile else "whole"
            print(f"{name} | {seconds:.2f} | {rate:.0f} | {rate / roof:.0%} | {peak:.2f} GiB")
    print(device)


@torch.no_grad()
def case(scale: int, tile: int | None) -> tuple[str, float, float, float]:
    """Device, GFLOP/s of a matrix product, best of three times in seconds, peak memory in GiB."""
    pin_arithmetic()
    device = best_device()
    model = SRCNN(scale).to(memory_format=torch.channels_last).eval()
    lr = np.random.default_rng(0).integers(0, 256, (HEIGHT // scale, WIDTH // scale, 3), np.uint8)
    times = []
    for _ in range(3):
        start = time.perf_counter()
        if tile:
            super_resolve(model, lr, tile)
        else:
            model(to_tensor(lr[None], device)).clamp_(0, 1).mul_(255).round_().byte()
        times.append(time.perf_counter() - start)
    peak = peak_memory() / 2**30
    return device_name(device), gemm_roof(torch.float32), min(times), peak


if __name__ == "__main__":
    main()
