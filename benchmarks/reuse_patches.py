"""Measure what `train.reuse_patches` does to the result.

    python -m benchmarks.reuse_patches [--scales 2,4] [--losses mse,perceptual] [--seeds 1,2]

Trains the sample with new patches in each epoch (1), and with 4 and 8 epochs in a row on the same
patches; prints the scores of the val images after training. Needs the data/ of `make repro`. A
perceptual run takes about a minute, an MSE run 25 seconds.
"""

import argparse
from itertools import product

from benchmarks.sample import last_epoch

REUSES = (1, 4, 8)


def main() -> None:
    """Print a row per scale, loss and seed: the loss and the PSNR on the val images."""
    parser = argparse.ArgumentParser(description="Measure the effect of train.reuse_patches.")
    parser.add_argument("--scales", default="2,4")
    parser.add_argument("--losses", default="mse,perceptual")
    parser.add_argument("--seeds", default="1,2")
    options = parser.parse_args()
    heads = [f"{column}, {reuse}" for column in ("val loss", "val PSNR") for reuse in REUSES]
    print("| scale | loss | seed | " + " | ".join(heads) + " |")
    print("|--:|:--|--:|" + "--:|" * len(heads))
    cases = product(*(getattr(options, name).split(",") for name in ("scales", "losses", "seeds")))
    for scale, loss, seed in cases:
        scores = [train(int(scale), loss, int(seed), reuse) for reuse in REUSES]
        losses, psnrs = zip(*scores, strict=True)
        cells = [*(f"{value:.6f}" for value in losses), *(f"{value:.3f}" for value in psnrs)]
        print(f"| ×{scale} | {loss} | {seed} | {' | '.join(cells)} |", flush=True)


def train(scale: int, loss: str, seed: int, reuse: int) -> tuple[float, float]:
    """The loss and the PSNR in dB on the val images after a run."""
    settings = {"seed": seed, "train.reuse_patches": reuse}
    last = last_epoch(settings, scale, loss)
    return float(last["val_loss"]), float(last["val_psnr_rgb"])


if __name__ == "__main__":
    main()
