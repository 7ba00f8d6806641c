"""`srcnn compare --seeds`: two methods compared over images and seeds, as a table or as JSON."""

import textwrap
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from srcnn.analysis.seed_runs import SeedRuns
from srcnn.analysis.seeds import SeedSummary
from srcnn.evaluation.metrics import METRICS, json_values
from srcnn.utils.text import printable, text_table

_ENOUGH = 5
"""Fewest seeds without a warning; benchmarks/seed_error_rates.py shows what fewer do."""


def as_json(found: SeedRuns) -> dict[str, Any]:
    """`runs` by seed; `metrics`: statistics by metric; `images`: differences by image and seed.

    Numbers have six significant digits; an infinite or unknown one is null.
    """
    images: dict[str, dict[str, Any]] = {
        number: {"photograph": found.photographs.get(number)} for number in found.images
    }
    for metric, table in found.differences.items():
        for number, row in table.iterrows():
            by_seed = {str(seed): float(value) for seed, value in row.items()}
            images[str(number)][metric] = json_values(by_seed)
    metrics = {
        metric: {"lower_is_better": METRICS[metric].lower_is_better, **json_values(asdict(summary))}
        for metric, summary in found.statistics().items()
    }
    runs = {str(seed): name for seed, name in found.runs.items()}
    about = {"a": found.a, "b": found.b, "runs": runs}
    return {**about, "metrics": metrics, "images": images, "notes": list(_notes(found))}


def as_text(found: SeedRuns) -> str:
    """A table with a row per metric, and notes."""
    images, seeds = len(found.images), len(found.runs)
    runs = ", ".join(f"{name} (seed {seed})" for seed, name in found.runs.items())
    counts = f"{images} image{'s' * (images != 1)}, {seeds} seeds"
    title = f"{found.a} minus {found.b}, {counts}: {runs}"
    columns = ["difference", "95 % interval", "sd images", "sd seeds", "sd rest"]
    rows = [["", *columns, "seed share", "seeds agree"]]
    rows += [_row(metric, summary, seeds) for metric, summary in found.statistics().items()]
    notes = (textwrap.fill(note, 100, break_on_hyphens=False) for note in _notes(found))
    return "\n\n".join([printable(title), text_table(rows), *notes])


def _row(name: str, summary: SeedSummary, seeds: int) -> list[str]:
    metric = METRICS[name]
    low, high = (metric.difference(end) for end in (summary.low, summary.high))
    parts = (summary.image_sd, summary.seed_sd, summary.residual_sd)
    return [
        metric.label,
        metric.difference(summary.mean),
        "none" if summary.low is None else f"[{low}, {high}]",
        *(metric.text(part, metric.digits + 1) for part in parts),
        "–" if summary.seed_share is None else f"{summary.seed_share:.0%}".replace("%", " %"),
        f"{summary.seeds_agree} of {seeds}",
    ]


def _notes(found: SeedRuns) -> Iterator[str]:
    seeds, statistics = len(found.runs), found.statistics()
    yield (
        "95 % interval: of the mean difference for new images and new seeds. sd: standard "
        "deviation between images, between seeds, and of the rest. seed share: part of the mean's "
        "variance that is due to the seeds. seeds agree: those in which the mean difference has "
        "the sign of the whole. ↓: lower is better; ↑: higher is better."
    )
    if seeds < _ENOUGH:
        yield (
            f"With {seeds} seeds, their variance is hardly known: the interval is wide if they "
            "differ, and misses a true 0 in up to 19 % of cases with 2 seeds and 14 % with 3, "
            f"instead of 5 %. Use {_ENOUGH} seeds or more (docs/comparing-runs.md)."
        )
    if any(summary.images < len(found.images) for summary in statistics.values()):
        yield (
            "A result that is identical to the ground truth has an infinite PSNR. Such images are "
            "left out."
        )
    yield from map(printable, found.notes)
