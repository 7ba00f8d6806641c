"""Algorithm 1: train SRCNN with Eq. 1 or Eq. 3 and keep the epoch that is best on val."""

import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from srcnn.device import Autocast
from srcnn.errors import InputError
from srcnn.losses import feature_losses, final_loss, mse_loss, perceptual_loss
from srcnn.model import SRCNN
from srcnn.patches import Pair, Patches, to_tensor
from srcnn.resize import imresize
from srcnn.vgg import VGGFeatures

Row = dict[str, float]


@dataclass(frozen=True)
class Objective:
    """Eq. 3 with its weights; Eq. 1 alone where there is no VGG.

    Args:
        vgg: the feature extractor, or None for Eq. 1.
        lambda1: weight of the MSE.
        lambda2: weight of the perceptual loss.
        lambdas: λ_j by layer.
        ratios: what each layer's term is divided by, from `balance_ratios`, or 1.
    """

    vgg: VGGFeatures | None = None
    lambda1: float = 1.0
    lambda2: float = 0.0
    lambdas: Mapping[str, float] = field(default_factory=dict)
    ratios: Mapping[str, float] = field(default_factory=dict)

    def terms(self, sr: Tensor, hr: Tensor) -> dict[str, Tensor]:
        """The raw terms: `mse` and each layer's, for [N, 3, H, W] images, RGB in [0, 1]."""
        terms = {"mse": mse_loss(sr.float(), hr)}
        if self.vgg is not None:
            with torch.no_grad():
                features_hr = self.vgg(hr)
            terms |= feature_losses(self.vgg(sr), features_hr)
        return terms

    def loss(self, terms: Mapping[str, Tensor]) -> Tensor:
        """What is minimised."""
        if self.vgg is None:
            return terms["mse"]
        lambdas = {layer: value / self.ratios[layer] for layer, value in self.lambdas.items()}
        perceptual = perceptual_loss({layer: terms[layer] for layer in lambdas}, lambdas)
        return final_loss(terms["mse"], perceptual, self.lambda1, self.lambda2)

    def report(self, terms: Mapping[str, float]) -> Row:
        """Columns for the loss curve: the loss, and its raw and weighted terms."""
        tensors = {name: torch.tensor(value, dtype=torch.float64) for name, value in terms.items()}
        row = {"loss": float(self.loss(tensors)), "mse": terms["mse"]}
        if self.vgg is None:
            return row
        raw = {layer: tensors[layer] for layer in self.lambdas}
        row["perceptual"] = float(perceptual_loss(raw, self.lambdas))
        row["weighted_mse"] = self.lambda1 * terms["mse"]
        row["weighted_perceptual"] = row["loss"] - row["weighted_mse"]
        return row | {layer: terms[layer] for layer in self.lambdas}


@torch.no_grad()
def balance_ratios(vgg: VGGFeatures, pairs: Iterable[Pair], scale: int) -> Row:
    """How many times the MSE each layer's term is at the bicubic baseline.

    Both are means over the images of `pairs`, of each its centre, up to 512 × 512 pixels.
    """
    device = vgg.mean.device
    totals: dict[str, float] = {}
    for pair in pairs:
        bicubic = imresize(pair.lr, scale)
        both = np.stack([_centre(image) for image in (bicubic, pair.hr)])
        sr, hr = to_tensor(both, device).split(1)
        for name, term in Objective(vgg).terms(sr, hr).items():
            totals[name] = totals.get(name, 0.0) + float(term)
    mse = totals.pop("mse")
    if mse == 0:
        raise InputError("loss.balance: bicubic restores the training images without error")
    return {layer: total / mse for layer, total in totals.items()}


def _centre(image: Any, side: int = 512) -> Any:
    top, left = (max(0, (length - side) // 2) for length in image.shape[:2])
    return image[top : top + side, left : left + side]


def train(
    model: SRCNN,
    objective: Objective,
    patches: Patches,
    val: Sequence[Pair],
    epochs: int,
    lr: float,
    schedule: str,
    autocast: Autocast,
) -> Iterator[Row]:
    """Train `model` in place with Adam; it ends with the weights of the epoch best on val.

    Args:
        model: on the device that is to compute.
        objective: the loss.
        patches: the training data.
        val: the validation images.
        epochs: how many.
        lr: learning rate, the peak of the schedule.
        schedule: `constant`, `cosine` or `one_cycle`.
        autocast: the precision of a training step.

    Yields:
        per epoch a row of the loss curve.

    Raises:
        InputError: the loss is not finite any more.
    """
    optimizer = torch.optim.Adam(model.parameters(), lr)
    steps = epochs * len(patches)
    scheduler = LambdaLR(optimizer, lambda step: lr_factor(schedule, (step + 1) / (steps + 1)))
    best, best_weights = math.inf, model.state_dict()
    for epoch in range(1, epochs + 1):
        rate = float(optimizer.param_groups[0]["lr"])
        trained = train_epoch(model, objective, patches, optimizer, scheduler, autocast)
        validated = validate(model, objective, val, autocast)
        if not math.isfinite(trained["loss"] + validated["loss"]):
            raise InputError(
                f"training diverged: at epoch {epoch} the loss is {trained['loss']:g}, on val "
                f"{validated['loss']:g}; lower train.lr (it is {lr:g})"
            )
        if validated["loss"] < best:
            best = validated["loss"]
            best_weights = {name: value.clone() for name, value in model.state_dict().items()}
        yield {
            "epoch": epoch,
            "lr": rate,
            **trained,
            **{f"val_{name}": value for name, value in validated.items()},
        }
    model.load_state_dict(best_weights)


def train_epoch(
    model: SRCNN,
    objective: Objective,
    patches: Patches,
    optimizer: Optimizer,
    scheduler: LRScheduler,
    autocast: Autocast,
) -> Row:
    """One pass of Algorithm 1 over the training data; returns the mean terms."""
    device = next(model.parameters()).device
    model.train()
    totals: dict[str, Tensor] = {}
    for lr_patches, hr_patches in patches.epoch():
        lr, hr = to_tensor(lr_patches, device), to_tensor(hr_patches, device)
        with autocast():
            terms = objective.terms(model.refine(model.upsample(lr)), hr)
        optimizer.zero_grad(set_to_none=True)
        objective.loss(terms).backward()
        optimizer.step()
        scheduler.step()
        for name, term in terms.items():
            totals[name] = totals.get(name, torch.zeros_like(term)) + term.detach()
    return objective.report({name: float(total) / len(patches) for name, total in totals.items()})


@torch.no_grad()
def validate(model: SRCNN, objective: Objective, val: Sequence[Pair], autocast: Autocast) -> Row:
    """Mean over the whole val images of the terms and of the RGB PSNR.

    The network runs in float32, as in use; VGG in the precision of `autocast`.
    """
    device = next(model.parameters()).device
    model.eval()
    totals: dict[str, float] = {}
    psnr = 0.0
    for pair in val:
        sr = model(to_tensor(pair.lr[None], device)).clamp(0, 1)
        with autocast():
            terms = objective.terms(sr, to_tensor(pair.hr[None], device))
        for name, term in terms.items():
            totals[name] = totals.get(name, 0.0) + float(term) / len(val)
        psnr -= 10 * math.log10(max(float(terms["mse"]), 1e-10)) / len(val)
    return {**objective.report(totals), "psnr_rgb": psnr}


def lr_factor(schedule: str, progress: float) -> float:
    """The learning rate as a share of its peak.

    Args:
        schedule: `constant`; `cosine`, from the peak to zero; or `one_cycle` (Smith 2018), which
            rises from zero for the first tenth and then falls as a cosine.
        progress: share of the steps that are done, in [0, 1).
    """
    if schedule == "constant":
        return 1.0
    warm_up = 0.1 if schedule == "one_cycle" else 0.0
    if progress < warm_up:
        return progress / warm_up
    return 0.5 + 0.5 * math.cos(math.pi * (progress - warm_up) / (1 - warm_up))


class Stopwatch:
    """Throughput and time to go, for a line per epoch."""

    def __init__(self, epochs: int, images_per_epoch: int):
        self.epochs, self.images_per_epoch = epochs, images_per_epoch
        self.start = time.perf_counter()

    def describe(self, epoch: int) -> str:
        """Throughput and the expected rest after `epoch` epochs."""
        seconds = (time.perf_counter() - self.start) / epoch
        rest = seconds * (self.epochs - epoch)
        return f"{self.images_per_epoch / seconds:.0f} patches/s, {rest:.0f} s to go"
