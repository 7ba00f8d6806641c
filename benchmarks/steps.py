"""Measure where more training steps stop paying.

    python -m benchmarks.steps [--scales 2,4] [--epochs 1,2,4,8]

Trains with the MSE on the data of the last `dvc repro`, once per number of epochs; prints the PSNR
of the mean MSE of the images that `data.select` sets aside, after the last epoch.
"""

import argparse
import math
import sys

from benchmarks.sample import ROOT, last_epoch
from srcnn.settings import read_settings


def main() -> None:
    """Print a row per scale, with a column per number of epochs."""
    parser = argparse.ArgumentParser(description="Measure the effect of more epochs.")
    parser.add_argument("--scales", default="2,4")
    parser.add_argument("--epochs", default="1,2,4,8")
    options = parser.parse_args()
    if not read_settings(ROOT / "params.yaml").data.select:
        sys.exit("error: data.select: sets no images aside; set it to 2 or more, then dvc repro")
    epochs = [int(number) for number in options.epochs.split(",")]
    heads = [f"{number} epoch{'s' * (number > 1)}" for number in epochs]
    print("| scale | " + " | ".join(heads) + " |\n|--:|" + "--:|" * len(heads))
    for scale in options.scales.split(","):
        scores = [train(int(scale), number) for number in epochs]
        print(f"| ×{scale} | {' | '.join(f'{s:.2f}' for s in scores)} |", flush=True)


def train(scale: int, epochs: int) -> float:
    """The PSNR in dB of the images set aside, after a run."""
    last = last_epoch({"train.epochs.mse": epochs}, scale, "mse")
    return -10 * math.log10(float(last["select_loss"]))


if __name__ == "__main__":
    main()
