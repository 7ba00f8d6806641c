"""Peak memory of a perceptual training step on whole images, by VGG layers and micro-batches.

    python -m benchmarks.whole_images

Runs one step of `Trainer` at ×2 on a batch of 2 images of 2040×1356 pixels, as the paper trains at
×4. VGG19 ends after the last layer of its first, third or fifth block. Each case runs in its own
process. Takes about ten minutes on two cores; five layers without micro-batches need more than
16 GiB of memory.
"""

import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

from benchmarks.usual_loop import random_vgg
from srcnn.images.pairs import Pair
from srcnn.models.device import peak_memory
from srcnn.settings import Augment, Epochs, read_settings
from srcnn.training.build import Inputs, build_trainer
from srcnn.training.fabric import launch_fabric

ROOT = Path(__file__).parents[1]
LAYERS = ("block1_conv2", "block2_conv2", "block3_conv4", "block4_conv4", "block5_conv4")


def main() -> None:
    """Print the table."""
    print("| layers | micro_batch | peak memory | a step | loss |\n|---|---|---|---|---|")
    for count in (1, 3, 5):
        for micro_batch in (1, None):
            with ProcessPoolExecutor(1, get_context("spawn")) as pool:
                peak, seconds, loss = pool.submit(step, LAYERS[:count], micro_batch).result()
            names = f"{count}: to {LAYERS[count - 1]}"
            print(f"| {names} | {micro_batch or 'null'} ", end="")
            print(
                f"| {peak:.1f} GiB | {seconds:.{0 if seconds > 9 else 1}f} s | {loss:.7f} |",
                flush=True,
            )


def step(layers: tuple[str, ...], micro_batch: int | None) -> tuple[float, float, float]:
    """Peak memory in GiB, seconds and loss of one step."""
    fabric = launch_fabric("auto")
    random = np.random.default_rng(1)
    pairs = [
        Pair(
            name,
            random.integers(0, 256, (1356, 2040, 3), dtype=np.uint8),
            random.integers(0, 256, (678, 1020, 3), dtype=np.uint8),
        )
        for name in ("0001", "0002")
    ]
    settings = read_settings(ROOT / "params.yaml")
    train = {
        "patch_size": None,
        "batch_size": len(pairs),
        "micro_batch": micro_batch,
        "augment": Augment(geometry=False, colour=False),
        "epochs": Epochs(mse=1, perceptual=1),
        "compile": "never",
    }
    loss = {"network": "vgg19", "layers": dict.fromkeys(layers, 1.0), "balance": "none"}
    changes = {
        "train": settings.train.model_copy(update=train),
        "loss": settings.loss.model_copy(update=loss),
    }
    vgg = random_vgg("vgg19", layers).to(fabric.device).to(memory_format=torch.channels_last)
    inputs = Inputs(pairs, pairs[:1], vgg)
    trainer = build_trainer(settings.model_copy(update=changes), 2, "perceptual", fabric, inputs)
    start = time.monotonic()
    (row,) = trainer.run()
    return peak_memory(fabric.device), time.monotonic() - start, row["loss"]


if __name__ == "__main__":
    main()
