"""Two methods, of one run or of two, and their scores of the same images.

Runs may number the same photographs differently, so images of two runs are paired by checksum.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from srcnn.analysis.comparisons import count_wins
from srcnn.analysis.results import read_names
from srcnn.analysis.runs import Run, find_run
from srcnn.analysis.statistics import sign_test, subtract, summarise
from srcnn.errors import InputError
from srcnn.evaluation.metrics import METRICS
from srcnn.utils.text import join_names

_INDEX = Path("data/hr/index.csv")


@dataclass(frozen=True, eq=False)
class Method:
    """The scores of a method in a run."""

    name: str  # as typed, such as `half:x4/mse`
    run: Run
    scale: str  # such as `x4`
    scores: pd.DataFrame  # a row for each image, by number, and a column for each metric


@dataclass(frozen=True, eq=False)
class MethodPair:
    """The scores of two methods for the same images."""

    a: str  # the first method, such as `x4/mse`
    b: str
    first: pd.DataFrame  # scores of `a`: a row for each image, a column for each metric
    second: pd.DataFrame  # scores of `b`, with the same rows and columns
    photographs: Mapping[str, str]  # names of the originals by image; may be incomplete
    notes: Sequence[str] = ()  # what was left out

    def statistics(self) -> dict[str, dict[str, Any]]:
        """Statistics of `first` minus `second` by metric, with the keys of the JSON output."""
        rows = {}
        for metric in self.first:
            summary = summarise(subtract(self.first[metric], self.second[metric]))
            wins, ties, losses = count_wins(metric, summary)
            rows[metric] = {
                "lower_is_better": METRICS[metric].lower_is_better,
                "a": _mean(self.first[metric]),
                "b": _mean(self.second[metric]),
                "infinite": summary.infinite,
                "mean_difference": summary.mean,
                "low": summary.low,
                "high": summary.high,
                "p": sign_test(summary.above, summary.below),
                "wins": wins,
                "ties": ties,
                "losses": losses,
                "significant": summary.is_significant,
            }
        return rows


def read_method(name: str, run: Run | None = None) -> Method:
    """Read a method, such as `x4/mse`, of a run; without one, its name may start with `half:`.

    Raises:
        InputError: there is no such run or method, or a file is damaged.
    """
    if run is None:
        revision, colon, method = name.rpartition(":")
        run = find_run(revision) if colon else Run("")
    else:
        method, name = name, f"{run.name}:{name}"
    scale, _, wanted = method.partition("/")
    scales = run.scales()
    table = run.scores(scale) if scale in scales else None
    if table is None or wanted not in set(table["method"]):
        known = [f"{s}/{m}" for s in scales for m in run.scores(s)["method"].unique()]
        raise InputError(f"{name}: no such method; there are {', '.join(known)}")
    rows = table[table["method"] == wanted].drop(columns="method").set_index("image")
    return Method(name, run, scale, rows)


def read_pair(a: str, b: str, metric: str | None, *, common: bool = False) -> MethodPair:
    """Read two methods, such as `x4/mse` or `half:x4/mse`, by one metric, or by all (None).

    With `common`, images that only one of them has are left out.

    Raises:
        InputError: there is no such run, method or metric, a file is damaged, the methods were
            scored on different images, or a metric was computed differently.
    """
    check_metric(metric)
    return pair_methods(read_method(a), read_method(b), metric, common=common)


def check_metric(metric: str | None) -> None:
    """InputError for an unknown metric."""
    if metric is not None and metric not in METRICS:
        raise InputError(f"--metric {metric}: no such metric; there are {', '.join(METRICS)}")


def pair_methods(a: Method, b: Method, metric: str | None, *, common: bool = False) -> MethodPair:
    """Pair the images of two methods; errors as `read_pair`."""
    metrics = _shared_metrics(a, b, metric)
    ours, theirs = _images(a, b), _images(b, a)
    shared = [key for key in ours if key in theirs]
    photographs = _photographs(a)
    left_out = []
    for method, images, others in ((a, ours, theirs), (b, theirs, ours)):
        if only := [number for key, number in images.items() if key not in others]:
            known = photographs if method is a else _photographs(b)
            names = join_names([f"{number} {known.get(number, '')}".strip() for number in only])
            left_out.append(f"only {method.name} has {names}")
    if left_out and not (common and shared):
        advice = f"--common compares the {len(shared)} that both have"
        reason = f"scored on different images ({'; '.join(left_out)})"
        raise InputError(
            f"{a.name} and {b.name}: {reason}; {advice if shared else 'none is shared'}"
        )
    first = a.scores.loc[[ours[key] for key in shared], metrics]
    second = b.scores.loc[[theirs[key] for key in shared], metrics].set_axis(first.index)
    count = len(ours) + len(theirs) - 2 * len(shared)
    notes = [f"Left out: {count} image{'s' * (count != 1)}: {'; '.join(left_out)}."] * bool(count)
    return MethodPair(a.name, b.name, first, second, photographs, notes)


def _images(method: Method, other: Method) -> dict[Hashable, str]:
    """The numbers of a method's images, by what makes them the same image for the other method.

    That is the number within a run, and otherwise the checksum and how often it came before.
    """
    numbers = list(method.scores.index)
    if method.run.is_same(other.run):
        return dict(zip(numbers, numbers, strict=True))
    listed = method.run.images(method.scale)
    if missing := [number for number in numbers if number not in listed.index]:
        file = method.run.label(f"metrics/{method.scale}_images.csv")
        raise InputError(f"{file}: lacks {join_names(missing)}; run the stage evaluate again")
    checksums = listed.loc[numbers, "sha256"]
    copies = checksums.groupby(checksums).cumcount()
    return dict(zip(zip(checksums, copies, strict=True), numbers, strict=True))


def _photographs(method: Method) -> Mapping[str, str]:
    """Names of the photographs of a run, as far as they are known."""
    try:
        return dict(method.run.images(method.scale)["name"])
    except InputError:  # an earlier version made this run
        return read_names(_INDEX) if not method.run.name and _INDEX.is_file() else {}


def _mean(values: pd.Series) -> float | None:
    """The mean of the finite values, or None."""
    finite = values[np.isfinite(values)]
    return None if finite.empty else float(finite.mean())


def _shared_metrics(a: Method, b: Method, metric: str | None) -> list[str]:
    """The metrics to compare; InputError if one is missing or its conventions differ."""
    either = [name for name in METRICS if name in a.scores or name in b.scores]
    conventions: list[Mapping[str, Any]] = [{}, {}]
    if not a.run.is_same(b.run):
        conventions = [_without_scale(m.run.convention(m.scale), m.scale) for m in (a, b)]
    problems = {
        name: list(_differences(name, a, b, *(each.get(name, {}) for each in conventions)))
        for name in either
    }
    wanted = [metric] if metric is not None else either
    found = [f"{name}: {text}" for name in wanted for text in problems.get(name, ["no scores"])]
    if found:
        matching = [name for name in either if not problems[name]]
        advice = f"--metric can be {', '.join(matching)}" if matching else "no metric matches"
        raise InputError(f"{a.name} and {b.name}: {'; '.join(found)}; {advice}")
    return wanted


def _differences(
    metric: str, a: Method, b: Method, ours: Mapping[str, Any], theirs: Mapping[str, Any]
) -> Iterator[str]:
    """In which ways two methods were not scored alike."""
    if lacking := [method for method in (a, b) if metric not in method.scores]:
        yield f"no scores in {lacking[0].run}"
        return
    for key in dict.fromkeys([*ours, *theirs]):
        values = [rules.get(key, "unstated") for rules in (ours, theirs)]
        if values[0] != values[1]:
            yield f"{key} is {values[0]!r} in {a.run}, but {values[1]!r} in {b.run}"


def _without_scale(convention: Mapping[str, Any], scale: str) -> dict[str, Any]:
    """A convention in which the border is stated relative to the scale."""
    own = f"{scale[1:]} pixels"
    return {
        metric: {
            key: value.replace(own, "SCALE pixels") if isinstance(value, str) else value
            for key, value in rules.items()
        }
        for metric, rules in convention.items()
    }
