import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from srcnn.errors import InputError, Stopped
from srcnn.images.pairs import Pair
from srcnn.models.srcnn import SRCNN
from srcnn.models.tensors import Weights, to_tensor
from srcnn.models.vgg import VGGFeatures
from srcnn.training.checkpoint import Checkpoint
from srcnn.training.fabric import training_fabric
from srcnn.training.objective import Objective, balance_ratios
from srcnn.training.patches import Patches
from srcnn.training.trainer import Plan, Trainer
from srcnn.training.validation import Crops

MakePair = Callable[..., Pair]
OneLine = Callable[[Any], str]
Start = Callable[..., Trainer]

LAYERS = {"block1_conv2": 0.5, "block2_conv2": 1.0}


@pytest.fixture
def pairs(make_pair: MakePair) -> list[Pair]:
    return [make_pair("0001", 32, 40), make_pair("0002", 36, 28, phase=2)]


@pytest.fixture
def val(make_pair: MakePair) -> list[Pair]:
    return [make_pair("0003", 24, 24, phase=1)]


@pytest.fixture
def vgg(vgg16: Weights) -> VGGFeatures:
    return VGGFeatures(vgg16, "vgg16", LAYERS)


@pytest.fixture
def start(tmp_path: Path, pairs: list[Pair], val: list[Pair]) -> Start:
    """A maker of trainers: 2 epochs of 8 batches of 4 patches in float32, or as it is told."""

    def make(
        objective: Objective | None = None,
        *,
        init: str = "interpolation",
        batches: int = 8,
        batch_size: int = 4,
        patch_size: int | None = 16,
        **plan: Any,
    ) -> Trainer:
        torch.manual_seed(0)
        model = SRCNN(2)
        if init == "interpolation":
            model.start_from_interpolation()
        model.to(memory_format=torch.channels_last)
        patches = Patches(
            pairs,
            2,
            model.halo,
            patch_size=patch_size,
            patches_per_image=batches * batch_size // len(pairs),
            batch_size=batch_size,
            geometry=patch_size is not None,
            colour=patch_size is not None,
            seed=0,
        )
        options: dict[str, Any] = {"epochs": 2, "lr": 1e-3, "schedule": "constant"}
        return Trainer(
            training_fabric("32"),
            model,
            objective or Objective(),
            patches,
            Crops(val, 2, model.halo, 10**6),
            Plan(**(options | plan)),
            Checkpoint(tmp_path / "states", plan),
        )

    return make


def weights(trainer: Trainer) -> bytes:
    return b"".join(value.numpy().tobytes() for value in trainer.model.state_dict().values())


@torch.no_grad()
def val_mse(model: SRCNN, val: list[Pair]) -> float:
    values = []
    for pair in val:
        sr = model(to_tensor(pair.lr[None], torch.device("cpu"))).clamp(0, 1)
        hr = to_tensor(pair.hr[None], torch.device("cpu"))
        values.append(float((sr - hr).square().mean()))
    return float(np.mean(values))


@pytest.mark.parametrize("schedule", ["constant", "cosine", "one_cycle"])
def test_a_few_steps_lower_the_loss(start: Start, val: list[Pair], schedule: str) -> None:
    trainer = start(init="random", epochs=3, lr=3e-3, schedule=schedule)
    before = val_mse(trainer.model, val)
    rows = list(trainer.run())
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert rows[-1]["loss"] < rows[0]["loss"] / 2
    assert rows[-1]["val_loss"] < before / 2
    assert val_mse(trainer.model, val) == pytest.approx(
        min(row["val_mse"] for row in rows), rel=1e-5
    )


def test_the_perceptual_loss_is_lowered_by_training_on_it(
    start: Start, pairs: list[Pair], vgg: VGGFeatures
) -> None:
    objective = Objective(vgg, 0.1, 0.9, LAYERS, balance_ratios(vgg, pairs, 2))
    rows = list(start(objective, epochs=3, batches=6).run())
    assert rows[-1]["val_loss"] < rows[0]["val_loss"]
    assert rows[-1]["val_perceptual"] < rows[0]["val_perceptual"]


def test_the_weights_of_the_epoch_best_on_val_are_kept(start: Start, val: list[Pair]) -> None:
    # A rate this high makes the loss jump, so that the last epoch is not the best.
    trainer = start(epochs=6, lr=0.02, batches=2)
    losses = [row["val_loss"] for row in trainer.run()]
    assert losses.index(min(losses)) < len(losses) - 1, "the case is not the one to be tested"
    assert val_mse(trainer.model, val) == pytest.approx(min(losses), rel=1e-5)


def test_a_rate_at_which_training_diverges_is_named_with_epoch_and_batch(
    start: Start, one_line: OneLine
) -> None:
    with pytest.raises(InputError) as caught:
        list(start(epochs=3, lr=1e20, batches=4).run())
    message = one_line(caught)
    assert "epoch 1, batch 2 the loss is not finite" in message
    assert "train.lr" in message
    assert "1e+20" in message


def test_training_that_diverges_in_the_last_step_is_told_as_well(
    start: Start, one_line: OneLine
) -> None:
    with pytest.raises(InputError) as caught:
        list(start(epochs=1, lr=1e20, batches=1).run())
    assert "train.lr" in one_line(caught)


@pytest.mark.parametrize("clip_norm", [None, 1e-6])
def test_gradients_are_scaled_down_to_the_norm_that_is_set(
    start: Start, clip_norm: float | None
) -> None:
    trainer = start(epochs=1, batches=1, clip_norm=clip_norm)
    list(trainer.run())
    gradients = [p.grad for p in trainer.model.parameters() if p.grad is not None]
    norm = float(torch.nn.utils.get_total_norm(gradients))
    assert norm == pytest.approx(clip_norm, rel=1e-3) if clip_norm else norm > 1e-4


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5, 6, 10])
@pytest.mark.parametrize("schedule", ["constant", "cosine", "one_cycle"])
def test_a_run_may_be_of_any_number_of_steps(start: Start, schedule: str, steps: int) -> None:
    rows = list(start(epochs=steps, schedule=schedule, batches=1).run())
    assert len(rows) == steps
    assert rows[0]["lr"] <= 1e-3


def test_the_rate_follows_its_schedule(start: Start) -> None:
    rates = {}
    for schedule in ("constant", "cosine", "one_cycle"):
        rows = start(epochs=12, schedule=schedule, batches=1).run()
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


def test_two_runs_give_identical_bytes_and_another_seed_gives_others(start: Start) -> None:
    runs = []
    for seed in (0, 0, 1):
        trainer = start(batches=3)
        trainer.patches.seed = seed
        runs.append((list(trainer.run()), weights(trainer)))
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def small_parts_change_nothing(start: Start, objective: Objective) -> None:
    whole, parts = (start(objective, batches=3, micro_batch=size) for size in (None, 1))
    rows = list(whole.run()), list(parts.run())
    for row, other in zip(*rows, strict=True):
        assert other == pytest.approx(row, rel=1e-5)
    for value, other_value in zip(whole.model.parameters(), parts.model.parameters(), strict=True):
        torch.testing.assert_close(other_value, value, rtol=1e-3, atol=1e-5)


def test_micro_batches_change_rounding_alone(start: Start) -> None:
    small_parts_change_nothing(start, Objective())


def test_micro_batches_change_rounding_alone_with_the_perceptual_loss(
    start: Start, vgg: VGGFeatures
) -> None:
    ratios = {"block1_conv2": 30.0, "block2_conv2": 400.0}
    small_parts_change_nothing(start, Objective(vgg, 0.1, 0.9, LAYERS, ratios))


def test_vgg_sees_whole_hr_images_once_and_that_changes_nothing(
    start: Start, vgg: VGGFeatures, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    forward = VGGFeatures.forward

    def watched(self: VGGFeatures, image: torch.Tensor) -> Weights:
        seen.append(image.requires_grad)
        return forward(self, image)

    monkeypatch.setattr(VGGFeatures, "forward", watched)
    objective = Objective(vgg, 0.1, 0.9, LAYERS, dict.fromkeys(LAYERS, 100.0))
    results = []
    for share, hr_images in ((0.0, 6), (0.5, 2)):  # three epochs of two images
        monkeypatch.setattr("srcnn.training.hr_features.SHARE", share)
        trainer = start(objective, patch_size=None, batch_size=1, epochs=3)
        monkeypatch.setattr("srcnn.training.trainer.validate", lambda *_: {"loss": 1.0})
        seen.clear()
        results.append(curve_and_weights(trainer))
        assert seen.count(True) == 6, "each SR image goes through VGG"
        assert seen.count(False) == hr_images
    assert results[0] == results[1]


def curve_and_weights(trainer: Trainer) -> tuple[list[list[tuple[str, float]]], bytes]:
    """Rows with their columns in order, as they are written, and the weights."""
    list(trainer.run())
    return [list(row.items()) for row in trainer.progress.rows], weights(trainer)


def save_at_every_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Trainer, "_agreed", lambda self, due, stop: [True, stop])


class KilledError(Exception):
    """Stands for a kill."""


@pytest.mark.parametrize("batches", range(1, 12))
def test_a_run_that_is_killed_goes_on_and_ends_the_same(
    start: Start, monkeypatch: pytest.MonkeyPatch, vgg: VGGFeatures, batches: int
) -> None:
    ratios = {"block1_conv2": 30.0, "block2_conv2": 400.0}
    objective = Objective(vgg, 0.1, 0.9, LAYERS, ratios)
    options: dict[str, Any] = {"batches": 4, "epochs": 3, "schedule": "one_cycle"}
    expected = curve_and_weights(start(objective, **options))
    save_at_every_batch(monkeypatch)
    killed, step, steps = start(objective, **options), Trainer._step, 0
    killed.checkpoint.remove()

    def step_or_die(self: Trainer, *arguments: Any) -> Any:
        nonlocal steps
        if steps == batches:
            raise KilledError
        steps += 1
        return step(self, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "_step", step_or_die)
        with pytest.raises(KilledError):
            list(killed.run())
    again = start(objective, **options)
    assert curve_and_weights(again) == expected


def test_a_run_that_is_asked_to_stop_saves_and_goes_on(
    start: Start, one_line: OneLine, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = curve_and_weights(start())
    stopped = start()
    rows = stopped.run()
    next(rows)
    stopped.stop_asked = True
    with pytest.raises(Stopped, match="epoch 2, batch 1"):
        next(rows)
    assert curve_and_weights(start()) == expected
    assert "going on from epoch 2, batch 1" in capsys.readouterr().out


def test_a_loss_that_is_not_finite_leaves_the_last_good_state(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = curve_and_weights(start())
    save_at_every_batch(monkeypatch)
    failing = start()
    draw = Trainer._draw

    def spoilt(self: Trainer, number: int) -> Any:
        drawn = draw(self, number)
        lr, hr = drawn.arrays
        return replace(drawn, arrays=(lr * math.nan, hr)) if number == 5 else drawn

    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "_draw", spoilt)
        with pytest.raises(InputError, match="epoch 1, batch 6 the loss is not finite"):
            list(failing.run())
    again = start()
    assert again.checkpoint.load() is not None
    assert curve_and_weights(again) == expected
