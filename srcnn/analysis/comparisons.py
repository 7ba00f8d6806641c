"""Every two methods compared, image by image: as CSV, and the pairs that matter as Markdown."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path
from typing import Any

from srcnn.analysis.results import Results
from srcnn.analysis.statistics import FEW, FEWEST, Summary, summarise
from srcnn.evaluation.metrics import METRICS
from srcnn.utils.files import atomic_write
from srcnn.utils.methods import METHODS
from srcnn.utils.tables import write_csv
from srcnn.utils.text import signed

PAIRS = (("perceptual", "mse"), ("perceptual", "bicubic"), ("mse", "bicubic"))
"""Those of the table, to which each variant adds itself against both models."""


@dataclass(frozen=True)
class Comparison:
    """A metric of method `a` less that of method `b`, image by image, at one scale."""

    scale: int
    metric: str
    a: str
    b: str
    differences: Summary

    @property
    def tally(self) -> tuple[int, int, int]:
        """As `tally`."""
        return tally(self.metric, self.differences)


def tally(metric: str, differences: Summary) -> tuple[int, int, int]:
    """Images in which the first is better, as good to the stored digits, and worse.

    Args:
        metric: a name of METRICS.
        differences: the first's less the second's.
    """
    ahead = differences.below, differences.equal, differences.above
    return ahead if METRICS[metric].lower_is_better else ahead[::-1]


def compare(results: Results) -> list[Comparison]:
    """Every two methods once, the one that was scored later less the one scored earlier.

    Raises:
        InputError: an image lacks the score of a method that others have.
    """
    return [
        Comparison(results.scale, metric, a, b, summarise(differences(results, metric, a, b)))
        for metric in METRICS
        for b, a in combinations(results.methods, 2)
    ]


def metric_by_image(results: Results, metric: str, method: str) -> dict[str, float]:
    """A metric of a method's results, by image."""
    return results.table(metric)[method].to_dict()


def differences(results: Results, metric: str, a: str, b: str) -> list[float]:
    """The metric of `a` less that of `b`, by image; as `metric_by_image`."""
    firsts, seconds = (metric_by_image(results, metric, method) for method in (a, b))
    return [firsts[image] - seconds[image] for image in results.names]


def write_comparisons(comparisons: Sequence[Comparison], table: Path, page: Path) -> None:
    """Write all comparisons as CSV, six significant digits, and PAIRS as Markdown.

    Args:
        comparisons: of all scales.
        table: the CSV file; an interval that does not exist is left empty.
        page: the Markdown file.
    """
    columns = ["scale", "metric", "a", "b", "images", "mean_difference", "low", "high"]
    write_csv(map(_row, comparisons), table, [*columns, "wins", "ties", "losses"])
    with atomic_write(page) as temporary:
        temporary.write_text("\n".join(_markdown(comparisons)), encoding="utf-8")


def _row(comparison: Comparison) -> dict[str, Any]:
    found = comparison.differences
    ends = {"mean_difference": found.mean, "low": found.low, "high": found.high}
    return {
        "scale": comparison.scale,
        "metric": comparison.metric,
        "a": comparison.a,
        "b": comparison.b,
        "images": found.images,
        **{name: "" if end is None else f"{end:.6g}" for name, end in ends.items()},
        **dict(zip(("wins", "ties", "losses"), comparison.tally, strict=True)),
    }


def _markdown(comparisons: Sequence[Comparison]) -> Iterator[str]:
    scales = list(dict.fromkeys(comparison.scale for comparison in comparisons))
    by_name = {(c.scale, c.a, c.b, c.metric): c for c in comparisons}
    yield "# The methods compared, image by image\n"
    yield (
        "Each cell: the mean over the val images of the difference, its 95 % interval by the "
        "bootstrap over the images, and in how many images the first method is better – as good – "
        "worse. Bold: significant at 5 % by the interval and by the sign test. "
        "↓: lower is better; ↑: higher is better. "
        "One cell in twenty may be bold by chance. "
        "All pairs of methods are in `plots/comparisons.csv`.\n"
    )
    yield f"{how_little(min(c.differences.images for c in comparisons))}\n"
    variants = dict.fromkeys(c.a for c in comparisons if c.a not in METHODS)
    for a, b in (*PAIRS, *product(variants, ("mse", "perceptual"))):
        if (a, b) not in {(c.a, c.b) for c in comparisons}:
            continue
        yield f"## {a} less {b}\n"
        yield f"| | {' | '.join(f'×{scale}' for scale in scales)} |"
        yield f"| :-- |{' :-- |' * len(scales)}"
        for metric, about in METRICS.items():
            cells = [_cell(by_name[scale, a, b, metric]) for scale in scales]
            yield f"| {about.label} | {' | '.join(cells)} |"
        yield ""


def how_little(images: int) -> str:
    """What so many images can show, and what not, in words."""
    if images < FEWEST:
        return (
            f"**With {images} image{'s' * (images != 1)} nothing here is significant at 5 %:** "
            f"should all of them go one way, the sign test's two-sided p is still "
            f"2/2{_raised(images)} = {2 / 2**images:.4g}, and the intervals, too narrow for so few "
            f"images, do not change that. It takes {FEWEST} images at least."
        )
    if images < FEW:
        return (
            f"**{images} images show large differences alone:** should all of them go one way, the "
            f"sign test's two-sided p is 2/2{_raised(images)} = {2 / 2**images:.2g}, but a method "
            f"that is better in four images of five is found to be so, about four times in "
            f"five, only with {FEW} images or more; and the intervals are somewhat too narrow."
        )
    return (
        f"{images} images: a method that is better in four images of five is found to be so by the "
        "sign test in about four cases of five, or more."
    )


def _cell(comparison: Comparison) -> str:
    found = comparison.differences
    mean = signed(found.mean)
    if found.is_significant:
        mean = f"**{mean}**"
    ends = "no interval" if found.low is None else f"[{signed(found.low)}, {signed(found.high)}]"
    return f"{mean} {ends} · {'–'.join(map(str, comparison.tally))}"


def _raised(power: int) -> str:
    return "".join("⁰¹²³⁴⁵⁶⁷⁸⁹"[int(digit)] for digit in str(power))
