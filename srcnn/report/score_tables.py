"""The scores as the report's page prints them: names for people, decimals, which one is best."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from srcnn.analysis.results import Results
from srcnn.evaluation.metrics import METRICS


@dataclass(frozen=True)
class PageMetric:
    """How a metric is printed; the page's script knows it by the same names.

    Args:
        name: for people.
        digits: after the point.
        lower: whether less is better; None where that is not known.
    """

    name: str
    digits: int = 4
    lower: bool | None = None


@dataclass(frozen=True)
class Cell:
    """A number as printed, and as it is.

    Args:
        text: rounded.
        value: six significant digits, to sort by.
        best: whether no other of its column is better.
    """

    text: str
    value: str
    best: bool = False


@dataclass(frozen=True)
class ImageRow:
    """One image by one method at one scale, with a cell per metric."""

    scale: int
    image: str
    name: str
    method: str
    cells: tuple[Cell, ...]


def metric(key: str) -> PageMetric:
    """How the metric is printed; under its own name where it is not known."""
    if key not in METRICS:
        return PageMetric(key)
    known = METRICS[key]
    return PageMetric(known.name, known.report_digits, known.lower_is_better)


def metrics_of(scales: Sequence[Results]) -> list[str]:
    """The metrics that are scored, in their order."""
    return list(dict.fromkeys(key for results in scales for key in results.metrics))


def mean_rows(
    means: Mapping[str, Mapping[str, float]], metrics: Sequence[str]
) -> dict[str, list[Cell]]:
    """A cell per metric, by method; the best of each metric are marked.

    Args:
        means: method → metric → number.
        metrics: the columns.
    """
    rows: dict[str, list[Cell]] = {method: [] for method in means}
    for key in metrics:
        values = {method: of_method.get(key) for method, of_method in means.items()}
        known = [value for value in values.values() if value is not None]
        lower = metric(key).lower
        best = None if lower is None or not known else (min if lower else max)(known)
        for method, value in values.items():
            rows[method].append(_cell(key, value, value is not None and value == best))
    return rows


def image_rows(scales: Sequence[Results], metrics: Sequence[str]) -> Iterator[ImageRow]:
    """All images by all methods at all scales, in the order in which they were scored."""
    for results in scales:
        for _, row in results.scores.iterrows():
            cells = tuple(_cell(key, row.get(key)) for key in metrics)
            name = results.names[row["image"]]
            yield ImageRow(results.scale, row["image"], name, row["method"], cells)


def _cell(key: str, value: float | str | None, best: bool = False) -> Cell:
    if value is None:
        return Cell("–", "")
    return Cell(f"{float(value):.{metric(key).digits}f}", f"{float(value):.6g}", best)
