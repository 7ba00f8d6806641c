"""Runs that differ only in `seed`, and the differences of two methods in each of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import pandas as pd

from srcnn.analysis.method_pairs import check_metric, pair_methods, read_method
from srcnn.analysis.runs import Run, find_run
from srcnn.analysis.seeds import SeedSummary, summarise_seeds
from srcnn.analysis.statistics import subtract
from srcnn.errors import InputError
from srcnn.utils.text import join_names


@dataclass(frozen=True, eq=False)
class SeedRuns:
    """Two methods in several runs with the same images."""

    a: str  # the first method, such as `x4/perceptual`
    b: str
    runs: Mapping[int, str]  # the names of the runs by seed
    differences: Mapping[str, pd.DataFrame]  # by metric, a minus b: a row for each image, by seed
    photographs: Mapping[str, str]  # names of the originals by image; may be incomplete
    notes: Sequence[str] = ()  # what was left out

    @property
    def images(self) -> list[str]:
        """The images by their numbers in the first run."""
        return list(next(iter(self.differences.values())).index)

    def statistics(self) -> dict[str, SeedSummary]:
        """The sources of variance by metric."""
        tables = self.differences.items()
        return {metric: summarise_seeds(table.to_numpy(float)) for metric, table in tables}


def read_seed_runs(
    a: str, b: str, names: Sequence[str], metric: str | None, *, common: bool = False
) -> SeedRuns:
    """Read two methods, such as `x4/mse`, in runs that differ only in `seed`.

    With `common`, images that not all runs have are left out.

    Raises:
        InputError: there are fewer than two runs, two have the same seed, or they differ in other
            settings, code, images or conventions; no image is in all runs; and as `read_pair`.
    """
    check_metric(metric)
    if named := [name for name in (a, b) if ":" in name]:
        raise InputError(f"{named[0]}: --seeds names the runs, so the method is named without one")
    if len(names) < 2:
        raise InputError(f"--seeds {' '.join(names)}: name two or more runs, with different seeds")
    runs = [find_run(name) for name in names]
    seeds = _read_seeds(runs)
    for run in runs[1:]:
        if changed := runs[0].changed_code(run):
            advice = "run both with the same code"
            raise InputError(f"{runs[0]} and {run}: differ in {join_names(changed)}; {advice}")
    methods = [(read_method(a, run), read_method(b, run)) for run in runs]
    first = pair_methods(*methods[0], metric, common=common)
    columns: dict[str, list[pd.Series]] = {name: [] for name in first.first}
    notes = list(first.notes)
    for of_run in methods:
        # Each method is paired with itself in the first run, so images are numbered as there.
        ours, theirs = (
            pair_methods(one, other, metric, common=common)
            for one, other in zip(methods[0], of_run, strict=True)
        )
        notes += ours.notes
        for name, found in columns.items():
            found.append(subtract(ours.second[name], theirs.second[name]))
    tables = {n: pd.concat(found, axis=1, join="inner", keys=seeds) for n, found in columns.items()}
    if next(iter(tables.values())).empty:  # although the first run shares some with each
        raise InputError(f"--seeds {' '.join(names)}: none of the images is shared by all runs")
    by_seed = dict(zip(seeds, names, strict=True))
    return SeedRuns(a, b, by_seed, tables, first.photographs, notes)


def _read_seeds(runs: Sequence[Run]) -> list[int]:
    """The seeds of the runs; InputError if two are equal, or if another setting differs."""
    settings = [dict(flat_settings(run.settings())) for run in runs]
    first = settings[0]
    for run, other in zip(runs[1:], settings[1:], strict=True):
        changed = [
            f"{name} ({first.get(name, 'unset')} and {other.get(name, 'unset')})"
            for name in dict.fromkeys([*first, *other])
            if name != "seed" and first.get(name, "unset") != other.get(name, "unset")
        ]
        if changed:
            advice = "--seeds needs runs that differ only in seed"
            raise InputError(f"{runs[0]} and {run}: differ in {join_names(changed)}; {advice}")
    seeds: list[int] = []
    for run, values in zip(runs, settings, strict=True):
        if not isinstance(seed := values.get("seed"), int):
            raise InputError(f"{run.label('params.yaml')}: seed: a whole number, not {seed!r}")
        seeds.append(seed)
    for (run, seed), (other_run, other_seed) in combinations(zip(runs, seeds, strict=True), 2):
        if seed == other_seed:
            raise InputError(f"{run} and {other_run}: both have seed {seed}; --seeds needs others")
    return seeds


def flat_settings(values: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every setting with its dotted name, such as `train.lr`; an empty map is a value."""
    if isinstance(values, dict) and values:
        for key, value in values.items():
            yield from flat_settings(value, f"{name}.{key}" if name else str(key))
    else:
        yield name, values
