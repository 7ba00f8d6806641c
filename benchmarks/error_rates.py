"""How often the rule for claims is wrong where nothing is true: simulated type-I error rates.

    python -m benchmarks.error_rates

Each run draws one value per image from a distribution whose mean or median is 0. A verdict
`supported` or `not supported` is then an error. For C1's test, the value is the log ratio plus the
margin, so a true ratio exactly at the margin is the same case. A second table is about claims with
several values. Both are in benchmarks/README.md.
"""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from srcnn.analysis.statistics import LEVEL, MIN_SIGNIFICANT, sign_test, summarise

Array = npt.NDArray[Any]

RUNS, RESAMPLES = 4000, 2000
IMAGES = (6, 7, 10, 23, 50, 100)
DISTRIBUTIONS: dict[str, Callable[[np.random.Generator, tuple[int, int]], Array]] = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "heavy tails (t, 3 degrees)": lambda rng, shape: rng.standard_t(3, shape),
    "skewed (exponential), mean 0": lambda rng, shape: rng.exponential(size=shape) - 1,
    "skewed (lognormal), mean 0": lambda rng, shape: rng.lognormal(size=shape) - np.exp(0.5),
    "skewed (exponential), median 0": lambda rng, shape: rng.exponential(size=shape) - np.log(2),
    "skewed (lognormal), median 0": lambda rng, shape: rng.lognormal(size=shape) - 1,
}
PARTS = (2, 6)  # numbers of values of a claim: C4 against MSE has two, C2 has six
CORRELATIONS = (0.0, 0.5, 0.9)  # between an image's values


def main() -> None:
    """Print both tables."""
    print_single_values()
    print()
    print_several_values()


def print_single_values() -> None:
    """How often the verdict on one value is wrong."""
    print("| values | images | interval alone: above / below | rule: supported / not supported |")
    print("|:--|--:|--:|--:|")
    for name, draw in DISTRIBUTIONS.items():
        for images in IMAGES:
            values = draw(np.random.default_rng(images), (RUNS, images))
            interval, both = sides(values), verdicts(values)
            check(values, both)
            shares = [np.mean(found == side) for found in (interval, both) for side in (1, -1)]
            cells = [f"{100 * share:.1f} %" for share in shares]
            print(f"| {name} | {images} | {' / '.join(cells[:2])} | {' / '.join(cells[2:])} |")


def print_several_values() -> None:
    """How often the verdict on a claim with several normal values, all with mean 0, is wrong."""
    print("| values | correlation | images | supported | not supported |")
    print("|--:|--:|--:|--:|--:|")
    for parts, correlation, images in product(PARTS, CORRELATIONS, IMAGES):
        rng = np.random.default_rng(images)
        shared = np.sqrt(correlation) * rng.standard_normal((RUNS, images))
        own = np.sqrt(1 - correlation) * rng.standard_normal((parts, RUNS, images))
        found = np.array([verdicts(values) for values in shared + own])
        supported, not_supported = (found == 1).all(axis=0), (found == -1).any(axis=0)
        cells = [f"{100 * np.mean(wrong):.1f} %" for wrong in (supported, not_supported)]
        print(f"| {parts} | {correlation} | {images} | {' | '.join(cells)} |")


def verdicts(values: Array) -> Array:
    """1 (supported), −1 (not supported) or 0 for the claim that values are above 0: [runs]."""
    interval = sides(values)
    return np.where(interval == majorities(values), interval, 0)


def sides(values: Array) -> Array:
    """1 or −1 where the bootstrap interval of the mean lies above or below 0, else 0: [runs]."""
    images = values.shape[1]
    counts = np.random.default_rng(0).multinomial(images, [1 / images] * images, RESAMPLES)
    means = values @ (counts.T / images)
    low, high = np.quantile(means, [LEVEL / 2, 1 - LEVEL / 2], axis=1)
    return (low > 0).astype(int) - (high < 0)


def majorities(values: Array) -> Array:
    """1 or −1 where the sign test finds most values above or below 0, else 0: [runs]."""
    images = values.shape[1]
    p = np.array([sign_test(above, images - above) for above in range(images + 1)])
    above = (values > 0).sum(axis=1)
    return np.where(p[above] <= LEVEL, np.sign(2 * above - images), 0)


def check(values: Array, found: Array) -> None:
    """Stop if the vectorised rule disagrees with the package's for more than 2 of 20 runs."""
    if values.shape[1] >= MIN_SIGNIFICANT:
        summaries = [summarise(row) for row in values[:20]]
        rule = [summary.side * summary.is_significant for summary in summaries]
        assert sum(a != b for a, b in zip(rule, found, strict=False)) <= 2


if __name__ == "__main__":
    main()
