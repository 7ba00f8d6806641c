"""Comparisons of every two methods, image by image: all as CSV, the main pairs as Markdown."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path

from srcnn.analysis.results import Results
from srcnn.analysis.statistics import MIN_POWERED, MIN_SIGNIFICANT, Summary, summarise
from srcnn.evaluation.metrics import METRICS
from srcnn.utils.files import atomic_write
from srcnn.utils.methods import METHODS
from srcnn.utils.tables import write_csv
from srcnn.utils.text import markdown_table, signed

MAIN_PAIRS = (("perceptual", "mse"), ("perceptual", "bicubic"), ("mse", "bicubic"))
"""Pairs in the Markdown table, to which each variant is added against both models."""


@dataclass(frozen=True)
class Comparison:
    """A metric of method `a` minus that of method `b`, image by image, at one scale."""

    scale: int
    metric: str
    a: str
    b: str
    differences: Summary

    @property
    def wins_ties_losses(self) -> tuple[int, int, int]:
        """Numbers of images in which `a` is better, equal and worse."""
        return count_wins(self.metric, self.differences)


def count_wins(metric: str, differences: Summary) -> tuple[int, int, int]:
    """Numbers of images in which the first method is better, equal (as stored) and worse.

    Args:
        metric: a name in METRICS.
        differences: the first method's values minus the second's.
    """
    counts = differences.below, differences.equal, differences.above
    return counts if METRICS[metric].lower_is_better else counts[::-1]


def compare(results: Results) -> list[Comparison]:
    """Compare every two methods once: the later one in the table minus the earlier one."""
    return [
        Comparison(results.scale, metric, a, b, summarise(table[a] - table[b]))
        for metric, table in ((metric, results.table(metric)) for metric in METRICS)
        for b, a in combinations(results.methods, 2)
    ]


def write_comparisons(comparisons: Sequence[Comparison], table: Path, page: Path) -> None:
    """Write all comparisons as CSV, six significant digits, and MAIN_PAIRS as Markdown.

    Args:
        comparisons: of all scales.
        table: the CSV file; an interval that does not exist is left empty.
        page: the Markdown file.
    """
    columns = ["scale", "metric", "a", "b", "images", "mean_difference", "low", "high"]
    columns += ["wins", "ties", "losses"]
    rows = []
    for each in comparisons:
        found = each.differences
        numbers = found.images, found.mean, found.low, found.high, *each.wins_ties_losses
        values = (each.scale, each.metric, each.a, each.b, *numbers)
        rows.append(dict(zip(columns, values, strict=True)))
    write_csv(rows, table, columns, float_format="%.6g")
    with atomic_write(page) as temporary:
        temporary.write_text("\n".join(_markdown(comparisons)), encoding="utf-8")


def _markdown(comparisons: Sequence[Comparison]) -> Iterator[str]:
    scales = list(dict.fromkeys(each.scale for each in comparisons))
    by_name = {(each.scale, each.a, each.b, each.metric): each for each in comparisons}
    yield "# Comparison of the methods, image by image\n"
    yield (
        "Each cell shows the mean difference over the val images, its 95 % interval (bootstrap "
        "over the images), and the numbers of images in which the first method is "
        "better – equal – worse. Bold: significant at 5 % by both the interval and the sign test. "
        "↓: lower is better; ↑: higher is better. "
        "About one cell in twenty may be bold by chance. "
        "`plots/comparisons.csv` has all pairs of methods.\n"
    )
    yield f"{sample_size_note(min(each.differences.images for each in comparisons))}\n"
    variants = dict.fromkeys(each.a for each in comparisons if each.a not in METHODS)
    for a, b in (*MAIN_PAIRS, *product(variants, ("mse", "perceptual"))):
        if (a, b) not in {(each.a, each.b) for each in comparisons}:
            continue
        yield f"## {a} minus {b}\n"
        rows = [["", *(f"×{scale}" for scale in scales)]]
        for metric, about in METRICS.items():
            cells = [_cell(by_name[scale, a, b, metric]) for scale in scales]
            rows.append([about.label, *cells])
        yield markdown_table(rows)
        yield ""


def sample_size_note(images: int) -> str:
    """What so many images can and cannot show, as a paragraph of Markdown."""
    if images < MIN_POWERED:
        p = f"2/2{_superscript(images)} = {2 / 2**images:.3g}"
        if images < MIN_SIGNIFICANT:
            return (
                f"**With {images} image{'s' * (images != 1)}, nothing here can be significant at "
                f"5 %:** even if all of them point the same way, the two-sided sign test gives "
                f"p = {p}. The intervals are too narrow for so few images and do not change this. "
                f"At least {MIN_SIGNIFICANT} images are needed."
            )
        return (
            f"**{images} images show only large differences:** if all of them point the same way, "
            f"the two-sided sign test gives p = {p}. But if a method is better in four images of "
            f"five, it takes {MIN_POWERED} images to find that about four times in five. The "
            "intervals are somewhat too narrow."
        )
    return (
        f"With {images} images, the sign test finds a method that is better in four images of five "
        "about four times in five, or more often."
    )


def _cell(comparison: Comparison) -> str:
    found = comparison.differences
    mean = f"**{signed(found.mean)}**" if found.is_significant else signed(found.mean)
    ends = "no interval" if found.low is None else f"[{signed(found.low)}, {signed(found.high)}]"
    return f"{mean} {ends} · {'–'.join(map(str, comparison.wins_ties_losses))}"


def _superscript(number: int) -> str:
    return str(number).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
