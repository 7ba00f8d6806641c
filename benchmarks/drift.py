"""Measure how far results move without `portable`: precision, threads, instructions, seed.

    python -m benchmarks.drift [--scale 4] [--loss mse]

Trains the sample with `portable: true`, then with one change at a time that another machine may
bring, and with other seeds for comparison. Without `portable`, all cases have fast layers
(`SRCNN.use_fast_layers`); the first of them has no other change. A CPU without bfloat16 emulates
it, which takes many times as long. Needs the data/ of `make repro` and about ten minutes.
"""

import argparse
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.sample import start_training, workspace
from srcnn.analysis.results import read_curve
from srcnn.models.tensors import read_tensors

FREE: dict[str, Any] = {"portable": False, "train.precision": "32"}
CASES: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "none": ({}, {}),
    "fast layers": (FREE, {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"}),
    "one thread": (FREE, {"OMP_NUM_THREADS": "1"}),
    "instructions of 2008 (SSE4.1)": (
        FREE,
        {"ONEDNN_MAX_CPU_ISA": "SSE41", "ATEN_CPU_CAPABILITY": "default"},
    ),
    "bfloat16": ({"portable": False, "train.precision": "bf16"}, {}),
    "another seed": ({"seed": 2}, {}),
    "a third seed": ({"seed": 3}, {}),
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Measure how far results move.")
    parser.add_argument("--scale", type=int, default=4)
    parser.add_argument("--loss", choices=("mse", "perceptual"), default="mse")
    parser.add_argument("--patches", type=int, default=160, help="per image and epoch")
    options = parser.parse_args()
    name = f"x{options.scale}_{options.loss}"
    print("| change | loss | val PSNR | difference | largest change of a weight |")
    print("|---|--:|--:|--:|--:|")
    first: dict[str, Any] = {}
    for case, (settings, environment) in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            settings = settings | {"train.patches_per_image": options.patches}
            project = workspace(Path(folder, "run"), settings)
            training = start_training(project, options.scale, options.loss, **environment)
            assert training.wait() == 0
            curve = read_curve(Path(project, f"metrics/training/{name}.csv"))
            row = curve.loc[curve["val_loss"].idxmin()]
            model = Path(project, f"models/x{options.scale}/{options.loss}.safetensors")
            weights, _ = read_tensors(model)
        psnr = row["val_psnr_rgb"]
        first = first or {"psnr": psnr, "weights": weights}
        furthest = max(float((w - first["weights"][n]).abs().max()) for n, w in weights.items())
        print(f"| {case} | {row['loss']:.6g} | {psnr:.3f} dB | ", end="")
        print(f"{psnr - first['psnr']:+.3f} dB | {furthest:.2g} |", flush=True)


if __name__ == "__main__":
    main()
