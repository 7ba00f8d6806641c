"""Print what a run of params.yaml takes: images, steps, time and disk (`make plan`).

Steps are timed for ten seconds with random weights. Nothing is downloaded or written.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

from tqdm import tqdm

from srcnn.settings import Settings
from srcnn.utils.machine import cpu_count, load_average
from srcnn.utils.text import text_table
from stages.run_stage import run_stage
from tools import run_cost
from tools.run_cost import Photographs, Rates
from tools.time_steps import describe_machine, measure_rates, single_process_fabric

BUDGET = 10.0  # seconds to time training steps


def main(settings: Settings) -> None:
    """Print the plan."""
    photographs = run_cost.find_photographs(settings.data)
    fabric = single_process_fabric(settings)
    rates = measure_rates(settings, fabric, BUDGET)
    print(plan_text(settings, photographs, rates, describe_machine(fabric)))


def plan_text(
    settings: Settings, photographs: Mapping[str, Photographs], rates: Rates, machine: str
) -> str:
    """Photographs, time by stage, disk by folder, notes, and the total time as the last line.

    Raises:
        InputError: a benchmark set is missing.
    """
    counts = [
        f"{'' if found.is_known else 'at most '}{found.images} {split}"
        for split, found in photographs.items()
    ]
    megapixels = sum(found.pixels for found in photographs.values()) / 1e6
    images = f"{', '.join(counts[:-1])} and {counts[-1]} images"
    title = f"{settings.data.source}: {images}, {megapixels:.0f} megapixels"
    stages, seconds = _stages(settings, photographs, rates)
    minutes = round(seconds / 60)
    total = f"about {minutes // 60}:{minutes % 60:02d} h on {machine}"
    notes = "\n".join(_notes(settings, photographs))
    return "\n\n".join([title, stages, _disk(settings, photographs), notes, total])


def _stages(
    settings: Settings, photographs: Mapping[str, Photographs], rates: Rates
) -> tuple[str, float]:
    """A table of the training runs and the other stages, and the seconds of them all."""
    rows, seconds = [], []
    for run in run_cost.find_trainings(settings, photographs["train"]):
        step = run_cost.step_seconds(settings, run, photographs["train"], rates)
        seconds.append(run_cost.training_seconds(settings, run, photographs, rates))
        numbers = [f"{n:,}" for n in (run.epochs, run.batches, run.steps)]
        rows.append([f"train_{run.loss}@{run.scale}", *numbers, f"{step:.3g} s"])
    others = {
        "copy, degrade, decode photographs": run_cost.preparing_seconds(settings, photographs),
        "scores, claims, figures, report": run_cost.scoring_seconds(
            settings.scales, photographs, rates, run_cost.benchmark_images(settings)
        ),
    }
    rows += [[name, "", "", "", ""] for name in others]
    seconds += others.values()
    heads = ("stage", "epochs", "batches", "steps", "a step", "time")
    rows = [[*row, tqdm.format_interval(time)] for row, time in zip(rows, seconds, strict=True)]
    return text_table([heads, *rows]), sum(seconds)


def _disk(settings: Settings, photographs: Mapping[str, Photographs]) -> str:
    """A table of what the run stores, and the sum."""
    uses = run_cost.disk_use(settings, photographs)
    total = sum(use.bytes for use in uses)
    unit, name = (1e9, "GB") if total >= 1e9 else (1e6, "MB")
    free = f"{shutil.disk_usage(Path()).free / 1e9:.0f} GB are free here"
    rows = [[use.what, use.where, f"{use.bytes / unit:.1f}"] for use in uses]
    rows.append(["total", free, f"{total / unit:.1f}"])
    return text_table([["disk", "where", name], *rows], left=(0, 1))


def _notes(settings: Settings, photographs: Mapping[str, Photographs]) -> list[str]:
    """What the estimate assumes and what it leaves out."""
    options, load, cores = settings.train, load_average(), cpu_count()
    side = run_cost.TIMED_SIDE
    notes = [
        "The times are for a run from the start, without downloads. A rerun skips what is done."
    ]
    if not all(found.is_known for found in photographs.values()):
        notes += ["Only the download shows how many images have the size of data.same_size."]
    if options.patch_size is None:
        notes += [
            f"Whole images were timed as crops of {side}×{side} pixels, with VGG's HR features "
            "computed in every step; if they fit in memory, a run is faster."
        ]
    if options.devices * options.nodes > 1:
        notes += ["One device was timed, with its share of a batch."]
    if not settings.portable and options.compile != "never":
        notes += ["torch.compile may make a run faster."]
    if load is not None and load > cores:
        notes += [
            f"This machine is busy (load {load:.0f} on {cores} cores); when idle, it is faster."
        ]
    return notes


if __name__ == "__main__":
    run_stage(main)
