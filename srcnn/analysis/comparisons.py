"""Comparisons of every two methods, image by image: all as CSV, the main pairs as Markdown."""

from collections.abc import Iterator, Sequence
from itertools import combinations, product
from pathlib import Path

import pandas as pd

from srcnn.analysis.results import Results
from srcnn.analysis.statistics import (
    MIN_POWERED,
    MIN_SIGNIFICANT,
    Summary,
    power,
    subtract,
    summarise,
)
from srcnn.evaluation.metrics import METRICS
from srcnn.utils.files import write_text
from srcnn.utils.methods import AUTHORS_METHODS, METHODS
from srcnn.utils.tables import write_csv
from srcnn.utils.text import markdown_table, signed


def count_wins(metric: str, differences: Summary) -> tuple[int, int, int]:
    """Numbers of images in which the first method is better, equal (as stored) and worse.

    `differences` are the first method's values minus the second's.
    """
    counts = differences.below, differences.equal, differences.above
    return counts if METRICS[metric].lower_is_better else counts[::-1]


def compare(scales: Sequence[Results]) -> pd.DataFrame:
    """Compare every two methods once at each scale, by each metric: a row for each comparison.

    Differences are of method `a` minus method `b`, which was scored earlier; `low` and `high` are
    the 95 % interval of `mean_difference`, NaN if there is none. Both leave out the `infinite`
    differences, which wins, ties and losses count.
    """
    rows = []
    for results, metric in product(scales, METRICS):
        table = results.table(metric)
        for b, a in combinations(results.methods, 2):
            found = summarise(subtract(table[a], table[b]))
            means = found.images, found.infinite, found.mean, found.low, found.high
            counts = count_wins(metric, found)
            rows.append((results.scale, metric, a, b, *means, *counts, found.is_significant))
    columns = ["scale", "metric", "a", "b", "images", "infinite", "mean_difference", "low", "high"]
    return pd.DataFrame(rows, columns=[*columns, "wins", "ties", "losses", "significant"])


def write_comparisons(comparisons: pd.DataFrame, table: Path, page: Path) -> None:
    """Write all comparisons as CSV, six significant digits, and the main pairs as Markdown."""
    write_csv(comparisons.drop(columns="significant"), table, float_format="%.6g")
    write_text("\n".join(_markdown(comparisons)), page)


def _markdown(comparisons: pd.DataFrame) -> Iterator[str]:
    yield "# Comparison of the methods, image by image\n"
    yield (
        "Each cell shows the mean difference over the val images, its 95 % interval (bootstrap "
        "over the images), and the numbers of images in which the first method is "
        "better – equal – worse. Bold: significant at 5 % by both the interval and the sign test. "
        "↓: lower is better; ↑: higher is better. "
        "A cell may be bold by chance: in about 2 % of cases if the differences are symmetric, in "
        "13 % or more if they are very skewed (`docs/statistics.md`). "
        "`plots/comparisons.csv` has all pairs of methods.\n"
    )
    if comparisons["infinite"].any():
        yield (
            "A result that is identical to the ground truth has an infinite PSNR. An infinite "
            "difference counts as better or worse, but has no share in the mean.\n"
        )
    yield f"{sample_size_note(int(comparisons['images'].min()))}\n"
    scales = comparisons["scale"].unique()
    known = {*METHODS, *AUTHORS_METHODS}
    variants = [method for method in comparisons["a"].unique() if method not in known]
    pairs = [("perceptual", "mse"), ("perceptual", "bicubic"), ("mse", "bicubic")]
    of_authors = [
        ("authors_perceptual", "authors_mse"),
        ("authors_perceptual", "bicubic"),
        ("authors_mse", "bicubic"),
    ]
    for a, b in [*pairs, *product(variants, ("mse", "perceptual")), *of_authors]:
        pair = comparisons[(comparisons["a"] == a) & (comparisons["b"] == b)]
        if not pair.empty:
            cells = pair.set_index(["metric", "scale"]).apply(_cell, axis=1).unstack()
            present = [scale for scale in scales if scale in cells]
            rows = [[METRICS[metric].label, *cells.loc[metric, present]] for metric in METRICS]
            table = markdown_table([["", *(f"×{scale}" for scale in present)], *rows])
            yield f"## {a} minus {b}\n\n{table}\n"


def _cell(row: pd.Series) -> str:
    mean, low, high = (signed(row[name]) for name in ("mean_difference", "low", "high"))
    bold = "**" if row["significant"] else ""
    interval = "no interval" if pd.isna(row["low"]) else f"[{low}, {high}]"
    left_out = f" ({row['infinite']} infinite)" if row["infinite"] else ""
    counts = f"{row['wins']}–{row['ties']}–{row['losses']}"
    return f"{bold}{mean}{bold} {interval}{left_out} · {counts}"


def sample_size_note(images: int) -> str:
    """What so many images can and cannot show, as a paragraph of Markdown."""
    chance = f"in {100 * power(images):.0f} % of cases"
    finds = f"the sign test finds a method that is better in four images of five {chance}"
    if images >= MIN_POWERED:
        return f"With {images} images, {finds}."
    exponent = str(images).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    p = f"the two-sided sign test gives p = 2/2{exponent} = {2 / 2**images:.3g}"
    if images >= MIN_SIGNIFICANT:
        return (
            f"**{images} images show only large differences:** if all of them point the same way, "
            f"{p}. But {finds}; from {MIN_POWERED} images on, in 80 % or more. The intervals are "
            "somewhat too narrow."
        )
    return (
        f"**With {images} image{'s' * (images != 1)}, nothing here can be significant at 5 %:** "
        f"even if all of them point the same way, {p}. The intervals are too narrow for so few "
        f"images and do not change this. At least {MIN_SIGNIFICANT} images are needed."
    )
