import math
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from srcnn.device import autocast
from srcnn.errors import InputError
from srcnn.model import SRCNN, save_model
from srcnn.patches import Pair, Patches, to_tensor
from srcnn.resize import imresize
from srcnn.tensors import Weights
from srcnn.training import Objective, Row, balance_ratios, train
from srcnn.vgg import VGGFeatures

MakePair = Callable[..., Pair]
OneLine = Callable[[Any], str]

LAYERS = {"block1_conv2": 0.5, "block2_conv2": 1.0}


@pytest.fixture
def pairs(make_pair: MakePair) -> list[Pair]:
    return [make_pair("0001", 32, 40), make_pair("0002", 36, 28, phase=2)]


@pytest.fixture
def val(make_pair: MakePair) -> list[Pair]:
    return [make_pair("0003", 24, 32, phase=1)]


@pytest.fixture
def vgg(vgg16: Weights) -> VGGFeatures:
    return VGGFeatures(vgg16, "vgg16", LAYERS)


def a_model(start: str = "interpolation") -> SRCNN:
    torch.manual_seed(0)
    model = SRCNN(2)
    if start == "interpolation":
        model.start_from_interpolation()
    return model


def some_patches(pairs: list[Pair], model: SRCNN, batches: int = 8) -> Patches:
    return Patches(
        pairs,
        2,
        model.halo,
        patch_size=16,
        patches_per_image=batches * 4 // len(pairs),
        batch_size=4,
        geometry=True,
        colour=True,
        seed=0,
    )


def run(
    model: SRCNN,
    pairs: list[Pair],
    val: list[Pair],
    objective: Objective | None = None,
    *,
    epochs: int = 2,
    lr: float = 1e-3,
    schedule: str = "constant",
    batches: int = 8,
) -> list[Row]:
    """Train in float32 and return the rows of the loss curve."""
    patches = some_patches(pairs, model, batches)
    context = autocast(torch.device("cpu"), "32")
    return list(train(model, objective or Objective(), patches, val, epochs, lr, schedule, context))


@torch.no_grad()
def val_mse(model: SRCNN, val: list[Pair]) -> float:
    values = []
    for pair in val:
        sr = model(to_tensor(pair.lr[None], torch.device("cpu"))).clamp(0, 1)
        hr = to_tensor(pair.hr[None], torch.device("cpu"))
        values.append(float((sr - hr).square().mean()))
    return float(np.mean(values))


def test_precision_32_computes_in_float32() -> None:
    assert isinstance(autocast(torch.device("cpu"), "32")(), nullcontext)


def test_precision_bf16_computes_convolutions_in_bfloat16() -> None:
    with autocast(torch.device("cpu"), "bf16")():
        assert a_model()(torch.rand(1, 3, 4, 4)).dtype == torch.bfloat16


@pytest.mark.parametrize("schedule", ["constant", "cosine", "one_cycle"])
def test_a_few_steps_lower_the_loss(pairs: list[Pair], val: list[Pair], schedule: str) -> None:
    model = a_model("random")
    before = val_mse(model, val)
    rows = run(model, pairs, val, epochs=3, lr=3e-3, schedule=schedule)
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert rows[-1]["loss"] < rows[0]["loss"] / 2
    assert rows[-1]["val_loss"] < before / 2
    assert val_mse(model, val) == pytest.approx(min(row["val_mse"] for row in rows), rel=1e-5)


def test_the_perceptual_loss_is_lowered_by_training_on_it(
    pairs: list[Pair], val: list[Pair], vgg: VGGFeatures
) -> None:
    objective = Objective(vgg, 0.1, 0.9, LAYERS, balance_ratios(vgg, pairs, 2))
    rows = run(a_model(), pairs, val, objective, epochs=3, batches=6)
    assert rows[-1]["val_loss"] < rows[0]["val_loss"]
    assert rows[-1]["val_perceptual"] < rows[0]["val_perceptual"]


def test_a_row_has_the_raw_and_the_weighted_terms_and_they_add_up(
    pairs: list[Pair], val: list[Pair], vgg: VGGFeatures
) -> None:
    ratios = {"block1_conv2": 30.0, "block2_conv2": 400.0}
    objective = Objective(vgg, 0.1, 0.9, LAYERS, ratios)
    for row in run(a_model(), pairs, val, objective, batches=2):
        for at in ("", "val_"):
            layers = {layer: row[at + layer] for layer in LAYERS}
            perceptual = sum(LAYERS[layer] * term for layer, term in layers.items())
            balanced = sum(LAYERS[layer] * term / ratios[layer] for layer, term in layers.items())
            assert row[f"{at}perceptual"] == pytest.approx(perceptual)
            assert row[f"{at}weighted_mse"] == pytest.approx(0.1 * row[f"{at}mse"])
            assert row[f"{at}weighted_perceptual"] == pytest.approx(0.9 * balanced)
            assert row[f"{at}loss"] == pytest.approx(
                row[f"{at}weighted_mse"] + row[f"{at}weighted_perceptual"]
            )
        assert row["val_psnr_rgb"] == pytest.approx(-10 * math.log10(row["val_mse"]))


def test_the_weights_of_the_epoch_best_on_val_are_kept(pairs: list[Pair], val: list[Pair]) -> None:
    model = a_model()
    # A rate this high makes the loss jump, so that the last epoch is not the best.
    rows = run(model, pairs, val, epochs=6, lr=0.02, batches=2)
    losses = [row["val_loss"] for row in rows]
    assert losses.index(min(losses)) < len(losses) - 1, "the case is not the one to be tested"
    assert val_mse(model, val) == pytest.approx(min(losses), rel=1e-5)


def test_a_rate_at_which_training_diverges_is_named_with_the_epoch(
    pairs: list[Pair], val: list[Pair], one_line: OneLine
) -> None:
    with pytest.raises(InputError) as caught:
        run(a_model(), pairs, val, epochs=3, lr=1e10, batches=2)
    message = one_line(caught)
    assert "epoch" in message
    assert "train.lr" in message
    assert "1e+10" in message


def test_training_that_diverges_in_the_last_step_is_told_as_well(
    pairs: list[Pair], val: list[Pair], one_line: OneLine
) -> None:
    with pytest.raises(InputError) as caught:
        run(a_model(), pairs, val, epochs=1, lr=1e20, batches=1)
    assert "train.lr" in one_line(caught)


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5, 6, 10])
@pytest.mark.parametrize("schedule", ["constant", "cosine", "one_cycle"])
def test_a_run_may_be_of_any_number_of_steps(
    pairs: list[Pair], val: list[Pair], schedule: str, steps: int
) -> None:
    rows = run(a_model(), pairs, val[:1], epochs=steps, schedule=schedule, batches=1)
    assert len(rows) == steps
    assert rows[0]["lr"] <= 1e-3


def test_the_rate_follows_its_schedule(pairs: list[Pair], val: list[Pair]) -> None:
    rates = {}
    for schedule in ("constant", "cosine", "one_cycle"):
        rows = run(a_model(), pairs, val, epochs=12, schedule=schedule, batches=1)
        rates[schedule] = [row["lr"] for row in rows]
    assert rates["constant"] == [1e-3] * 12
    cosine, one_cycle = rates["cosine"], rates["one_cycle"]
    assert cosine[0] == pytest.approx(1e-3, rel=0.05)
    assert cosine == sorted(cosine, reverse=True)
    peak = one_cycle.index(max(one_cycle))
    assert 0 < peak < 4
    assert one_cycle[peak] == pytest.approx(1e-3, rel=0.05)
    assert one_cycle[peak:] == sorted(one_cycle[peak:], reverse=True)
    assert 0 < cosine[-1] < 5e-5
    assert 0 < one_cycle[-1] < 5e-5


def test_val_images_are_judged_as_they_would_be_saved_within_zero_and_one(
    pairs: list[Pair], val: list[Pair]
) -> None:
    model = a_model()
    with torch.no_grad():
        assert model.reconstruction.bias is not None
        model.reconstruction.bias.fill_(9)
    (row,) = run(model, pairs, val, epochs=1, lr=1e-9, batches=1)
    white = np.mean((1 - val[0].hr / 255) ** 2)
    assert row["val_mse"] == pytest.approx(white, rel=1e-5)


def test_two_runs_give_identical_bytes(tmp_path: Path, pairs: list[Pair], val: list[Pair]) -> None:
    curves = []
    for name in ("a", "b"):
        model = a_model()
        curves.append(run(model, pairs, val, batches=3))
        save_model(model, tmp_path / name, {})
    assert curves[0] == curves[1]
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_balance_ratio_is_the_term_over_the_mse_at_the_bicubic_baseline(
    pairs: list[Pair], vgg: VGGFeatures
) -> None:
    pair = pairs[0]
    sr, hr = (
        to_tensor(image[None], torch.device("cpu")) for image in (imresize(pair.lr, 2), pair.hr)
    )
    mse = np.mean((imresize(pair.lr, 2) / 255 - pair.hr / 255) ** 2)
    ratios = balance_ratios(vgg, [pair], 2)
    assert set(ratios) == set(LAYERS)
    for layer in LAYERS:
        difference = (vgg(sr)[layer] - vgg(hr)[layer]).double().numpy()
        assert ratios[layer] == pytest.approx(np.mean(difference**2) / mse, rel=1e-4)


def test_balanced_terms_are_as_large_as_the_mse_at_the_bicubic_baseline(
    pairs: list[Pair], vgg: VGGFeatures
) -> None:
    ratios = balance_ratios(vgg, pairs[:1], 2)
    objective = Objective(vgg, 0.0, 1.0, {"block2_conv2": 1.0}, ratios)
    sr, hr = (
        to_tensor(image[None], torch.device("cpu"))
        for image in (imresize(pairs[0].lr, 2), pairs[0].hr)
    )
    terms = objective.terms(sr, hr)
    assert float(objective.loss(terms)) == pytest.approx(float(terms["mse"]), rel=1e-4)


def test_images_that_bicubic_restores_without_error_cannot_balance(
    vgg: VGGFeatures, one_line: OneLine
) -> None:
    grey = Pair("0001", np.full((16, 16, 3), 9, np.uint8), np.full((8, 8, 3), 9, np.uint8))
    with pytest.raises(InputError) as caught:
        balance_ratios(vgg, [grey], 2)
    assert "loss.balance" in one_line(caught)


def test_images_too_small_for_a_layer_are_told_in_one_line(
    make_pair: MakePair, one_line: OneLine
) -> None:
    # Four pools leave nothing of 8 pixels.
    weights = {
        f"block{block}_conv{conv}.{part}": torch.zeros(shape)
        for block, conv, before, width in (
            *((1, 1, 3, 64), (1, 2, 64, 64), (2, 1, 64, 128), (2, 2, 128, 128)),
            *((3, 1, 128, 256), (3, 2, 256, 256), (3, 3, 256, 256), (4, 1, 256, 512)),
            *((4, 2, 512, 512), (4, 3, 512, 512), (5, 1, 512, 512)),
        )
        for part, shape in (("weight", (width, before, 3, 3)), ("bias", (width,)))
    }
    vgg = VGGFeatures(weights, "vgg16", ["block5_conv1"])
    with pytest.raises(InputError) as caught:
        balance_ratios(vgg, [make_pair("0001", 8, 8)], 2)
    assert "block5_conv1" in one_line(caught)
