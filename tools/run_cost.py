"""What a run will take before it is begun: images, steps, time and disk, by arithmetic alone.

How long a step takes is `tools.time_steps`'s to find out. Nothing is downloaded.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from srcnn.data.archives import read_manifest
from srcnn.data.sources import Photo, folder_photos, sample_photos, select
from srcnn.evaluation.benchmark_sets import find_benchmark
from srcnn.images.image_io import image_size
from srcnn.settings import Data, Settings
from srcnn.training.validation import CROP_PIXEL_SHARE, CROP_SIDE
from srcnn.utils.methods import INTERPOLATIONS
from srcnn.utils.paths import SPLITS
from srcnn.utils.yaml_files import read_yaml

TIMED_SIDE = 480
"""Pixels of the crop that is timed for a whole image; a multiple of every scale."""

PNG_BYTES = {"HR": 1.6, "LR": 1.4, "SR": 0.78}
"""Bytes of a pixel of photographs of 2K as PNG: DIV2K's own, and what is written here."""

VGG19_BYTES = 548e6
"""Of the file that is downloaded (`datasets/weights.yaml`)."""

PREPARING = {"lay out": 0.02, "degrade": 0.03, "decode": 0.06}
"""Seconds for a megapixel on two cores of an AMD EPYC."""

OPENING = 0.016
"""Seconds for an image whenever a training run begins, which hashes its file."""

STARTING = 3.0
"""Seconds in which a stage starts Python, loads torch and is looked at by DVC."""

DRAWING = 10.0
"""Seconds for figures and page, however many images there are."""

CLAIMS, FIGURES = 0.3, 0.5
"""Time for the claims of a scale, and for the figures of the largest, in terms of its scores'."""


@dataclass(frozen=True)
class Photographs:
    """The photographs of a split.

    Args:
        images: how many; at most so many where `is_known` is False.
        pixels: of all of them.
        is_known: whether the number is known before anything is downloaded.
    """

    images: int
    pixels: float
    is_known: bool = True


@dataclass(frozen=True)
class Training:
    """One training run: an epoch has so many `batches` of the `draws` patches or whole images."""

    scale: int
    loss: str
    draws: int
    batches: int
    epochs: int

    @property
    def steps(self) -> int:
        """Steps of Adam."""
        return self.batches * self.epochs


@dataclass(frozen=True)
class Rates:
    """What was measured on this machine.

    Args:
        step: seconds of a step by scale and loss; of whole images, of crops of PROBED_SIDE pixels.
        score: seconds for a megapixel of an image, enlarged by every method, saved and scored.
    """

    step: Mapping[tuple[int, str], float]
    score: float


@dataclass(frozen=True)
class Place:
    """Disk that is used: for `what`, `where`, how many `bytes`."""

    what: str
    where: str
    bytes: float


def find_photographs(data: Data) -> dict[str, Photographs]:
    """The photographs of `data.source` by split, as far as they are known without a download.

    Raises:
        InputError: the source is not there or not as it should be.
    """
    most = {"train": data.train_images, "val": data.val_images}
    if data.in_archives:
        return _listed(data, most)
    photos = (
        sample_photos(Path("datasets/sample.yaml"))
        if data.source == "sample"
        else folder_photos(Path(data.root or ""))
    )
    return _counted(select(photos, data.same_size, most))


def _counted(photos: list[Photo]) -> dict[str, Photographs]:
    """Those whose files are here."""
    found: dict[str, Photographs] = {}
    for split in SPLITS:
        sizes = [image_size(photo.path) for photo in photos if photo.split == split]
        found[split] = Photographs(len(sizes), sum(map(math.prod, sizes)))
    return found


def _listed(data: Data, most: Mapping[str, int | None]) -> dict[str, Photographs]:
    """Those of a manifest: their pixels by the size of the archives, as its images are PNG."""
    archives = [a for a in read_manifest(Path(data.manifest)).archives if a.scale is None]
    found: dict[str, Photographs] = {}
    for split in SPLITS:
        of_split = [archive for archive in archives if archive.split == split]
        there = sum(archive.images for archive in of_split)
        pixels = sum(archive.bytes for archive in of_split) / PNG_BYTES["HR"] / there
        if isinstance(data.same_size, tuple):
            pixels = math.prod(data.same_size)
        images = min(there, most[split] or there)
        found[split] = Photographs(images, images * pixels, is_known=data.same_size is None)
    return found


def find_trainings(settings: Settings, train: Photographs) -> list[Training]:
    """The training runs, in the order of the stages."""
    options = settings.train
    draws = train.images * (options.patches_per_image if options.patch_size else 1)
    batches = -(-draws // options.batch_size)
    return [
        Training(scale, loss, draws, batches, settings.epochs_of(loss))
        for loss in settings.losses
        for scale in settings.scales
    ]


def step_seconds(settings: Settings, training: Training, train: Photographs, rates: Rates) -> float:
    """Seconds of a step of one training run."""
    step = rates.step[training.scale, training.loss]
    if settings.train.patch_size is None:
        step *= train.pixels / train.images / TIMED_SIDE**2
    return step


def training_seconds(
    settings: Settings, training: Training, photographs: Mapping[str, Photographs], rates: Rates
) -> float:
    """Seconds of one training run."""
    train, val = photographs["train"], photographs["val"]
    step = step_seconds(settings, training, train, rates)
    side, size = settings.train.patch_size, settings.train.batch_size
    pixels = training.draws * side**2 if side else train.pixels
    validated = min(CROP_PIXEL_SHARE * pixels, val.images * CROP_SIDE**2)
    epoch = training.draws / size * step  # the last batch may be smaller
    # A crop of val goes forwards alone, which is half the work.
    seconds = training.epochs * epoch * (1 + 0.5 * validated / pixels)
    loss = settings.loss_of(training.loss)
    if loss and loss.lambda2 and loss.balance == "bicubic":
        centres = train.images * min(512**2, train.pixels / train.images)
        seconds += centres * 0.5 * step / (size * pixels / training.draws)
    return STARTING + OPENING * (train.images + val.images) + seconds


def preparing_seconds(scales: tuple[int, ...], photographs: Mapping[str, Photographs]) -> float:
    """Seconds for laying the photographs out, degrading them and decoding them for training."""
    megapixels = sum(split.pixels for split in photographs.values()) / 1e6
    work = PREPARING["lay out"] + PREPARING["decode"] + len(scales) * PREPARING["degrade"]
    return (3 + len(scales)) * STARTING + megapixels * work


def scoring_seconds(
    scales: tuple[int, ...], photographs: Mapping[str, Photographs], rates: Rates, sets: float = 0.0
) -> float:
    """Seconds for scores, claims, figures and page.

    Args:
        scales: the enlargements.
        photographs: by split.
        rates: of this machine.
        sets: pixels of the benchmark sets.
    """
    of_val, of_sets = len(scales) * (1 + CLAIMS) + FIGURES, len(scales)
    work = (of_val * photographs["val"].pixels + of_sets * sets) / 1e6 * rates.score
    return (5 + len(scales)) * STARTING + DRAWING + work


def benchmark_pixels(settings: Settings) -> float:
    """Pixels of the sets that `evaluate.benchmarks` names.

    Raises:
        InputError: as `srcnn.evaluation.benchmark_sets.find_benchmark`.
    """
    named = settings.evaluate.benchmarks.items()
    found = [find_benchmark(name, Path(folder), settings.scales) for name, folder in named]
    return sum(math.prod(image_size(file)) for each in found for file in each.files)


def disk_use(settings: Settings, photographs: Mapping[str, Photographs]) -> list[Place]:
    """What a whole run leaves on the disk, by place."""
    scales, cache = settings.scales, str(settings.data.cache)
    pixels = sum(split.pixels for split in photographs.values())
    lr_pixels = sum(pixels / scale**2 for scale in scales)
    hr, lr = pixels * PNG_BYTES["HR"], lr_pixels * PNG_BYTES["LR"]
    methods = len(INTERPOLATIONS) + len(settings.losses)
    sr = len(scales) * methods * photographs["val"].pixels * PNG_BYTES["SR"]
    places = [
        Place("HR images", ".dvc/cache", hr),
        Place("the same, to go on from", "data/.finished", hr),
        Place("LR images", ".dvc/cache", lr),
        Place("the same, to go on from", "data/lr/.finished", lr),
        Place("decoded pixels", "data/.decoded", 3 * (pixels + lr_pixels)),
        Place("super-resolved val images", ".dvc/cache", sr),
        Place("the same, not linked", "data/sr", sr),
    ]
    downloads = {"archives": _archive_bytes(settings), "VGG's weights": _vgg_bytes(settings)}
    return [Place(what, cache, size) for what, size in downloads.items() if size] + places


def _archive_bytes(settings: Settings) -> int:
    data = settings.data
    if not data.in_archives:
        return 0
    scales: set[int | None] = {None, *(settings.scales if data.lr == "official" else ())}
    archives = read_manifest(Path(data.manifest)).archives
    return sum(archive.bytes for archive in archives if archive.scale in scales)


def _vgg_bytes(settings: Settings) -> float:
    sources = read_yaml(Path("datasets/weights.yaml"))
    losses = [loss for loss in map(settings.loss_of, settings.losses) if loss]
    downloaded = any("package" not in sources[a.network] and not a.weights_file for a in losses)
    return VGG19_BYTES if downloaded else 0
