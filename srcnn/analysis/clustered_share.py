"""The share of votes with an interval that holds for new images and new people.

Votes on an image resemble each other, and so do the votes of a person. Three bootstraps measure
how much the share varies: over the images, over the people, and over the pairs of both. The first
two count the variance of single votes twice, so the third is subtracted (two-way clustering:
Cameron, Gelbach and Miller, Robust Inference With Multiway Clustering, 2011). The interval is
Wilson's for the number of independent votes that would vary as much, with Student's t for few
images or people (Dean and Pagano, Evaluating Confidence Interval Methods for Binomial Proportions
in Clustered Surveys, 2015). benchmarks/vote_coverage.py measures how often it is right.
"""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from srcnn.analysis.statistics import LEVEL

MIN_PEOPLE = 6
"""Fewest people for which the interval is known to be right (benchmarks/vote_coverage.py)."""

_RESAMPLES = 2000

Array = npt.NDArray[np.float64]
Clusters = npt.NDArray[np.intp]
"""The number of each vote's image or person, from 0."""


@dataclass(frozen=True)
class Share:
    """A mean of values from 0 to 1, such as votes, and its 95 % interval."""

    votes: int
    images: int
    people: int
    mean: float | None = None  # None without votes
    low: float | None = None  # None with one image and one person
    high: float | None = None


def share_of(
    values: Sequence[float], images: Sequence[Hashable], people: Sequence[Hashable]
) -> Share:
    """The mean of values in [0, 1]; `images` and `people` say whom each belongs to.

    With one person, the interval is about new votes of this person on new images; with one image
    likewise.
    """
    votes = np.asarray(values, float)
    of_image, of_person = _numbers(images), _numbers(people)
    counts = len(votes), len(set(images)), len(set(people))
    if not len(votes):
        return Share(*counts)
    mean = float(votes.mean())
    if max(counts[1:]) == 1:
        return Share(*counts, mean)
    variance, freedom = _variance(votes, of_image, of_person)
    t = float(stdtrit(freedom, 1 - LEVEL / 2))
    # Without variance, such as after equal votes, each counts as an independent one.
    independent = mean * (1 - mean) / variance if variance > 1e-12 else float(len(votes))
    return Share(*counts, mean, *_wilson(mean, independent, t))


def _variance(votes: Array, of_image: Clusters, of_person: Clusters) -> tuple[float, float]:
    """The variance of the mean, and its degrees of freedom by Satterthwaite's approximation."""
    of_both = _numbers(list(zip(of_image, of_person, strict=True)))
    single, freedom = _bootstrap_variance(votes, of_both), int(of_both.max())
    parts = [
        (_bootstrap_variance(votes, clusters), int(clusters.max()))
        for clusters in (of_image, of_person)
        if clusters.max()
    ]
    variance = max(sum(found for found, _ in parts) - (len(parts) - 1) * single, single)
    if not variance:
        return 0.0, math.inf
    # What the variance of images or people has beyond that of single votes is known less well.
    spread = single**2 / freedom
    spread += sum(max(found**2 - single**2, 0) / count for found, count in parts)
    return variance, min(max(variance**2 / spread, min(count for _, count in parts)), freedom)


def _bootstrap_variance(votes: Array, clusters: Clusters) -> float:
    """The variance of the mean over resampled clusters."""
    sums, sizes = np.bincount(clusters, votes), np.bincount(clusters)
    count = len(sums)
    resamples = _resamples(count)
    means = (resamples @ sums) / (resamples @ sizes)
    return float(means.var()) * count / (count - 1)


@lru_cache(maxsize=8)
def _resamples(count: int) -> Array:
    """How often each of `count` clusters is drawn: [resamples, count]."""
    random = np.random.default_rng(0)
    return random.multinomial(count, [1 / count] * count, _RESAMPLES).astype(float)


def _numbers(names: Sequence[Hashable]) -> Clusters:
    """Each name as a number, from 0 in order of first appearance."""
    order = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.array([order[name] for name in names], np.intp)


def _wilson(mean: float, votes: float, t: float) -> tuple[float, float]:
    """Wilson's interval of a share of so many independent votes."""
    centre = (mean + t**2 / (2 * votes)) / (1 + t**2 / votes)
    half = t * math.sqrt(mean * (1 - mean) / votes + (t / (2 * votes)) ** 2) / (1 + t**2 / votes)
    return max(centre - half, 0.0), min(centre + half, 1.0)
