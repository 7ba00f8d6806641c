"""How much of a mean difference is due to the images, and how much to the seeds of training.

Two-way random effects without replication: d[image, seed] = mean + image + seed + residual. The
variance of the mean has a part of each, and the 95 % interval takes its degrees of freedom from
Satterthwaite's approximation, so it holds for new images and new seeds (Searle, Casella and
McCulloch, Variance Components, 1992, chapters 4 and 5; why seeds count as a source of variance:
Bouthillier et al., Accounting for Variance in Machine Learning Benchmarks, MLSys 2021). It is too
narrow for few seeds: benchmarks/seed_error_rates.py measures by how much.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from srcnn.analysis.statistics import LEVEL

_ROUNDING = (
    1e-9  # relative to the largest difference: what floats leave of differences that are equal
)


@dataclass(frozen=True)
class SeedSummary:
    """A mean difference over images and seeds, and its sources of variance; None is unknown."""

    images: int  # with finite differences for all seeds; only these are used
    seeds_agree: int = 0  # number of seeds whose own mean has the sign of the mean
    mean: float | None = None
    low: float | None = None  # ends of the 95 % interval
    high: float | None = None
    image_sd: float | None = None  # standard deviations of the parts, in the unit of the metric
    seed_sd: float | None = None
    residual_sd: float | None = None
    seed_share: float | None = None  # of the seeds in the variance of the mean, 0 … 1


def summarise_seeds(differences: npt.NDArray[np.float64]) -> SeedSummary:
    """Separate the sources of variance of differences [images, seeds], with at least two seeds."""
    values = differences[np.isfinite(differences).all(axis=1)]
    images, seeds = values.shape
    if not images:
        return SeedSummary(0)
    mean, by_seed, by_image = float(values.mean()), values.mean(axis=0), values.mean(axis=1)
    agree = int((np.sign(by_seed) == np.sign(mean)).sum())
    if images == 1:
        return SeedSummary(1, agree, mean)
    residuals = values - by_image[:, None] - by_seed + mean
    of_image, of_seed, of_residual = (  # mean squares
        0.0 if square <= (_ROUNDING * abs(values).max()) ** 2 else float(square)
        for square in (
            seeds * by_image.var(ddof=1),
            images * by_seed.var(ddof=1),
            (residuals**2).sum() / ((images - 1) * (seeds - 1)),
        )
    )
    image, seed = max(of_image - of_residual, 0) / seeds, max(of_seed - of_residual, 0) / images
    variance = image / images + seed / seeds + of_residual / (images * seeds)
    half = _half_width(variance, (of_image, of_seed, of_residual), images, seeds)
    return SeedSummary(
        images=images,
        seeds_agree=agree,
        mean=mean,
        low=mean - half,
        high=mean + half,
        image_sd=math.sqrt(image),
        seed_sd=math.sqrt(seed),
        residual_sd=math.sqrt(of_residual),
        seed_share=seed / seeds / variance if variance else 0.0,
    )


def _half_width(
    variance: float, squares: tuple[float, float, float], images: int, seeds: int
) -> float:
    """Half the interval's width, for the mean squares of images, seeds and residuals."""
    if variance == 0:
        return 0.0
    freedom = images - 1, seeds - 1, (images - 1) * (seeds - 1)
    spread = sum(square**2 / count for square, count in zip(squares, freedom, strict=True))
    # The mean's variance is estimated by their sum, with a minus before the residual.
    degrees = max((squares[0] + squares[1] - squares[2]) ** 2 / spread, min(freedom))
    return float(stdtrit(degrees, 1 - LEVEL / 2)) * math.sqrt(variance)  # Student's t
