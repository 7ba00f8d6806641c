"""What a run will take, as a short table of plain text."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from srcnn.settings import Settings
from tools.run_cost import (
    TIMED_SIDE,
    Photographs,
    Rates,
    benchmark_pixels,
    disk_use,
    find_trainings,
    preparing_seconds,
    scoring_seconds,
    step_seconds,
    training_seconds,
)

_ROW = "{:<20}{:>7}{:>9}{:>11}{:>12}{:>13}"


def plan_text(
    settings: Settings, photographs: Mapping[str, Photographs], rates: Rates, machine: str
) -> str:
    """The plan: photographs, time by stage, disk by place, and the total as the last line.

    Args:
        settings: of the run.
        photographs: by split.
        rates: of this machine.
        machine: in words.

    Raises:
        InputError: a benchmark set is not there.
    """
    counts = [
        f"{'' if found.is_known else 'at most '}{found.images} {split}"
        for split, found in photographs.items()
    ]
    megapixels = sum(found.pixels for found in photographs.values()) / 1e6
    title = f"{settings.data.source}: {' and '.join(counts)} images, {megapixels:.0f} megapixels"
    stages, seconds = _stages(settings, photographs, rates)
    minutes = round(seconds / 60)
    total = f"about {minutes // 60}:{minutes % 60:02d} h on {machine}"
    parts = [[title], stages, _disk(settings, photographs), _notes(settings, photographs)]
    return "\n\n".join("\n".join(lines) for lines in [*parts, [total]])


def _stages(
    settings: Settings, photographs: Mapping[str, Photographs], rates: Rates
) -> tuple[list[str], float]:
    """A line for each training run and for the rest, and the seconds of all."""
    lines, total = [_ROW.format("stage", "epochs", "batches", "steps", "a step", "time")], 0.0
    for training in find_trainings(settings, photographs["train"]):
        step = step_seconds(settings, training, photographs["train"], rates)
        seconds = training_seconds(settings, training, photographs, rates)
        total += seconds
        name = f"train_{training.loss}@{training.scale}"
        numbers = [f"{n:,}" for n in (training.epochs, training.batches, training.steps)]
        lines.append(_ROW.format(name, *numbers, f"{step:.3g} s", _clock(seconds)))
    scales = settings.scales
    rest = {
        "photographs laid out, degraded, decoded": preparing_seconds(scales, photographs),
        "scores, claims, figures, page": scoring_seconds(
            scales, photographs, rates, benchmark_pixels(settings)
        ),
    }
    lines += [f"{what:<59}{_clock(seconds):>13}" for what, seconds in rest.items()]
    return lines, total + sum(rest.values())


def _disk(settings: Settings, photographs: Mapping[str, Photographs]) -> list[str]:
    """A line for each place, and the sum."""
    places = disk_use(settings, photographs)
    total = sum(place.bytes for place in places)
    unit, name = (1e9, "GB") if total >= 1e9 else (1e6, "MB")
    free = f"{shutil.disk_usage(Path()).free / 1e9:.0f} GB are free here"
    rows = [(place.what, place.where, place.bytes) for place in places]
    lines = [
        f"{what:<27}{where:<32}{size / unit:>13.1f}"
        for what, where, size in [*rows, ("all of it", free, total)]
    ]
    return [f"{'disk':<27}{'where':<32}{name:>13}", *lines]


def _notes(settings: Settings, photographs: Mapping[str, Photographs]) -> list[str]:
    """What the figures stand on, and what is not in them."""
    options, load, cores = settings.train, os.getloadavg()[0], len(os.sched_getaffinity(0))
    beginning = "All from the start: what is done already is not done again."
    said = {
        f"{beginning} Downloads take time of their own.": True,
        "How many images have the size of data.same_size is known once they are here.": not all(
            found.is_known for found in photographs.values()
        ),
        f"Whole images were timed as crops of {TIMED_SIDE}×{TIMED_SIDE} pixels, with VGG's "
        "features of HR anew each time; where memory holds them it is quicker.": (
            options.patch_size is None
        ),
        "One device was timed, with its share of a batch.": options.devices * options.nodes > 1,
        "What torch.compile may gain is not counted.": (
            not settings.portable and options.compile != "never"
        ),
        f"This machine is busy (load {load:.0f} on {cores} cores): left alone it is quicker.": (
            load > cores
        ),
    }
    return [line for line, is_so in said.items() if is_so]


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
