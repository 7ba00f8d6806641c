import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from srcnn.errors import InputError, Stopped
from srcnn.images.pairs import Pair
from srcnn.models.dct import use_dct
from srcnn.models.srcnn import SRCNN
from srcnn.models.tensors import Weights, to_tensor
from srcnn.models.vgg import VGGFeatures
from srcnn.training.checkpoint import Checkpoint
from srcnn.training.fabric import launch_fabric
from srcnn.training.objective import Objective, PerceptualTerm, PixelTerm, Term, balance_ratios
from srcnn.training.patches import Patches
from srcnn.training.step import Batch, Plan, TrainingStep
from srcnn.training.trainer import Trainer
from srcnn.training.validation import Crops

MakePair = Callable[..., Pair]
OneLine = Callable[[Any], str]
Start = Callable[..., Trainer]

LAYERS = {"block1_conv2": 0.5, "block2_conv2": 1.0}
RATIOS = {"block1_conv2": 30.0, "block2_conv2": 400.0}


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
    """A maker of trainers: 2 epochs of 8 batches of 4 patches in float32, or with other options."""

    def make(
        objective: Objective | None = None,
        *,
        init: str = "interpolation",
        basis: str = "pixels",
        batches: int = 8,
        batch_size: int = 4,
        patch_size: int | None = 16,
        **plan: Any,
    ) -> Trainer:
        torch.manual_seed(0)
        model = SRCNN(2)
        if init == "interpolation":
            model.start_from_interpolation()
        if basis == "dct":
            use_dct(model.features)
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
        step = TrainingStep(
            launch_fabric("32"), model, objective or Objective(), patches, Plan(**options | plan)
        )
        crops = Crops(val, 2, model.halo, 10**6)
        return Trainer(step, crops, Checkpoint(tmp_path / "states", plan))

    return make


def eq_3(vgg: VGGFeatures) -> Objective:
    return Objective([PixelTerm(weight=0.1), PerceptualTerm(vgg, LAYERS, 0.9)], RATIOS)


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
    assert val_mse(trainer.model, val) == pytest.approx(rows[-1]["val_mse"], rel=1e-5)


def test_the_perceptual_loss_is_lowered_by_training_on_it(
    start: Start, pairs: list[Pair], vgg: VGGFeatures
) -> None:
    terms = eq_3(vgg).terms
    ratios = balance_ratios(Objective(terms), pairs, 2, torch.device("cpu"))
    rows = list(start(Objective(terms, ratios), epochs=3, batches=6).run())
    assert rows[-1]["val_loss"] < rows[0]["val_loss"]
    assert rows[-1]["val_perceptual"] < rows[0]["val_perceptual"]


def test_the_last_epoch_is_kept_or_the_best_on_images_set_aside(
    start: Start, val: list[Pair]
) -> None:
    # At this learning rate the loss jumps, so that the last epoch is not the best.
    last = start(epochs=6, lr=0.02, batches=2)
    losses = [row["val_loss"] for row in last.run()]
    assert losses.index(min(losses)) < len(losses) - 1, "the test does not apply"
    assert val_mse(last.model, val) == pytest.approx(losses[-1], rel=1e-5)
    assert last.kept["val_loss"] == losses[-1]

    best = start(epochs=6, lr=0.02, batches=2)
    best.selection = best.crops
    rows = list(best.run())
    assert [row["select_loss"] for row in rows] == [row["val_loss"] for row in rows] == losses
    assert val_mse(best.model, val) == pytest.approx(min(losses), rel=1e-5)
    assert best.kept["select_loss"] == min(losses)


def test_divergence_names_the_rate_the_epoch_and_the_batch(start: Start, one_line: OneLine) -> None:
    with pytest.raises(InputError) as caught:
        list(start(epochs=3, lr=1e20, batches=4).run())
    message = one_line(caught)
    assert "epoch 1, batch 2 the loss is not finite" in message
    assert "train.lr" in message
    assert "1e+20" in message


def test_divergence_in_the_last_step_is_reported(start: Start, one_line: OneLine) -> None:
    with pytest.raises(InputError) as caught:
        list(start(epochs=1, lr=1e20, batches=1).run())
    assert "train.lr" in one_line(caught)


@pytest.mark.parametrize("clip_norm", [None, 1e-6])
def test_gradients_are_scaled_down_to_clip_norm(start: Start, clip_norm: float | None) -> None:
    trainer = start(epochs=1, batches=1, clip_norm=clip_norm)
    list(trainer.run())
    gradients = [p.grad for p in trainer.model.parameters() if p.grad is not None]
    norm = float(torch.nn.utils.get_total_norm(gradients))
    assert norm == pytest.approx(clip_norm, rel=1e-3) if clip_norm else norm > 1e-4


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5, 6, 10])
@pytest.mark.parametrize("schedule", ["constant", "cosine", "one_cycle"])
def test_a_run_can_have_any_number_of_steps(start: Start, schedule: str, steps: int) -> None:
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


def test_two_runs_have_identical_bytes_and_another_seed_has_others(start: Start) -> None:
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
        assert other == pytest.approx(row, rel=1e-4)  # 3e-5 on a CPU with AMX
    for value, other_value in zip(whole.model.parameters(), parts.model.parameters(), strict=True):
        torch.testing.assert_close(other_value, value, rtol=1e-3, atol=1e-5)


def test_micro_batches_change_only_the_rounding(start: Start) -> None:
    small_parts_change_nothing(start, Objective())


def test_micro_batches_change_only_the_rounding_with_the_perceptual_loss(
    start: Start, vgg: VGGFeatures
) -> None:
    small_parts_change_nothing(start, eq_3(vgg))


def test_caching_the_features_of_whole_hr_images_changes_nothing(
    start: Start, vgg: VGGFeatures, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    forward = VGGFeatures.forward

    def watched(self: VGGFeatures, image: torch.Tensor) -> Weights:
        seen.append(image.requires_grad)
        return forward(self, image)

    monkeypatch.setattr(VGGFeatures, "forward", watched)
    results = []
    for share, hr_images in ((0.0, 6), (0.5, 2)):  # three epochs of two images
        monkeypatch.setattr("srcnn.training.objective.FEATURE_MEMORY_SHARE", share)
        trainer = start(eq_3(vgg), patch_size=None, batch_size=1, epochs=3)
        monkeypatch.setattr("srcnn.training.trainer.validate", lambda *_: {"loss": 1.0})
        seen.clear()
        results.append(curve_and_weights(trainer))
        assert seen.count(True) == 6, "each SR image passes through VGG"
        assert seen.count(False) == hr_images
    assert results[0] == results[1]


def curve_and_weights(trainer: Trainer) -> tuple[list[list[tuple[str, float]]], bytes]:
    """Rows with their columns in order, as they are written, and the weights."""
    list(trainer.run())
    return [list(row.items()) for row in trainer.progress.rows], weights(trainer)


def save_at_every_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Trainer, "_any_process", lambda self, due, stop: [True, stop])


class KilledError(Exception):
    """Stands for a kill."""


@pytest.fixture(scope="module")
def uninterrupted() -> list[Any]:
    """The result of the run that the next test kills, from when its first case has made it."""
    return []


@pytest.mark.parametrize("batches", range(1, 12))
def test_a_killed_run_continues_and_ends_with_the_same_bytes(
    start: Start,
    monkeypatch: pytest.MonkeyPatch,
    vgg: VGGFeatures,
    batches: int,
    uninterrupted: list[Any],
) -> None:
    objective = eq_3(vgg)
    options: dict[str, Any] = {"batches": 4, "epochs": 3, "schedule": "one_cycle", "basis": "dct"}
    if not uninterrupted:
        uninterrupted.append(curve_and_weights(start(objective, **options)))
    save_at_every_batch(monkeypatch)
    killed, step, steps = start(objective, **options), TrainingStep.__call__, 0
    assert killed.checkpoint is not None
    killed.checkpoint.remove()

    def step_or_die(self: TrainingStep, *arguments: Any) -> Any:
        nonlocal steps
        if steps == batches:
            raise KilledError
        steps += 1
        return step(self, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(TrainingStep, "__call__", step_or_die)
        with pytest.raises(KilledError):
            list(killed.run())
    again = start(objective, **options)
    assert [curve_and_weights(again)] == uninterrupted


def test_a_run_saves_on_request_to_stop_and_continues(
    start: Start, one_line: OneLine, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = curve_and_weights(start())
    stopped = start()
    rows = stopped.run()
    next(rows)
    stopped.stop_requested = True
    with pytest.raises(Stopped, match="epoch 2, batch 1"):
        next(rows)
    assert curve_and_weights(start()) == expected
    assert "continuing an unfinished run from epoch 2, batch 1" in capsys.readouterr().out


def test_a_loss_that_is_not_finite_keeps_the_last_good_checkpoint(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = curve_and_weights(start())
    save_at_every_batch(monkeypatch)
    failing = start()
    draw = TrainingStep.draw

    def draw_nan(self: TrainingStep, epoch: int, number: int) -> Batch:
        batch = draw(self, epoch, number)
        lr, hr = batch.arrays
        return replace(batch, arrays=(lr * math.nan, hr)) if number == 5 else batch

    with monkeypatch.context() as patched:
        patched.setattr(TrainingStep, "draw", draw_nan)
        with pytest.raises(InputError, match="epoch 1, batch 6 the loss is not finite"):
            list(failing.run())
    again = start()
    assert again.checkpoint is not None
    assert again.checkpoint.load() is not None
    assert curve_and_weights(again) == expected


class TotalVariation(Term):
    """A third term: the mean absolute difference of neighbouring pixels of SR."""

    def measure(
        self, sr: torch.Tensor, hr: torch.Tensor, images: Sequence[Hashable]
    ) -> dict[str, torch.Tensor]:
        return {self.name: sr.diff(dim=2).abs().mean() + sr.diff(dim=3).abs().mean()}


def test_a_third_term_is_one_class_and_has_its_columns_in_the_curve(
    start: Start, pairs: list[Pair], vgg: VGGFeatures
) -> None:
    terms = [*eq_3(vgg).terms, TotalVariation("tv", 0.5)]
    ratios = balance_ratios(Objective(terms), pairs, 2, torch.device("cpu"))
    rows = list(start(Objective(terms, ratios), epochs=3).run())
    columns = [
        *("loss", "mse", "perceptual", "tv"),
        *("weighted_mse", "weighted_perceptual", "weighted_tv"),
        *LAYERS,
    ]
    for row in rows:
        names = list(row)
        assert names[: 2 + len(columns)] == ["epoch", "lr", *columns]
        assert names[2 + len(columns) :][: len(columns)] == [f"val_{name}" for name in columns]
        weighted = [row[f"weighted_{name}"] for name in ("mse", "perceptual", "tv")]
        assert sum(weighted) == pytest.approx(row["loss"])
        assert row["weighted_tv"] == pytest.approx(0.5 * row["tv"] / ratios["tv"])
    smoother = start(Objective([PixelTerm(), TotalVariation("tv", 1.0)]), epochs=3)
    assert list(smoother.run())[-1]["tv"] < rows[-1]["tv"]


def test_steps_are_timed_without_saving_anything(start: Start) -> None:
    trainer = start()
    assert len(trainer.time_steps(0.0)) == 1
    times = trainer.time_steps(0.1)
    assert sum(times[:-1]) < 0.1 <= sum(times)
    assert trainer.progress.rows == []
    assert trainer.checkpoint is not None
    assert not trainer.checkpoint.folder.exists()
