"""The rows of the report's tables: scores, benchmark sets, comparisons and claims."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from srcnn.analysis.claims_page import AUTHORS_KEY, BY_AUTHORS, BY_PEOPLE, PEOPLE_KEY
from srcnn.analysis.results import Results
from srcnn.evaluation.benchmark_sets import published
from srcnn.evaluation.metrics import METRICS

Json = Mapping[str, Any]  # an object in a file
Texts = tuple[str, ...]
Cells = tuple["Cell", ...]  # one for each of METRICS


class Cell(NamedTuple):
    """A score in a table."""

    text: str  # rounded
    value: str  # with six significant digits
    best: bool


def score_cells(scores: pd.DataFrame, mark_best: bool = False) -> list[Cells]:
    """The cells of each row of a table with a column for each of METRICS."""
    columns = []
    for key, metric in METRICS.items():
        values, digits = scores[key], metric.report_digits
        best = (values.min() if metric.lower_is_better else values.max()) if mark_best else None
        columns.append([Cell(metric.text(v, digits), _value(v), v == best) for v in values])
    return list(zip(*columns, strict=True))


def _value(score: float) -> str:
    """With six significant digits, in JavaScript's spelling."""
    return "Infinity" if score == math.inf else f"{score:.6g}"


def mean_rows(means: Mapping[str, Mapping[str, float]]) -> dict[str, Cells]:
    """The cells of each method, from method → metric → mean; the best are marked."""
    table = pd.DataFrame.from_dict(means, orient="index").reindex(columns=list(METRICS))
    return dict(zip(means, score_cells(table, mark_best=True), strict=True))


def image_rows(scales: Sequence[Results]) -> Iterator[tuple[int, str, str, str, Cells]]:
    """Scale, image, photograph, method and cells, for all images, methods and scales."""
    for results in scales:
        images, methods = results.scores["image"], results.scores["method"]
        rows = zip(images, methods, score_cells(results.scores), strict=True)
        for image, method, cells in rows:
            yield results.scale, image, results.names[image], method, cells


def benchmark_rows(benchmarks: Mapping[str, Json]) -> Iterator[tuple[str, str, str, Cells, str]]:
    """Set, scale, method, cells and the published number, from `benchmarks.json`."""
    for name, found in benchmarks.items():
        for key in [key for key in found if key != "images"]:
            for method, cells in mean_rows(found[key]).items():
                number = published(name, found["images"], int(key[1:]), method)
                yield name, f"×{key[1:]}", method, cells, number


def comparison_rows(comparisons: pd.DataFrame) -> list[dict[str, str]]:
    """The rows of `comparisons.csv`, read as text, with `difference` and `interval` to print."""
    rows = comparisons.to_dict("records")
    for row in rows:
        metric = METRICS[row["metric"]]
        numbers = (row["mean_difference"], row["low"], row["high"])
        row["difference"], low, high = (
            metric.difference(float(n) if n else None, metric.report_digits) for n in numbers
        )
        row["interval"] = f"{low} to {high}" if row["low"] and row["high"] else "–"
    return rows


def claim_rows(claims: Mapping[str, Json]) -> Iterator[tuple[str, str, list[Texts], list[Texts]]]:
    """The claims of `claims.json`: key, verdict, the parts that decide it, and other facts.

    A part is name, mean, interval, images as claimed and verdict; a fact is name and value.
    """
    for key, claim in claims.items():
        others = {AUTHORS_KEY: BY_AUTHORS, PEOPLE_KEY: BY_PEOPLE}
        if key.endswith(tuple(other.format("") for other in others)):
            continue  # is shown with the claim
        parts, facts = _split_claim(claim)
        verdict = str(facts.pop("verdict"))
        for other_key, by in others.items():
            if (name := other_key.format(key)) in claims:
                more, other = _split_claim(claims[name])
                parts += [(f"{by}: {title}", *cells) for title, *cells in more]
                facts[by] = other["verdict"]
        yield key, verdict, parts, list(_flatten(facts))


def _split_claim(claim: Json) -> tuple[list[Texts], dict[str, Any]]:
    """The parts of a claim as cells, and its facts."""
    is_part = {n: isinstance(value, Mapping) and "verdict" in value for n, value in claim.items()}
    parts = [_part_cells(name, claim[name]) for name in claim if is_part[name]]
    return parts, {name: value for name, value in claim.items() if not is_part[name]}


def _part_cells(name: str, part: Json) -> Texts:
    unit = " ×" if part.get("is_ratio") else ""
    numbers = (part.get(name) for name in ("mean", "low", "high"))
    mean, low, high = ("–" if n is None else _text(n) + unit for n in numbers)
    interval = f"{low} to {high}" if "low" in part and "high" in part else "–"
    count = f"{part['as_claimed']} of {part['images']}"
    return _words(name), mean, interval, count, str(part["verdict"])


def _flatten(facts: Json, prefix: str = "") -> Iterator[Texts]:
    for name, value in facts.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}_")
        else:
            yield _words(prefix + name), _text(value)


def _text(value: Any) -> str:
    text = f"{value:.3g}".replace("-", "−") if isinstance(value, float) else str(value)
    return text or "–"


def _words(name: str) -> str:
    """A key as words: `x2_lpips_vgg` becomes "×2 LPIPS-VGG", `x4_against_mse` "×4 against MSE"."""
    for key in sorted(METRICS, key=len, reverse=True):  # `lpips_vgg` before `lpips`
        name = re.sub(rf"(?<![a-z]){key}(?![a-z])", METRICS[key].name, name)
    text = re.sub(r"\bx(?=\d+\b)", "×", name.replace("_", " ")).strip()
    return re.sub(r"\bdb\b", "dB", text)
