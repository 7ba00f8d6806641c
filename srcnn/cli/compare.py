"""Two methods of a run compared image by image.

The arithmetic, and the rule for what is significant, are those of plots/comparisons.md.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from srcnn.analysis.comparisons import count_wins
from srcnn.analysis.results import Results, read_names, read_scores
from srcnn.analysis.statistics import Summary, sign_test, summarise
from srcnn.errors import InputError
from srcnn.evaluation.metrics import METRICS
from srcnn.utils.text import join_names

Values = Mapping[str, float]
"""A metric by image."""


@dataclass(frozen=True)
class Paired:
    """A metric of two methods.

    Args:
        metric: a name of METRICS.
        a: the first method's values.
        b: the second's, of the same images.
        differences: the first's less the second's.
    """

    metric: str
    a: Values
    b: Values
    differences: Summary

    @property
    def means(self) -> tuple[float, float]:
        """Of the first method and of the second, over the images."""
        a, b = (float(np.mean(list(values.values()))) for values in (self.a, self.b))
        return a, b

    @property
    def tally(self) -> tuple[int, int, int]:
        """Images in which the first is better, as good, and worse."""
        return count_wins(self.metric, self.differences)

    @property
    def p(self) -> float:
        """Of the two-sided sign test."""
        return sign_test(self.differences.above, self.differences.below)

    @property
    def verdict(self) -> Literal["better", "worse"] | None:
        """What the first is significantly; None where it is neither."""
        if not self.differences.is_significant:
            return None
        better, _, worse = self.tally
        return "better" if better > worse else "worse"

    def by_image(self) -> Iterator[tuple[str, float, float, float]]:
        """Image, value of the first, value of the second, the first less the second."""
        for image, value in self.a.items():
            yield image, value, self.b[image], value - self.b[image]


@dataclass(frozen=True)
class Pair:
    """Two methods compared.

    Args:
        a: the first, such as `x4/mse`.
        b: the second.
        metrics: the comparison by each of them.
        photographs: names of the originals by image, as far as they are known.
    """

    a: str
    b: str
    metrics: Sequence[Paired]
    photographs: Mapping[str, str]

    @property
    def images(self) -> list[str]:
        """In the order in which they were scored."""
        return list(self.metrics[0].a)

    @property
    def scales(self) -> tuple[str, str]:
        """Of the first and of the second."""
        return self.a.partition("/")[0][1:], self.b.partition("/")[0][1:]


def compare_two(a: str, b: str, metric: str | None, metrics: Path, index: Path) -> Pair:
    """Compare two methods by what the stage evaluate scored.

    Args:
        a: the first method, such as `x4/mse`.
        b: the second, of the same scale or another.
        metric: by which; None for all.
        metrics: folder of `x4.csv` and the like.
        index: `index.csv`, which names the photographs; it need not exist.

    Raises:
        InputError: there is no such method or metric, a file is damaged, or the two methods were
            not scored on the same images.
    """
    if metric is not None and metric not in METRICS:
        raise InputError(f"--metric {metric}: no such metric; there are {', '.join(METRICS)}")
    chosen = list(METRICS) if metric is None else [metric]
    of_a, of_b = (_values(name, chosen, metrics) for name in (a, b))
    if alone := sorted(of_a[chosen[0]].keys() ^ of_b[chosen[0]].keys()):
        raise InputError(
            f"{a} and {b}: scored on other images ({join_names(alone)}); evaluate anew"
        )
    paired = []
    for key in chosen:
        differences = [value - of_b[key][image] for image, value in of_a[key].items()]
        paired.append(Paired(key, of_a[key], of_b[key], summarise(differences)))
    return Pair(a, b, paired, _photographs(index))


def _values(name: str, chosen: Sequence[str], metrics: Path) -> Mapping[str, Values]:
    """The metrics of the method `x4/mse` or the like."""
    scale, _, method = name.partition("/")
    file = _score_files(metrics).get(scale)
    results = _read(file) if file else None
    if results is None or method not in results.methods:
        there = [f"{s}/{m}" for s, f in _score_files(metrics).items() for m in _read(f).methods]
        raise InputError(f"{name}: no such method; there are {', '.join(there)}")
    values = {metric: results.table(metric)[method].to_dict() for metric in chosen}
    for metric, of_metric in values.items():
        if wrong := [image for image, value in of_metric.items() if not math.isfinite(value)]:
            raise InputError(
                f"{file}: {metric} of image {join_names(wrong)} by {method} is no number; "
                "evaluate anew"
            )
    return values


def _score_files(metrics: Path) -> dict[str, Path]:
    """`x2` and the like → its file, in the order of the scales."""
    files = [file for file in metrics.glob("x*.csv") if re.fullmatch(r"x[0-9]+", file.stem)]
    if not files:
        raise InputError(
            f"{metrics}: no scores, x2.csv or the like, are in it; "
            f"go to the folder of a project in which make repro has run"
        )
    return {file.stem: file for file in sorted(files, key=lambda file: int(file.stem[1:]))}


def _read(file: Path) -> Results:
    scores = read_scores(file)
    if scores.empty:
        raise InputError(f"{file}: no scores are in it; evaluate anew")
    images = dict.fromkeys(scores["image"], "")
    return Results(int(file.stem[1:]), images, scores, Path(), Path())


def _photographs(index: Path) -> dict[str, str]:
    return read_names(index) if index.is_file() else {}
