"""Comparisons of every two methods, image by image: all as CSV, the main pairs as Markdown."""

from collections.abc import Iterator, Sequence
from itertools import combinations, product
from pathlib import Path

import pandas as pd

from srcnn.analysis.results import Results
from srcnn.analysis.statistics import MIN_POWERED, MIN_SIGNIFICANT, Summary, summarise
from srcnn.evaluation.metrics import METRICS
from srcnn.utils.files import atomic_write
from srcnn.utils.methods import METHODS
from srcnn.utils.tables import write_csv
from srcnn.utils.text import markdown_table, signed

COLUMNS = ["scale", "metric", "a", "b", "images", "mean_difference", "low", "high"]
COLUMNS += ["wins", "ties", "losses"]
"""Columns of `comparisons.csv`."""

MAIN_PAIRS = (("perceptual", "mse"), ("perceptual", "bicubic"), ("mse", "bicubic"))
"""Pairs in the Markdown table, to which each variant is added against both models."""


def count_wins(metric: str, differences: Summary) -> tuple[int, int, int]:
    """Numbers of images in which the first method is better, equal (as stored) and worse.

    Args:
        metric: a name in METRICS.
        differences: the first method's values minus the second's.
    """
    counts = differences.below, differences.equal, differences.above
    return counts if METRICS[metric].lower_is_better else counts[::-1]


def compare(scales: Sequence[Results]) -> pd.DataFrame:
    """Compare every two methods once at each scale, by each metric.

    Returns:
        a row for each comparison, of method `a` minus method `b`, which was scored earlier:
        `scale`, `metric`, `a`, `b`, `images`, `mean_difference`, its 95 % interval `low` and `high`
        (NaN if there is none), `wins`, `ties`, `losses`, and whether it is `significant`.
    """
    rows = []
    for results, metric in product(scales, METRICS):
        table = results.table(metric)
        for b, a in combinations(results.methods, 2):
            found = summarise(table[a] - table[b])
            numbers = found.images, found.mean, found.low, found.high
            wins_ties_losses = count_wins(metric, found)
            names = results.scale, metric, a, b
            rows.append((*names, *numbers, *wins_ties_losses, found.is_significant))
    return pd.DataFrame(rows, columns=[*COLUMNS, "significant"])


def write_comparisons(comparisons: pd.DataFrame, table: Path, page: Path) -> None:
    """Write all comparisons as CSV, six significant digits, and MAIN_PAIRS as Markdown.

    Args:
        comparisons: from `compare`.
        table: the CSV file; an interval that does not exist is left empty.
        page: the Markdown file.
    """
    write_csv(comparisons[COLUMNS], table, float_format="%.6g")
    with atomic_write(page) as temporary:
        temporary.write_text("\n".join(_markdown(comparisons)), encoding="utf-8")


def _markdown(comparisons: pd.DataFrame) -> Iterator[str]:
    yield "# Comparison of the methods, image by image\n"
    yield (
        "Each cell shows the mean difference over the val images, its 95 % interval (bootstrap "
        "over the images), and the numbers of images in which the first method is "
        "better – equal – worse. Bold: significant at 5 % by both the interval and the sign test. "
        "↓: lower is better; ↑: higher is better. "
        "About one cell in twenty may be bold by chance. "
        "`plots/comparisons.csv` has all pairs of methods.\n"
    )
    yield f"{sample_size_note(int(comparisons['images'].min()))}\n"
    scales = comparisons["scale"].unique()
    variants = [method for method in comparisons["a"].unique() if method not in METHODS]
    for a, b in (*MAIN_PAIRS, *product(variants, ("mse", "perceptual"))):
        pair = comparisons[(comparisons["a"] == a) & (comparisons["b"] == b)]
        if pair.empty:
            continue
        yield f"## {a} minus {b}\n"
        cells = pair.set_index(["metric", "scale"]).apply(_cell, axis=1).unstack()
        rows = [[METRICS[metric].label, *cells.loc[metric, scales]] for metric in METRICS]
        yield markdown_table([["", *(f"×{scale}" for scale in scales)], *rows])
        yield ""


def _cell(row: pd.Series) -> str:
    mean = f"**{signed(row['mean_difference'])}**" if row["significant"] else None
    low, high = signed(row["low"]), signed(row["high"])
    interval = "no interval" if pd.isna(row["low"]) else f"[{low}, {high}]"
    counts = "–".join(str(row[name]) for name in ("wins", "ties", "losses"))
    return f"{mean or signed(row['mean_difference'])} {interval} · {counts}"


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


def _superscript(number: int) -> str:
    return str(number).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
