"""How often the interval of `srcnn compare --seeds` misses a true difference of 0.

    python -m benchmarks.seed_error_rates

Differences are made up: of each image, each seed and a residual with half the images' standard
deviation. An interval of 95 % should miss 0 in 5 % of cases, also for new images and new seeds.
"""

from collections.abc import Callable
from itertools import product

import numpy as np

from srcnn.analysis.seeds import summarise_seeds
from srcnn.utils.text import markdown_table

CASES = 10_000  # the standard error of a rate of 5 % is 0.2 %
IMAGES, SEEDS, SEED_SDS = (7, 20, 100), (2, 3, 5), (0.0, 0.5, 1.0)
DRAWS: dict[str, Callable[[np.random.Generator, tuple[int, int]], np.ndarray]] = {
    "normal": lambda random, shape: random.standard_normal(shape),
    "skewed": lambda random, shape: random.standard_exponential(shape) - 1,
}


def error_rate(draw: str, seed_sd: float, images: int, seeds: int, cases: int = CASES) -> float:
    """The share of intervals that miss 0; effects of images have a standard deviation of 1."""
    random, misses = np.random.default_rng(0), 0
    for _ in range(cases):
        effects = DRAWS[draw](random, (images, 1)) + seed_sd * DRAWS[draw](random, (1, seeds))
        found = summarise_seeds(effects + 0.5 * random.standard_normal((images, seeds)))
        misses += (found.low or 0) > 0 or (found.high or 0) < 0
    return misses / cases


def main() -> None:
    """Print the rates as a Markdown table."""
    rows = [["effects", "seed sd / image sd", "seeds", *(f"{n} images" for n in IMAGES)]]
    for draw, seed_sd, seeds in product(DRAWS, SEED_SDS, SEEDS):
        rates = [f"{error_rate(draw, seed_sd, n, seeds):.1%}".replace("%", " %") for n in IMAGES]
        rows.append([draw, f"{seed_sd:g}", str(seeds), *rates])
    print(markdown_table(rows, right=range(1, 6)))


if __name__ == "__main__":
    main()
