"""From settings to a training run: read the inputs and build the trainer."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import torch
from lightning_fabric import Fabric

from srcnn.images.pairs import Pair, list_pairs
from srcnn.models.authors import Layout
from srcnn.models.dct import use_dct
from srcnn.models.device import environment
from srcnn.models.model_files import make_model
from srcnn.models.portable import is_pinned
from srcnn.models.tensors import read_weights
from srcnn.models.vgg import VGGFeatures
from srcnn.settings import Loss, Settings
from srcnn.training.checkpoint import Checkpoint
from srcnn.training.fabric import should_compile
from srcnn.training.objective import Objective, PerceptualTerm, PixelTerm, Term, balance_ratios
from srcnn.training.patches import Patches, check_sizes
from srcnn.training.pixel_cache import CachedPairs
from srcnn.training.step import Plan, TrainingStep
from srcnn.training.trainer import Trainer
from srcnn.training.validation import Crops
from srcnn.utils.files import code_digest, sha256_of
from srcnn.utils.paths import SELECT, SPLITS, vgg_path

ROOMS = ("errors.py", "settings.py", "utils", "images", "models", "training")
"""The code that training runs. After a change in it, no unfinished run continues."""


@dataclass(frozen=True)
class Inputs:
    """The images, VGG if the loss has a perceptual term, and a digest of the files."""

    train: Sequence[Pair]
    val: Sequence[Pair]
    vgg: VGGFeatures | None
    select: Sequence[Pair] = ()  # choose the epoch, with train.keep: best
    digest: str = ""


def read_inputs(settings: Settings, scale: int, loss: str, device: torch.device) -> Inputs:
    """Read images and VGG weights from data/; cache decoded pixels in data/.decoded.

    Raises:
        InputError: a file is missing, damaged or does not fit the settings.
    """
    options = settings.train
    splits = (*SPLITS, SELECT) if options.keep == "best" else SPLITS
    files = [
        list_pairs(Path("data/hr", split), Path(f"data/lr/x{scale}", split), scale)
        for split in splits
    ]
    # Check everything else first, because decoding may take minutes.
    sizes = {pair.name: pair.size for pair in files[0]}
    check_sizes(sizes, options.patch_size, options.batch_size, geometry=options.augment.geometry)
    term, vgg, digests = settings.loss_of(loss), None, []
    if term and term.lambda2:
        needed = [f"{layer}.weight" for layer in term.layers]
        weights = read_weights(vgg_path(loss), needed, term.network)
        code = settings.model.code
        prepare = None if code == "paper" else Layout(code).to_tensor
        vgg = VGGFeatures(weights, term.network, term.layers, prepare).to(device)
        vgg.to(memory_format=torch.channels_last)
        digests.append(sha256_of(vgg_path(loss)))
    cache = Path("data/.decoded")
    images = [
        CachedPairs(pairs, cache / f"{split}-hr", cache / f"{split}-x{scale}")
        for split, pairs in zip(splits, files, strict=True)
    ]
    digest = " ".join([pairs.digest for pairs in images] + digests)
    return Inputs(images[0], images[1], vgg, images[2] if SELECT in splits else (), digest)


def make_checkpoint(
    settings: Settings, scale: int, loss: str, inputs: Inputs, fabric: Fabric, script: Path
) -> Checkpoint:
    """The checkpoint of a run, named by all that its result depends on; `script` is its stage."""
    # The number of processes changes only the rounding: a run may continue with another number.
    options = settings.train.model_copy(update={"devices": 1, "nodes": 1, "log": "lines"})
    run = [
        *(scale, loss, settings.seed, settings.model, settings.loss_of(loss), options),
        *(inputs.digest, code_digest(*ROOMS), sha256_of(script)),
        *(environment(fabric.device), version("lightning-fabric")),
    ]
    return Checkpoint(Path(f".training/x{scale}_{loss}"), run)


def build_trainer(
    settings: Settings,
    scale: int,
    loss: str,
    fabric: Fabric,
    inputs: Inputs,
    checkpoint: Checkpoint | None = None,
    *,
    use_graph: bool = True,
) -> Trainer:
    """Build the trainer of one model; without a checkpoint, it saves no state.

    Raises:
        InputError: the settings do not fit the images or the machine.
    """
    options = settings.train
    torch.manual_seed(settings.seed)
    model = make_model(scale, settings.model.upsampling, settings.model.code)
    if settings.model.init == "identity":
        model.start_from_interpolation()
    if options.basis == "dct":
        use_dct(model.features)
    if fabric.device.type == "cpu" and not is_pinned():  # measured on CPUs only
        model.use_fast_layers()
    model.to(memory_format=torch.channels_last)
    sizes = options.model_dump(include={"patch_size", "patches_per_image", "batch_size"})
    sampling = sizes | options.augment.model_dump() | {"seed": settings.seed}
    reuse = options.reuse_patches
    patches = Patches(inputs.train, scale, model.halo, **sampling, reuse=reuse)
    whole, selection = not model.is_local, None
    crops = Crops(inputs.val, scale, model.halo, patches.pixels, whole=whole)
    if inputs.select:
        selection = Crops(inputs.select, scale, model.halo, patches.pixels, whole=whole)
    objective = make_objective(settings.loss_of(loss), inputs, scale, fabric)
    epochs = settings.epochs_of(loss)
    plan = Plan(epochs, options.lr, options.schedule, options.clip_norm, options.micro_batch)
    steps, folded = epochs * len(patches), model.folded is not None
    if should_compile(options.compile, fabric, steps, folded=folded):
        model.compile(dynamic=False)  # one kernel per size, whichever comes first
    step = TrainingStep(fabric, model, objective, patches, plan, use_graph=use_graph)
    return Trainer(step, crops, checkpoint, selection, inputs.val)


def make_objective(loss: Loss | None, inputs: Inputs, scale: int, fabric: Fabric) -> Objective:
    """The objective of a loss, balanced on the training images; Eq. 1 for None."""
    if loss is None:
        return Objective()
    as_printed = loss.balance == "printed"
    terms: list[Term] = [PixelTerm(loss.pixel, loss.lambda1, summed=as_printed)]
    if inputs.vgg is not None:
        terms.append(PerceptualTerm(inputs.vgg, loss.layers, loss.lambda2, fabric.world_size))
    if loss.balance == "bicubic":
        device = fabric.device if inputs.vgg else torch.device("cpu")
        ratios = balance_ratios(Objective(terms), inputs.train, scale, device)
    else:
        ratios = dict.fromkeys(loss.layers if inputs.vgg else (), 1.0)
    return Objective(terms, ratios)
