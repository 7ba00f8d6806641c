"""Measure how many steps Adam needs in each basis of the first layer's kernels.

    python -m benchmarks.basis [--scales 2,4] [--epochs 2,4,8,16] [--lr 0.001,0.003]

Trains with the MSE on the data of the last `make repro`, once per basis (`train.basis`), peak
learning rate and number of epochs; prints the PSNR of the val images after training.
"""

import argparse
from itertools import product

from benchmarks.sample import last_epoch

BASES = ("pixels", "dct")


def main() -> None:
    """Print a row per scale, basis and learning rate, with a column per number of epochs."""
    parser = argparse.ArgumentParser(description="Measure the effect of train.basis.")
    parser.add_argument("--scales", default="2,4")
    parser.add_argument("--epochs", default="2,4,8,16")
    parser.add_argument("--lr", default="0.001,0.003")
    options = parser.parse_args()
    epochs = [int(number) for number in options.epochs.split(",")]
    heads = [f"{number} epochs" for number in epochs]
    print("| scale | basis | lr | " + " | ".join(heads) + " |")
    print("|--:|:--|--:|" + "--:|" * len(heads))
    for scale, basis, lr in product(options.scales.split(","), BASES, options.lr.split(",")):
        scores = [train(int(scale), basis, float(lr), number) for number in epochs]
        cells = " | ".join(f"{score:.2f}" for score in scores)
        print(f"| ×{scale} | {basis} | {lr} | {cells} |", flush=True)


def train(scale: int, basis: str, lr: float, epochs: int) -> float:
    """The PSNR in dB, RGB, on the val images after a run."""
    settings = {"train.basis": basis, "train.lr": lr, "train.epochs.mse": epochs}
    return float(last_epoch(settings, scale, "mse")["val_psnr_rgb"])


if __name__ == "__main__":
    main()
