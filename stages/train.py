"""Train SRCNN at one scale with one loss: models/x{scale}/{loss}.safetensors and its loss curve."""

from collections.abc import Sequence
from pathlib import Path

import torch

from srcnn.decoded import DecodedPairs
from srcnn.device import autocast, best_device, device_name, peak_memory
from srcnn.files import write_csv
from srcnn.model import SRCNN, save_model
from srcnn.patches import Pair, PairFiles, Patches, check_sizes, list_pairs
from srcnn.settings import Settings
from srcnn.stage import run_stage
from srcnn.tensors import read_weights
from srcnn.training import Objective, Stopwatch, balance_ratios, train
from srcnn.vgg import VGGFeatures


def main(settings: Settings, scale: int, loss: str) -> None:
    """Write the model and its curve."""
    torch.manual_seed(settings.seed)
    device = best_device()
    options = settings.train
    precision = autocast(device, options.precision)
    train_files, val_files = (
        list_pairs(Path("data/hr", split), Path(f"data/lr/x{scale}", split), scale)
        for split in ("train", "val")
    )
    # Decoding may take minutes: what could be refused after it is looked at before.
    sizes = {pair.name: pair.size for pair in train_files}
    check_sizes(sizes, options.patch_size, options.batch_size, geometry=options.augment.geometry)
    model = SRCNN(scale, settings.model.upsampling)
    if settings.model.init == "identity":
        model.start_from_interpolation()
    vgg = perceptual_vgg(settings, device) if loss == "perceptual" else None
    train_pairs = decoded_pairs(train_files, "train", scale)
    val_pairs = decoded_pairs(val_files, "val", scale)
    patches = training_patches(settings, train_pairs, scale, model.halo)
    objective = perceptual_objective(settings, vgg, train_pairs, scale) if vgg else Objective()
    epochs = getattr(options.epochs, loss)
    print(f"training ×{scale} with {loss} on {device_name(device)}: {epochs} epochs", flush=True)
    model.to(device).to(memory_format=torch.channels_last)
    watch, rows = Stopwatch(epochs, patches.draws), []
    curve = train(
        model, objective, patches, val_pairs, epochs, options.lr, options.schedule, precision
    )
    for row in curve:
        rows.append({name: f"{value:.6g}" for name, value in row.items()})
        print(
            f"epoch {row['epoch']}/{epochs}: loss {row['loss']:.6f}, val loss "
            f"{row['val_loss']:.6f}, val PSNR {row['val_psnr_rgb']:.3f} dB; "
            f"{watch.describe(len(rows))}",
            flush=True,
        )
    print(f"peak memory {peak_memory(device):.1f} GiB")
    about = {"loss": loss, "ratios": dict(objective.ratios), "trained_on": device_name(device)}
    save_model(model, Path(f"models/x{scale}/{loss}.safetensors"), about)
    write_csv(rows, Path(f"metrics/training/x{scale}_{loss}.csv"))


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


def perceptual_vgg(settings: Settings, device: torch.device) -> VGGFeatures:
    """The feature extractor of `settings.loss`, on the device."""
    loss = settings.loss
    needed = [f"{layer}.weight" for layer in loss.layers]
    weights = read_weights(Path("data/weights/vgg.safetensors"), needed, loss.network)
    vgg = VGGFeatures(weights, loss.network, loss.layers)
    return vgg.to(device).to(memory_format=torch.channels_last)


def perceptual_objective(
    settings: Settings, vgg: VGGFeatures, pairs: Sequence[Pair], scale: int
) -> Objective:
    """Eq. 3 as `settings.loss` has it, balanced on the training images."""
    loss = settings.loss
    ratios = dict.fromkeys(loss.layers, 1.0)
    if loss.balance == "bicubic":
        ratios = balance_ratios(vgg, pairs, scale)
        for layer, ratio in ratios.items():
            print(f"{layer}: its term is divided by {ratio:.4g}")
    return Objective(vgg, loss.lambda1, loss.lambda2, loss.layers, ratios)


if __name__ == "__main__":
    run_stage(main, "scale", "loss")
