"""How fast this machine is: steps of training and the scoring of an image, for a few seconds."""

import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric

from srcnn.data.pretrained_weights import judge_weights
from srcnn.data.sources import sample_photos
from srcnn.evaluation.evaluate import evaluate
from srcnn.evaluation.judges import load_judges
from srcnn.images.image_io import RGB8, read_rgb
from srcnn.images.pairs import Pair
from srcnn.images.resize import imresize
from srcnn.models.device import device_name, instructions
from srcnn.models.srcnn import SRCNN
from srcnn.models.vgg import VGGFeatures
from srcnn.settings import Settings
from srcnn.training.build import Inputs, build_trainer
from srcnn.training.fabric import launch_fabric
from srcnn.utils.machine import cpu_name
from srcnn.utils.methods import AUTHORS_METHODS
from tools.run_cost import TIMED_SIDE, Rates

SCORED_SIDE = 336  # of the crop that is scored: VGG16 takes seconds; a multiple of every scale


def measure_rates(settings: Settings, fabric: Fabric, seconds: float) -> Rates:
    """Time the steps of all training runs for `seconds` in total, then the scores of one image.

    A step that takes longer than its share is timed once.
    """
    first = sample_photos(Path("datasets/sample.yaml"))[0]
    photo = read_rgb(first.path)[:TIMED_SIDE, :TIMED_SIDE]
    runs = [(scale, loss) for loss in settings.losses for scale in settings.scales]
    share = seconds / len(runs)
    steps = {run: step_seconds(fabric, settings, photo, *run, share) for run in runs}
    small = photo[:SCORED_SIDE, :SCORED_SIDE]
    names = [*settings.losses, *[*AUTHORS_METHODS] * settings.evaluate.authors]
    scores = score_seconds(small, settings.scales[0], names, fabric.device)
    return Rates(steps, *scores)


def single_process_fabric(settings: Settings) -> Fabric:
    """Device and precision of the training runs, with one process."""
    options = settings.train
    return launch_fabric(options.precision, deterministic=options.deterministic)


def describe_machine(fabric: Fabric) -> str:
    """The name of the device, for people."""
    if fabric.device.type != "cpu":
        return device_name(fabric.device)
    return f"{cpu_name()}: {torch.get_num_threads()} threads, {instructions()}"


def step_seconds(
    fabric: Fabric, settings: Settings, photo: RGB8, scale: int, loss: str, seconds: float
) -> float:
    """Median seconds of a step of one training run.

    The first step, which includes set-up, counts only if there is no time for another. For whole
    images, the photo of [TIMED_SIDE, TIMED_SIDE, 3] is timed; larger patches repeat it. VGG has
    random weights, which are as fast as any.
    """
    options = settings.train
    # Processes on one CPU share it; each GPU takes a share of the batch.
    devices = options.nodes * (options.devices if fabric.device.type == "cuda" else 1)
    side, batch_size = options.patch_size or TIMED_SIDE, -(-options.batch_size // devices)
    changes = {"patch_size": side, "batch_size": batch_size, "patches_per_image": 8 * batch_size}
    options = options.model_copy(update=changes | {"compile": "never"})
    repeats = -(-side // TIMED_SIDE)
    hr = np.tile(photo, (repeats, repeats, 1))
    pairs, vgg = [Pair("0001", hr, imresize(hr, 1 / scale))], None
    if (term := settings.loss_of(loss)) and term.lambda2:
        vgg = VGGFeatures(None, term.network, term.layers).to(fabric.device)
        vgg.to(memory_format=torch.channels_last)
    timed, inputs = settings.model_copy(update={"train": options}), Inputs(pairs, pairs, vgg)
    use_graph = settings.train.patch_size is not None and devices == 1
    trainer = build_trainer(timed, scale, loss, fabric, inputs, use_graph=use_graph)
    times = trainer.time_steps(seconds)
    return statistics.median(times[1:] or times)


def score_seconds(
    photo: RGB8, scale: int, losses: Sequence[str], device: torch.device
) -> tuple[float, float]:
    """Seconds to upscale a val image by every method, save and score it.

    The first number is per megapixel, without DISTS; the second is of DISTS alone, per image. It
    reduces large images to one shorter side, so the photo is extended to 3:2, a usual shape.
    """
    models = {loss: SRCNN(scale).to(device) for loss in losses}
    for model in models.values():
        model.to(memory_format=torch.channels_last).eval()
    weights = {network: judge_weights(network)[0] for network in ("alexnet", "vgg16")}
    judges = load_judges(device, weights)
    dists, judges["dists"] = judges["dists"], _NoJudge()
    pair = Pair("0001", photo, imresize(photo, 1 / scale))
    with tempfile.TemporaryDirectory() as folder:
        start = time.monotonic()
        methods = len(list(evaluate([pair], models, scale, judges, Path(folder))))
        scored = time.monotonic()
    height, width = photo.shape[:2]
    wide = np.tile(photo, (1, 2, 1))[:, : width * 3 // 2]
    dists.distances([wide] * methods, wide)
    megapixels = height * width / 1e6
    return (scored - start) / megapixels, time.monotonic() - scored


class _NoJudge:
    """A judge that takes no time."""

    def distances(self, srs: Sequence[RGB8], hr: RGB8) -> list[float]:
        """Zero for each image."""
        return [0.0] * len(srs)
