"""How fast this machine is: steps of training and the scoring of an image, for a few seconds."""

import statistics
import tempfile
import time
from collections.abc import Sequence
from itertools import cycle, pairwise
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric

from srcnn.data.pretrained_weights import lpips_weights
from srcnn.data.sources import sample_photos
from srcnn.evaluation.evaluate import evaluate
from srcnn.evaluation.lpips import load_lpips
from srcnn.images.image_io import RGB8, read_rgb
from srcnn.images.pairs import Pair
from srcnn.images.resize import imresize
from srcnn.models.device import cpu_name, device_name
from srcnn.models.srcnn import SRCNN
from srcnn.models.vgg import VGGFeatures
from srcnn.settings import Settings
from srcnn.training import trainer as training
from srcnn.training.checkpoint import Checkpoint
from srcnn.training.fabric import launch, training_fabric
from srcnn.training.objective import Objective
from srcnn.training.patches import Patches
from srcnn.training.trainer import Trainer
from srcnn.training.validation import Crops
from srcnn.utils.threads import prefetch
from tools.run_cost import TIMED_SIDE, Rates


def measured(settings: Settings, fabric: Fabric, budget: float) -> Rates:
    """Time steps of every training run for `budget` seconds in all, and then one image's scores.

    A step that takes longer than its share is timed once.
    """
    picture = _picture()
    runs = [(scale, loss) for loss in settings.losses for scale in settings.scales]
    steps = {
        (scale, loss): step_seconds(fabric, settings, picture, scale, loss, budget / len(runs))
        for scale, loss in runs
    }
    scored = score_seconds(picture, settings.scales[0], settings.losses, fabric.device)
    return Rates(steps, scored)


def probing_fabric(settings: Settings) -> Fabric:
    """Device and precision of the training runs, with one process."""
    options = settings.train
    return launch(training_fabric(options.precision, deterministic=options.deterministic))


def machine(fabric: Fabric) -> str:
    """What computes, in words."""
    if fabric.device.type == "cuda":
        return device_name(fabric.device)
    threads, instructions = torch.get_num_threads(), torch.backends.cpu.get_cpu_capability()
    return f"{cpu_name()}: {threads} threads, {instructions}"


def processes(settings: Settings, fabric: Fabric) -> int:
    """How many share a batch, each with a device of its own: on one CPU there is but one."""
    options = settings.train
    return options.nodes * (options.devices if fabric.device.type == "cuda" else 1)


def step_seconds(
    fabric: Fabric, settings: Settings, picture: RGB8, scale: int, loss: str, budget: float
) -> float:
    """Seconds of a step of one training run, the median of those that `budget` seconds hold.

    The first step, which sets everything up, counts only if there is no time for another. Of whole
    images a crop of PROBED_SIDE pixels is taken. VGG has random weights, which take as long as any.
    """
    trainer = _trainer(fabric, settings, picture, scale, loss)
    trainer.model.train()
    batches = prefetch(trainer._draw, cycle(range(len(trainer.patches))))
    times = [time.monotonic()]
    while len(times) < 2 or times[-1] - times[0] < budget:
        trainer._step(next(batches))
        if fabric.device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.monotonic())
    taken = [end - start for start, end in pairwise(times)]
    return statistics.median(taken[1:] or taken)


def score_seconds(picture: RGB8, scale: int, losses: Sequence[str], device: torch.device) -> float:
    """Seconds for a megapixel of a val image: enlarged by every method, saved and scored."""
    models = {loss: SRCNN(scale).to(device) for loss in losses}
    for model in models.values():
        model.to(memory_format=torch.channels_last).eval()
    lpips = load_lpips(device, lpips_weights()[0])
    pair = Pair("0001", picture, imresize(picture, 1 / scale))
    with tempfile.TemporaryDirectory() as folder:
        start = time.monotonic()
        rows = list(evaluate([pair], models, scale, lpips, Path(folder)))
        assert rows
        return (time.monotonic() - start) / (picture.shape[0] * picture.shape[1] / 1e6)


def _picture() -> RGB8:
    """A photograph of the sample, of PROBED_SIDE × PROBED_SIDE pixels."""
    first = sample_photos(Path("datasets/sample.yaml"))[0]
    return read_rgb(first.path)[0][:TIMED_SIDE, :TIMED_SIDE]


def _trainer(fabric: Fabric, settings: Settings, picture: RGB8, scale: int, loss: str) -> Trainer:
    """What trains in the stage train, on one photograph that fills what is drawn."""
    options = settings.train
    side = options.patch_size or TIMED_SIDE
    batch = -(-options.batch_size // processes(settings, fabric))
    times = -(-side // TIMED_SIDE)
    hr = np.tile(picture, (times, times, 1))
    pair = Pair("0001", hr, imresize(hr, 1 / scale))
    model = SRCNN(scale, settings.model.upsampling)
    model.start_from_interpolation()
    model.to(memory_format=torch.channels_last)
    objective, chosen = Objective(), settings.loss_of(loss)
    if chosen and chosen.lambda2:
        vgg = VGGFeatures(None, chosen.network, chosen.layers).to(fabric.device)
        vgg.to(memory_format=torch.channels_last)
        weights = chosen.lambda1, chosen.lambda2
        objective = Objective(vgg, *weights, chosen.layers, pixel=chosen.pixel)
    patches = Patches(
        [pair],
        scale,
        model.halo,
        patch_size=side,
        patches_per_image=8 * batch,
        batch_size=batch,
        geometry=options.augment.geometry,
        colour=options.augment.colour,
        seed=settings.seed,
    )
    crops = Crops([pair], scale, model.halo, patches.pixels)
    plan = training.Plan(1, options.lr, options.schedule, options.clip_norm, options.micro_batch)
    checkpoint = Checkpoint(Path(".training/plan"), "never saved")
    trainer = Trainer(fabric, model, objective, patches, crops, plan, checkpoint)
    if options.patch_size is None or processes(settings, fabric) > 1:
        trainer.captured_step = None  # as in the stage
    return trainer
