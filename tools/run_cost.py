"""Estimates what a run takes before it starts: images, steps, time and disk.

`tools.time_steps` measures the time of a step on this machine. Nothing is downloaded.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from srcnn.data.archives import read_manifest
from srcnn.data.sources import check_aside, folder_photos, sample_photos, select
from srcnn.evaluation.benchmark_sets import find_benchmark
from srcnn.images.image_io import image_size
from srcnn.settings import Data, Settings
from srcnn.training.validation import CROP_PIXEL_SHARE, CROP_SIDE
from srcnn.utils.methods import AUTHORS_METHODS, INTERPOLATIONS
from srcnn.utils.paths import SELECT, SPLITS
from srcnn.utils.yaml_files import read_yaml

TIMED_SIDE = 480  # side of the crop that is timed for a whole image; a multiple of every scale
PNG_BYTES = {"HR": 1.6, "LR": 1.4, "SR": 0.78}  # per pixel, measured on DIV2K
VGG19_BYTES = 548e6  # size of the download (datasets/weights.yaml)

# On two cores of an AMD EPYC:
COPY_SECONDS, DEGRADE_SECONDS, DECODE_SECONDS = 0.02, 0.03, 0.06  # per megapixel
HASH_SECONDS = 0.016  # per image at the start of each training run
STAGE_SECONDS = 3.0  # per stage: Python and torch start, and DVC checks the files
DRAW_SECONDS = 10.0  # for the figures and the report, whatever the number of images
CLAIMS, FIGURES = 0.3, 0.5  # claims per scale, and figures, relative to scoring one scale


@dataclass(frozen=True)
class Photographs:
    """The photographs of a split."""

    images: int
    pixels: float  # of all images
    is_known: bool = True  # else there are at most so many; the download shows how many


NONE = Photographs(0, 0)


@dataclass(frozen=True)
class Training:
    """A training run."""

    scale: int
    loss: str
    draws: int  # patches or whole images per epoch
    batches: int  # per epoch
    epochs: int

    @property
    def steps(self) -> int:
        """Steps of Adam."""
        return self.batches * self.epochs


@dataclass(frozen=True)
class Rates:
    """The speed of this machine in seconds."""

    step: Mapping[tuple[int, str], float]  # by scale and loss; for whole images, of a timed crop
    score: float  # per megapixel, to upscale an image by every method, save and score it
    dists: float  # per image, for DISTS of all methods: it reduces large images to one size


class DiskUse(NamedTuple):
    """What a run stores in a folder."""

    what: str
    where: str
    bytes: float


def find_photographs(data: Data) -> dict[str, Photographs]:
    """The photographs of `data.source` by split, as far as known without a download.

    Raises:
        InputError: the source is missing or malformed, or no training image would be left.
    """
    limits = {"train": data.train_images, "val": data.val_images, SELECT: data.select}
    splits = (*SPLITS, SELECT) if data.select else SPLITS
    if data.in_archives:
        return {split: _in_archives(data, split, limits[split]) for split in splits}
    sample, folder = Path("datasets/sample.yaml"), Path(data.root or "")
    photos = sample_photos(sample) if data.source == "sample" else folder_photos(folder)
    chosen = select(photos, data.same_size, limits, data.select or 0)
    found: dict[str, Photographs] = {}
    for split in splits:
        sizes = [image_size(photo.path) for photo in chosen if photo.split == split]
        found[split] = Photographs(len(sizes), sum(map(math.prod, sizes)))
    return found


def _in_archives(data: Data, split: str, limit: int | None) -> Photographs:
    """The photographs of a manifest; the size of the archives gives the number of pixels."""
    manifest = read_manifest(Path(data.manifest))
    origin = "train" if split == SELECT else split
    archives = [a for a in manifest.archives if a.scale is None and a.split == origin]
    count = sum(archive.images for archive in archives)
    left = count
    if split == "train" and data.select:
        check_aside(data.select, count)
        left -= data.select
    images = min(left, limit or left)
    if isinstance(data.same_size, tuple):
        pixels: float = math.prod(data.same_size)
    else:
        pixels = sum(archive.bytes for archive in archives) / PNG_BYTES["HR"] / count
    is_known = data.same_size is None or split == SELECT
    return Photographs(images, images * pixels, is_known)


def find_trainings(settings: Settings, train: Photographs) -> list[Training]:
    """The training runs in the order of the stages."""
    options = settings.train
    draws = train.images * (options.patches_per_image if options.patch_size else 1)
    batches = -(-draws // options.batch_size)
    return [
        Training(scale, loss, draws, batches, settings.epochs_of(loss))
        for loss in settings.losses
        for scale in settings.scales
    ]


def step_seconds(settings: Settings, training: Training, train: Photographs, rates: Rates) -> float:
    """Seconds of a step of a training run."""
    step = rates.step[training.scale, training.loss]
    if settings.train.patch_size is None:
        step *= train.pixels / train.images / TIMED_SIDE**2
    return step


def training_seconds(
    settings: Settings, training: Training, photographs: Mapping[str, Photographs], rates: Rates
) -> float:
    """Seconds of a training run."""
    train, read = photographs["train"], _read_by_training(settings, photographs)
    step = step_seconds(settings, training, train, rates)
    side, size = settings.train.patch_size, settings.train.batch_size
    pixels = training.draws * side**2 if side else train.pixels
    validated = sum(
        min(CROP_PIXEL_SHARE * pixels, found.images * CROP_SIDE**2)
        for split, found in read.items()
        if split != "train"
    )
    epoch = training.draws / size * step  # the last batch may be smaller
    # Validation has no backward pass, so it takes half the time per pixel.
    seconds = training.epochs * epoch * (1 + 0.5 * validated / pixels)
    loss = settings.loss_of(training.loss)
    if loss and loss.lambda2 and loss.balance == "bicubic":
        centres = train.images * min(512**2, train.pixels / train.images)
        seconds += centres * 0.5 * step / (size * pixels / training.draws)
    return STAGE_SECONDS + HASH_SECONDS * sum(found.images for found in read.values()) + seconds


def _read_by_training(
    settings: Settings, photographs: Mapping[str, Photographs]
) -> dict[str, Photographs]:
    """The splits that training reads: those set aside only to choose the epoch."""
    unread = () if settings.train.keep == "best" else (SELECT,)
    return {split: found for split, found in photographs.items() if split not in unread}


def preparing_seconds(settings: Settings, photographs: Mapping[str, Photographs]) -> float:
    """Seconds to copy the photographs, degrade them, and decode them for training."""
    scales, decoded = len(settings.scales), _read_by_training(settings, photographs)
    work = _pixels(photographs) * (COPY_SECONDS + scales * DEGRADE_SECONDS)
    work += _pixels(decoded) * DECODE_SECONDS
    return (3 + scales) * STAGE_SECONDS + work / 1e6


def _pixels(photographs: Mapping[str, Photographs]) -> float:
    return sum(split.pixels for split in photographs.values())


def scoring_seconds(
    scales: tuple[int, ...],
    photographs: Mapping[str, Photographs],
    rates: Rates,
    benchmarks: Photographs = NONE,
) -> float:
    """Seconds for scores (of benchmark sets as well), claims, figures and the report."""
    val, sets = (
        found.pixels / 1e6 * rates.score + found.images * rates.dists
        for found in (photographs["val"], benchmarks)
    )
    work = (len(scales) * (1 + CLAIMS) + FIGURES) * val + len(scales) * sets
    return (5 + len(scales)) * STAGE_SECONDS + DRAW_SECONDS + work


def benchmark_images(settings: Settings) -> Photographs:
    """The images of the sets in `evaluate.benchmarks`.

    Raises:
        InputError: a set is missing, or no use at these scales.
    """
    folders = settings.evaluate.benchmarks.items()
    sets = [find_benchmark(name, Path(folder), settings.scales) for name, folder in folders]
    pixels = [math.prod(image_size(file)) for each in sets for file in each.files]
    return Photographs(len(pixels), sum(pixels))


def disk_use(settings: Settings, photographs: Mapping[str, Photographs]) -> list[DiskUse]:
    """What a whole run stores, by folder."""
    scales, downloads = settings.scales, str(settings.data.cache)
    pixels, decoded = _pixels(photographs), _pixels(_read_by_training(settings, photographs))
    lr_share = sum(1 / scale**2 for scale in scales)
    hr, lr = pixels * PNG_BYTES["HR"], pixels * lr_share * PNG_BYTES["LR"]
    methods = len(scales) * (len(INTERPOLATIONS) + len(settings.losses))
    methods += settings.evaluate.authors * len(AUTHORS_METHODS)
    sr = methods * photographs["val"].pixels * PNG_BYTES["SR"]
    uses = [
        DiskUse("archives", downloads, settings.data.in_archives and _archive_bytes(settings)),
        DiskUse("VGG's weights", downloads, _vgg_bytes(settings)),
        DiskUse("HR images", ".dvc/cache", hr),
        DiskUse("HR images, for resuming", "data/.finished", hr),
        DiskUse("LR images", ".dvc/cache", lr),
        DiskUse("LR images, for resuming", "data/lr/.finished", lr),
        DiskUse("decoded pixels", "data/.decoded", 3 * decoded * (1 + lr_share)),
        DiskUse("SR images", ".dvc/cache", sr),
        DiskUse("SR images, copies", "data/sr", sr),
    ]
    return [use for use in uses if use.bytes]


def _archive_bytes(settings: Settings) -> int:
    scales = [None, *(settings.scales if settings.data.lr == "official" else ())]
    archives = read_manifest(Path(settings.data.manifest)).archives
    return sum(archive.bytes for archive in archives if archive.scale in scales)


def _vgg_bytes(settings: Settings) -> float:
    sources = read_yaml(Path("datasets/weights.yaml"))
    losses = [loss for loss in map(settings.loss_of, settings.losses) if loss]
    downloads = any("package" not in sources[a.network] and not a.weights_file for a in losses)
    return VGG19_BYTES if downloads else 0
