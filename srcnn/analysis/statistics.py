"""What differences image by image show: their mean, how far it can be trusted, and who is ahead.

The interval is the percentile bootstrap's over the images. Its ends are means of values that were
seen, and there is one for any values. The BCa bootstrap holds the mean up to three times in a
hundred more often where values are skewed, but takes its correction from the same few values, and
has none where they are alike. Either is too narrow for few images: of normal values, the interval
of 5 holds the mean in 84 cases of 100, that of 10 in 90, that of 20 in 92; of skewed values in
fewer. So an interval alone decides nothing: the sign test, which is exact, has to agree.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest, bootstrap

LEVEL = 0.05
"""What is called significant: 1 − the confidence of an interval."""

FEWEST = 6
"""Images with which a sign test can be significant at all: all on one side, p = 2 / 2⁶ = 0.031."""

FEW = 20
"""Images with which a sign test finds, in four cases of five, what is true of four images in five.

With fewer images, finding nothing says little.
"""

_RESAMPLES = 9999
_NOISE = 1e-9  # of the largest value: what floats leave of a sum that is 0


@dataclass(frozen=True)
class Summary:
    """Values of one kind, one for each image.

    Args:
        images: how many.
        mean: of the values; None where there are none.
        low: end of the mean's interval; None with fewer than two images.
        high: the other end.
        above: images whose value is above 0.
        equal: whose value is 0.
        below: whose value is below 0.
    """

    images: int
    mean: float | None
    low: float | None
    high: float | None
    above: int
    equal: int
    below: int

    @property
    def side(self) -> int:
        """1 or −1 where values are significantly above or below 0 by the interval, else 0."""
        if self.low is None or self.high is None or self.images < FEWEST:
            return 0
        return (self.low > 0) - (self.high < 0)

    @property
    def is_significant(self) -> bool:
        """Whether the interval and the sign test say that values lie on one and the same side."""
        ahead = (self.above > self.below) - (self.above < self.below)
        return self.side == ahead != 0 and sign_test(self.above, self.below) <= LEVEL


def summarise(values: Sequence[float]) -> Summary:
    """The summary of values, one for each image."""
    values = [float(value) for value in values]
    low, high = interval(values) or (None, None)
    return Summary(
        images=len(values),
        mean=_mean(values) if values else None,
        low=low,
        high=high,
        above=sum(value > 0 for value in values),
        equal=sum(value == 0 for value in values),
        below=sum(value < 0 for value in values),
    )


def interval(values: Sequence[float]) -> tuple[float, float] | None:
    """The 95 % interval of the mean by the bootstrap over the images.

    Returns:
        low and high end, which are the same where all values are; None for fewer than two values.
    """
    if len(values) < 2:
        return None
    if len(set(values)) == 1:
        return float(values[0]), float(values[0])
    found = bootstrap(
        (np.asarray(values),),
        np.mean,
        vectorized=True,
        n_resamples=_RESAMPLES,
        batch=1000,
        confidence_level=1 - LEVEL,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    low, high = (_without_noise(float(end), values) for end in (found.low, found.high))
    return low, high


def sign_test(above: int, below: int) -> float:
    """Two-sided p: how often two equally likely sides come out as far from even, or further."""
    return float(binomtest(above, above + below).pvalue) if above + below else 1.0


def _mean(values: Sequence[float]) -> float:
    return _without_noise(math.fsum(values) / len(values), values)


def _without_noise(value: float, values: Sequence[float]) -> float:
    return 0.0 if abs(value) <= _NOISE * max(map(abs, values)) else value
