"""Time a training step, and compare it with a usual training loop and with the device's limit.

    python -m benchmarks.training [--scale 2] [--batch 16] [--patch 96] [--reuse 1] [--steps 12]

Times the MSE (Eq. 1) and the perceptual loss (Eq. 3, VGG up to block2_conv2 with random weights) on
batches of patches of 2K photographs. The usual loop runs in float32 and NCHW without compiling,
decodes a PNG per sample in a DataLoader, and reads the loss at each step; it is timed with and
without its data. Ours is `Trainer` as in a long run of the stage train, with its data; with
`--reuse`, the mean over new and reused patches. The roof is the device's fastest matrix product in
the same precision. The photographs are those of `benchmarks.resize`. To measure as on a CPU without
AVX-512, set ONEDNN_MAX_CPU_ISA=AVX2 and ATEN_CPU_CAPABILITY=avx2.
"""

import argparse
import json
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchmarks.resize import originals
from benchmarks.usual_loop import Size, fastest, random_vgg, stock_step, synchronize
from srcnn.images.image_io import crop_to_multiple, read_rgb, write_png
from srcnn.images.pairs import list_pairs
from srcnn.images.resize import imresize
from srcnn.models.device import best_device, bf16_is_fast, device_name, peak_memory
from srcnn.models.srcnn import MIN_FOLDED_SCALE
from srcnn.settings import read_settings
from srcnn.training.build import Inputs, build_trainer
from srcnn.training.fabric import (
    MIN_STEPS_TO_COMPILE,
    in_bfloat16,
    launch_fabric,
    should_compile,
)
from srcnn.training.pixel_cache import CachedPairs
from srcnn.utils.paths import lr_name

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Print the table, or its numbers as JSON."""
    parser = argparse.ArgumentParser(description="Time training steps.")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--scale", type=int, default=2)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--patch", type=int, default=96, metavar="PIXELS")
    parser.add_argument("--reuse", type=int, default=1, metavar="EPOCHS")
    parser.add_argument("--steps", type=int, default=200 if torch.cuda.is_available() else 12)
    options = parser.parse_args()
    size = Size(options.batch, options.patch, options.scale, options.reuse)
    result: dict[str, Any] = {"device": device_name(best_device())}
    result["threads"] = torch.get_num_threads()
    result["gemm_fp32_gflops"] = gemm_roof(torch.float32)
    fast = bf16_is_fast(best_device())  # emulation would take minutes
    result["gemm_bf16_gflops"] = gemm_roof(torch.bfloat16) if fast else None
    with tempfile.TemporaryDirectory() as folder:
        write_photos(Path(folder), size.scale)
        for loss in ("mse", "perceptual"):
            result[loss] = compare(Path(folder), loss, size, options.steps, result)
    if options.json:
        print(json.dumps(result, indent=2))
        return
    print(f"{result['device']}, {result['threads']} threads; ", end="")
    print(
        f"×{size.scale}, batches of {size.batch} patches of {size.patch} pixels, reuse {size.reuse}"
    )
    bf16 = result["gemm_bf16_gflops"]
    print(f"GEMM: {result['gemm_fp32_gflops']:.0f} GFLOP/s in float32, ", end="")
    print(f"{bf16:.0f} in bfloat16\n" if bf16 else "bfloat16 not in hardware\n")
    print(
        "| step | usual loop | usual loop without data loading | ours | speed-up | without data ",
        end="",
    )
    print("| patches/s | GFLOP/s | of peak | peak memory |\n|---|" + "---|" * 9)
    for loss in ("mse", "perceptual"):
        r = result[loss]
        print(
            f"| {loss} | {r['stock_ms']:.0f} ms | {r['stock_step_ms']:.0f} ms | "
            f"{r['ours_ms']:.0f} ms | {r['speedup']:.1f} × | {r['speedup_without_data']:.2f} × | "
            f"{r['samples_per_s']:.0f} | "
            f"{r['gflops']:.0f} | {100 * r['roof_share']:.0f} % | {r['peak_gib']:.1f} GiB |"
        )


def compare(
    folder: Path, loss: str, size: Size, steps: int, roofs: dict[str, Any]
) -> dict[str, Any]:
    """Time both loops with one loss."""
    ours, bf16, waited = our_step(folder, loss, size, steps)
    peak = peak_memory(best_device())
    # In its own process, so that our settings of memory and threads do not affect it.
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        alone, with_data = pool.submit(stock_step, folder, loss, size, max(3, steps // 3)).result()
    gflops = step_gflop(loss, size) / ours
    # Again, because other programs may have slowed down the first measurement.
    name, dtype = ("bf16", torch.bfloat16) if bf16 else ("fp32", torch.float32)
    roof = max(roofs[f"gemm_{name}_gflops"], gemm_roof(dtype))
    roofs[f"gemm_{name}_gflops"] = roof
    return {
        "stock_ms": 1000 * with_data,
        "stock_step_ms": 1000 * alone,
        "ours_ms": 1000 * ours,
        "speedup": with_data / ours,
        "speedup_without_data": alone / ours,
        "samples_per_s": size.batch / ours,
        "gflops": gflops,
        "roof_share": gflops / roof,
        "roof_share_as_usually_counted": step_gflop(loss, size, needed=False) / ours / roof,
        "waiting_share": waited,
        "precision": "bf16" if bf16 else "32",
        "peak_gib": peak,
    }


def step_gflop(loss: str, size: Size, *, needed: bool = True) -> float:
    """Billions of multiplications and additions in the convolutions of a step.

    The first layer needs no gradient of its input, and VGG none of its weights. VGG computes SR
    forwards and backwards, and HR forwards in one of `reuse` epochs.

    Args:
        loss: `mse` or `perceptual`.
        size: of the batch.
        needed: False to count three forward passes for every layer, as is usual.
    """
    wide = (size.patch + 4) ** 2  # the 5×5 layer needs 4 pixels more
    first = (2 if needed else 3) * 9 * 9 * 3 * 64
    macs: float = wide * (first + 3 * 64 * 32) + 3 * size.patch**2 * 5 * 5 * 32 * 3
    if loss == "perceptual":
        side = size.patch
        for module in random_vgg().modules():
            if isinstance(module, nn.MaxPool2d):
                side //= 2
            elif isinstance(module, nn.Conv2d):
                passes = 2 + 1 / size.reuse if needed else 3
                macs += passes * side**2 * module.weight.numel()
    return 2 * size.batch * macs / 1e9


def gemm_roof(dtype: torch.dtype) -> float:
    """GFLOP/s of a large matrix product, the fastest of ten."""
    device = best_device()
    n = 8192 if device.type == "cuda" else 2048
    a, b = (torch.rand(n, n, device=device).to(dtype) for _ in range(2))
    return 2 * n**3 / fastest(lambda: a @ b, 10) / 1e9


def write_photos(folder: Path, scale: int) -> None:
    """Write four photographs as hr/NNNN.png and lr/NNNNx2.png."""
    for number, png in zip(range(1, 5), originals(), strict=False):
        hr = crop_to_multiple(read_rgb(png), scale)
        write_png(folder / f"hr/{number:04d}.png", hr)
        write_png(folder / "lr" / lr_name(f"{number:04d}", scale), imresize(hr, 1 / scale))


def our_step(folder: Path, loss: str, size: Size, steps: int) -> tuple[float, bool, float]:
    """Seconds of a step of `Trainer`, whether in bfloat16, and the share of waiting for patches."""
    fabric = launch_fabric("auto")
    files = list_pairs(folder / "hr", folder / "lr", size.scale)
    pairs = CachedPairs(files, folder / "hr-pixels", folder / "lr-pixels")
    vgg = None
    if loss == "perceptual":
        vgg = random_vgg().to(fabric.device).to(memory_format=torch.channels_last)
    # Compiled as in a long run, which `auto` would not do for so few steps.
    folded = fabric.device.type == "cpu" and size.scale >= MIN_FOLDED_SCALE
    compiled = should_compile("auto", fabric, MIN_STEPS_TO_COMPILE, folded=folded)
    settings = read_settings(ROOT / "params.yaml")
    train = {
        "patch_size": size.patch,
        "batch_size": size.batch,
        "patches_per_image": steps * size.batch // len(pairs),
        "compile": "always" if compiled else "never",
        "reuse_patches": size.reuse,
    }
    changes = {
        "train": settings.train.model_copy(update=train),
        "loss": settings.loss.model_copy(update={"balance": "none"}),
    }
    if fabric.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    trainer = build_trainer(
        settings.model_copy(update=changes), size.scale, loss, fabric, Inputs(pairs, pairs, vgg)
    )
    times, waited = [], 0.0
    for _ in range(max(3, 2 * size.reuse + 1)):
        synchronize()
        start = time.perf_counter()
        row = trainer.train_epoch()
        synchronize()
        times.append(time.perf_counter() - start)
        waited += trainer.waited
        trainer.progress.end_epoch(row)
    new = min(times[size.reuse :: size.reuse])  # without the first, slower epoch
    reused = min((t for i, t in enumerate(times) if i % size.reuse), default=0.0)
    seconds = (new + (size.reuse - 1) * reused) / size.reuse / len(trainer.patches)
    return seconds, in_bfloat16(fabric), waited / sum(times)


if __name__ == "__main__":
    main()
