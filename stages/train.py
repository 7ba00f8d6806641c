"""Train SRCNN at one scale with one loss: models/x{scale}/{loss}.safetensors and its curves."""

import signal
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import torch
from lightning_fabric import Fabric

from srcnn.images.pairs import Pair, PairFiles, list_pairs
from srcnn.models.device import device_name, environment, left_unused, peak_memory
from srcnn.models.srcnn import SRCNN, save_model
from srcnn.models.tensors import read_weights
from srcnn.models.vgg import VGGFeatures
from srcnn.settings import Loss, Settings
from srcnn.training.checkpoint import Checkpoint
from srcnn.training.epoch_log import EpochLines, tensorboard
from srcnn.training.fabric import in_bfloat16, is_compiled, launch, one_line, training_fabric
from srcnn.training.objective import Objective, Row, balance_ratios
from srcnn.training.patches import Patches, check_sizes
from srcnn.training.pixel_cache import DecodedPairs
from srcnn.training.trainer import Plan, Trainer
from srcnn.training.validation import GRID, Crops
from srcnn.utils.files import code_digest, sha256_of
from srcnn.utils.paths import SPLITS, vgg_path
from srcnn.utils.tables import write_csv
from srcnn.utils.text import join_names
from stages.input_guard import Record
from stages.run_stage import run_stage

ROOMS = ("errors.py", "settings.py", "utils", "images", "models", "training")
"""The code that trains; after a change in it no unfinished run goes on."""


def main(settings: Settings, scale: int, loss: str) -> None:
    """Write the model and its curve."""
    options = settings.train
    fabric = launch(
        training_fabric(
            options.precision, options.devices, options.nodes, deterministic=options.deterministic
        )
    )
    with one_line(fabric):
        train(fabric, settings, scale, loss)


def train(fabric: Fabric, settings: Settings, scale: int, loss: str) -> None:
    """What each of the processes does; the first one writes."""
    options = settings.train
    record = Record({"scale": scale, "loss": loss})
    logs = []
    if options.log == "tensorboard" and fabric.is_global_zero:
        logs.append(tensorboard(Path(f"logs/x{scale}_{loss}")))
    train_files, val_files = (
        list_pairs(Path("data/hr", split), Path(f"data/lr/x{scale}", split), scale)
        for split in SPLITS
    )
    # Decoding may take minutes: what could be refused after it is looked at before.
    sizes = {pair.name: pair.size for pair in train_files}
    check_sizes(sizes, options.patch_size, options.batch_size, geometry=options.augment.geometry)
    torch.manual_seed(settings.seed)
    model = SRCNN(scale, settings.model.upsampling)
    if settings.model.init == "identity":
        model.start_from_interpolation()
    model.to(memory_format=torch.channels_last)
    chosen = settings.loss_of(loss)
    vgg = perceptual_vgg(chosen, vgg_path(loss), fabric.device) if chosen else None
    train_pairs = decoded_pairs(train_files, "train", scale)
    val_pairs = decoded_pairs(val_files, "val", scale)
    patches = training_patches(settings, train_pairs, scale, model.halo)
    crops = Crops(val_pairs, scale, model.halo, patches.pixels)
    objective = objective_of(chosen, vgg, train_pairs, scale) if chosen else Objective()
    for name, ratio in objective.ratios.items():
        fabric.print(f"{name}: its term is divided by {ratio:.4g}")
    epochs = settings.epochs_of(loss)
    plan = Plan(epochs, options.lr, options.schedule, options.clip_norm, options.micro_batch)
    checkpoint = Checkpoint(
        Path(f".training/x{scale}_{loss}"),
        [
            *(scale, loss, settings.seed, settings.model, chosen),
            options.model_copy(update={"devices": 1, "nodes": 1, "log": "lines"}),
            *(train_pairs.digest, val_pairs.digest, vgg and sha256_of(vgg_path(loss))),
            *(code_digest(*ROOMS), sha256_of(Path(__file__)), environment(fabric.device)),
            version("lightning-fabric"),
        ],
    )
    if fabric.is_global_zero:
        checkpoint.hold()
    if is_compiled(options.compile, fabric, epochs * len(patches)):
        model.compile(dynamic=False)  # one kernel for each size, whichever comes first
    trainer = Trainer(fabric, model, objective, patches, crops, plan, checkpoint)
    signal.signal(signal.SIGINT, trainer.ask_to_stop)
    where = f"{device_name(fabric.device)}, in {'bfloat16' if in_bfloat16(fabric) else 'float32'}"
    fabric.print(f"training ×{scale} with {loss} on {where}: {epochs} epochs")
    if unused := left_unused(fabric.device):
        fabric.print(f"portable: true leaves {', '.join(unused)} unused; false takes all there is")
    lines, told = EpochLines(epochs, patches.draws), record.changed()
    for row in trainer.run():
        fabric.print(lines.line(row, trainer.share, trainer.waited), flush=True)
        for add in logs:
            add(row)
        if (changed := record.changed()) and changed != told:
            changes = f"{join_names(changed)}: changed since this began"
            fabric.print(f"{changes}; unless that is undone, the result will be refused")
        told = changed
    if fabric.is_global_zero:
        print(f"peak memory {peak_memory(fabric.device):.1f} GiB")
        about = {"loss": loss, "ratios": dict(objective.ratios)}
        about["trained_on"] = device_name(fabric.device)
        save_model(model, Path(f"models/x{scale}/{loss}.safetensors"), about)
        write_curves(trainer.progress.rows, f"x{scale}_{loss}.csv")
        record.check()  # before the state goes: undoing what was changed loses nothing then
        checkpoint.remove()


def write_curves(rows: Sequence[Row], name: str) -> None:
    """Write metrics/training, a line per epoch, and metrics/grid, one per epoch and val crop."""
    curve, peaks, beginning = [], [], f"val_{GRID}"
    for row in rows:
        curve.append({n: f"{v:.6g}" for n, v in row.items() if not n.startswith(beginning)})
        for column, peak in row.items():
            if column.startswith(beginning):
                image = column.removeprefix(beginning)
                peaks.append({"epoch": f"{row['epoch']:g}", "image": image, "peak": f"{peak:.4g}"})
    write_csv(curve, Path("metrics/training", name))
    write_csv(peaks, Path("metrics/grid", name), ["epoch", "image", "peak"])


def decoded_pairs(files: Sequence[PairFiles], split: str, scale: int) -> DecodedPairs:
    """The pairs of a split, decoded once for all stages; those of other scales share `hr`."""
    folder = Path("data/.decoded")
    return DecodedPairs(files, folder / f"{split}-hr", folder / f"{split}-x{scale}")


def training_patches(settings: Settings, pairs: Sequence[Pair], scale: int, halo: int) -> Patches:
    """The patches that `settings.train` draws."""
    options = settings.train
    return Patches(
        pairs,
        scale,
        halo,
        patch_size=options.patch_size,
        patches_per_image=options.patches_per_image,
        batch_size=options.batch_size,
        geometry=options.augment.geometry,
        colour=options.augment.colour,
        seed=settings.seed,
    )


def perceptual_vgg(loss: Loss, weights_file: Path, device: torch.device) -> VGGFeatures | None:
    """The feature extractor of a loss, on the device; None if λ2 is 0."""
    if loss.lambda2 == 0:
        return None
    needed = [f"{layer}.weight" for layer in loss.layers]
    weights = read_weights(weights_file, needed, loss.network)
    vgg = VGGFeatures(weights, loss.network, loss.layers)
    return vgg.to(device).to(memory_format=torch.channels_last)


def objective_of(
    loss: Loss, vgg: VGGFeatures | None, pairs: Sequence[Pair], scale: int
) -> Objective:
    """Eq. 3 with a loss's terms and weights, balanced on the training images."""
    layers = loss.layers if vgg else {}
    ratios = dict.fromkeys(layers, 1.0)
    if loss.balance == "bicubic":
        ratios = balance_ratios(vgg, pairs, scale, loss.pixel)
    return Objective(vgg, loss.lambda1, loss.lambda2, layers, ratios, loss.pixel)


if __name__ == "__main__":
    run_stage(main, "scale", "loss")
