"""Peak memory of a perceptual training step on whole images, by VGG layers and micro-batches.

    python -m benchmarks.whole_images

One step of `Trainer` at ×2 on a batch of 2 images of 2040×1356 pixels, as the paper trains at ×4,
with VGG19 cut after the first, third and fifth of its blocks' last layers. Each case in a process
of its own. Takes about ten minutes on two cores; five layers without micro-batches need more than
16 GiB of memory.
"""

import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch

from benchmarks.training import random_vgg
from srcnn.images.pairs import Pair
from srcnn.models.device import peak_memory
from srcnn.models.srcnn import SRCNN
from srcnn.training.checkpoint import Checkpoint
from srcnn.training.fabric import training_fabric
from srcnn.training.objective import Objective
from srcnn.training.patches import Patches
from srcnn.training.trainer import Plan, Trainer
from srcnn.training.validation import Crops

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
    """GiB, seconds and loss of one step."""
    fabric = training_fabric("auto")
    random = np.random.default_rng(1)
    pairs = [
        Pair(
            name,
            random.integers(0, 256, (1356, 2040, 3), dtype=np.uint8),
            random.integers(0, 256, (678, 1020, 3), dtype=np.uint8),
        )
        for name in ("0001", "0002")
    ]
    torch.manual_seed(0)
    model = SRCNN(2)
    model.start_from_interpolation()
    model.to(memory_format=torch.channels_last)
    vgg = random_vgg("vgg19", layers).to(fabric.device).to(memory_format=torch.channels_last)
    ones = dict.fromkeys(layers, 1.0)
    patches = Patches(
        pairs,
        2,
        model.halo,
        patch_size=None,
        patches_per_image=1,
        batch_size=2,
        geometry=False,
        colour=False,
        seed=1,
    )
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(
            fabric,
            model,
            Objective(vgg, 0.1, 0.9, ones, ones),
            patches,
            Crops(pairs[:1], 2, model.halo, 10_000),
            Plan(1, 1e-4, "constant", micro_batch=micro_batch),
            Checkpoint(Path(folder), layers),
        )
        start = time.monotonic()
        (row,) = trainer.run()
    return peak_memory(fabric.device), time.monotonic() - start, row["loss"]


if __name__ == "__main__":
    main()
