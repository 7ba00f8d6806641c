"""Times ways to upscale a photograph on a CPU: `srcnn upscale`, Pillow, torch, other runtimes.

    pip install openvino
    python -m benchmarks.upscale [--runs 5]

Upscales ×2 and ×4 to 2040×1356 pixels. Each method runs in its own process with two threads, and
the table shows its fastest run. The roof is the rate of a large matrix product in float32. The work
is that of the published network, so a method that needs fewer multiplications can exceed the roof.
PSNR is that of RGB over the val photographs in data/, with the perceptual network (Pillow uses no
network). The last line is the time of the whole program `srcnn upscale` for an 8×8 image.
"""

import argparse
import importlib.util
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from srcnn.evaluation.fidelity import psnr
from srcnn.export.onnx_session import onnx_session
from srcnn.images.image_io import RGB8, read_rgb
from srcnn.images.resize import imresize
from srcnn.utils.machine import peak_memory

HEIGHT, WIDTH = 1356, 2040
THREADS = 2
GFLOP = 2 * (3 * 64 * 81 + 64 * 32 + 32 * 3 * 25) * HEIGHT * WIDTH / 1e9

Method = Callable[[RGB8], RGB8]


def main() -> None:
    """Print a table for each scale, and the time of the program for a tiny image."""
    parser = argparse.ArgumentParser(description="Time ways to upscale a photograph.")
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        roof = pool.submit(gemm_roof).result()
    print(f"roof: {roof:.0f} GFLOP/s with {THREADS} threads")
    for scale in (2, 4):
        print(f"\n| ×{scale} | seconds | of the roof | PSNR, dB | peak memory |")
        print("|---|--:|--:|--:|--:|")
        for name in RUNTIMES:
            if "OpenVINO" in name and importlib.util.find_spec("openvino") is None:
                print(f"| {name} | not installed |")
                continue
            with ProcessPoolExecutor(1, get_context("spawn")) as pool:
                seconds, psnr, peak = pool.submit(case, name, scale, runs).result()
            share = "–" if "Pillow" in name else f"{GFLOP / seconds / roof:.0%}"
            print(f"| {name} | {seconds:.2f} | {share} | {psnr:.2f} | {peak:.2f} GiB |", flush=True)
    print(f"\n`srcnn upscale` of 8×8 pixels: {min(start_up() for _ in range(runs)):.2f} s")


def gemm_roof() -> float:
    """GFLOP/s of a large matrix product with THREADS threads."""
    import torch

    from benchmarks import training

    torch.set_num_threads(THREADS)
    return training.gemm_roof(torch.float32)


def case(name: str, scale: int, runs: int) -> tuple[float, float, float]:
    """Seconds of the fastest run, mean PSNR in dB, and peak memory in GiB of a method."""
    method = RUNTIMES[name](scale)
    photos = [read_rgb(path) for path in sorted(Path("data/hr/val").glob("*.png"))]
    large = np.tile(photos[0], (9, 9, 1))[:HEIGHT, :WIDTH]
    lr = imresize(large, 1 / scale)
    times = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        method(lr)
        times.append(time.perf_counter() - start)
    peak = peak_memory() / 2**30
    scores = [psnr(method(imresize(photo, 1 / scale)), photo) for photo in photos]
    return min(times[1:]), float(np.mean(scores)), peak


def pillow(scale: int) -> Method:
    """Pillow's Lanczos interpolation."""

    def run_method(lr: RGB8) -> RGB8:
        size = lr.shape[1] * scale, lr.shape[0] * scale
        return np.asarray(Image.fromarray(lr).resize(size, Image.Resampling.LANCZOS))

    return run_method


def torch_by(way: str) -> Callable[[int], Method]:
    """The network in torch: eager in NCHW, compiled, or in tiles as in the pipeline."""

    def make(scale: int) -> Method:
        import torch

        from srcnn.models.model_files import load_model
        from srcnn.models.tensors import to_tensor
        from srcnn.models.tiled_inference import super_resolve

        torch.set_num_threads(THREADS)
        model = load_model(Path(f"models/x{scale}/perceptual.safetensors")).eval()
        if way == "tiles":
            model = model.to(memory_format=torch.channels_last)
            return lambda lr: super_resolve(model, lr)
        run = torch.compile(model, dynamic=True) if way == "compiled" else model

        @torch.no_grad()
        def run_method(lr: RGB8) -> RGB8:
            sr = run(to_tensor(lr[None], torch.device("cpu")).contiguous())
            return sr.clamp(0, 1).mul(255).round().byte()[0].permute(1, 2, 0).numpy()

        return run_method

    return make


def onnx_runtime(scale: int) -> Method:
    """The exported network on the whole image, with ONNX Runtime."""
    session = session_of(exported(scale))
    return lambda lr: levels(session.run(None, {"lr": planes(lr)})[0])


def onnx_runtime_int8(scale: int) -> Method:
    """As `onnx_runtime`, with 8-bit integer convolutions calibrated on training photographs."""
    from onnxruntime import quantization

    class Calibration(quantization.CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            files = sorted(Path(f"data/lr/x{scale}/train").glob("*.png"))
            self.images = iter([read_rgb(file)[:96, :96] for file in files])

        def get_next(self) -> dict[str, object] | None:
            lr = next(self.images, None)
            return None if lr is None else {"lr": planes(lr)}

    with tempfile.TemporaryDirectory() as folder:
        prepared, quantized = f"{folder}/prepared.onnx", f"{folder}/int8.onnx"
        quantization.quant_pre_process(exported(scale), prepared, skip_symbolic_shape=True)
        quantization.quantize_static(
            prepared,
            quantized,
            Calibration(),
            per_channel=True,
            reduce_range=True,  # without VNNI, sums of 8-bit products overflow
            op_types_to_quantize=["Conv"],
        )
        session = session_of(quantized)
    return lambda lr: levels(session.run(None, {"lr": planes(lr)})[0])


def openvino(scale: int) -> Method:
    """The exported network on the whole image, with OpenVINO in float32."""
    compiled = by_openvino(exported(scale))
    return lambda lr: levels(compiled({"lr": planes(lr)})[0])


def openvino_tiles(scale: int) -> Method:
    """As `srcnn upscale`, with OpenVINO for each tile."""
    from srcnn.upscaling.released_networks import load
    from srcnn.upscaling.tile_network import tile_network

    network = load(scale, threads=1)  # OpenVINO itself uses all threads for a tile
    compiled = by_openvino(tile_network(network.networks, scale, network.upsampling, np.uint8))

    class Session:
        def run(self, _: None, inputs: dict[str, object]) -> list[object]:
            return [compiled(inputs)[0]]

    network._sessions["uint8"] = Session()
    return network


def upscale(scale: int) -> Method:
    """`srcnn upscale`."""
    from srcnn.upscaling.released_networks import load

    return load(scale, threads=THREADS)


def exported(scale: int) -> str:
    """The exported network's file."""
    return f"exported/x{scale}/perceptual.onnx"


def session_of(path: str) -> Any:
    """ONNX Runtime's session for a file."""
    return onnx_session(Path(path).read_bytes(), THREADS)


def by_openvino(model: str | bytes) -> Any:
    """A file, or its content, compiled by OpenVINO."""
    from openvino import Core

    options = {"INFERENCE_NUM_THREADS": THREADS, "INFERENCE_PRECISION_HINT": "f32"}
    core = Core()
    read = core.read_model(model) if isinstance(model, str) else core.read_model(model, b"")
    return core.compile_model(read, "CPU", options)


def planes(lr: RGB8) -> npt.NDArray[np.float32]:
    """Convert [h, w, 3] uint8 to [1, 3, h, w] in [0, 1]."""
    return np.ascontiguousarray(lr.transpose(2, 0, 1)[None], np.float32) / 255


def levels(sr: npt.NDArray[np.float32]) -> RGB8:
    """Convert [1, 3, H, W] in [0, 1] to [H, W, 3] uint8."""
    return np.rint(sr[0].clip(0, 1) * 255).astype(np.uint8).transpose(1, 2, 0)


def start_up() -> float:
    """Seconds from the start of the program to the result on disk."""
    with tempfile.TemporaryDirectory() as folder:
        Image.new("RGB", (8, 8)).save(f"{folder}/tiny.png")
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "srcnn", "upscale", f"{folder}/tiny.png"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        return time.perf_counter() - start


RUNTIMES: dict[str, Callable[[int], Method]] = {
    "Pillow, Lanczos": pillow,
    "torch, eager": torch_by("eager"),
    "torch, compiled": torch_by("compiled"),
    "torch, channels last, in tiles": torch_by("tiles"),
    "OpenVINO": openvino,
    "OpenVINO, folded, in tiles": openvino_tiles,
    "ONNX Runtime": onnx_runtime,
    "ONNX Runtime, int8": onnx_runtime_int8,
    "**ONNX Runtime, folded, in tiles: `srcnn upscale`**": upscale,
}


if __name__ == "__main__":
    main()
