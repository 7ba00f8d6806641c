"""The rule by which a claim is judged, image by image; the same rule for all claims.

`srcnn.analysis.claims_text.RULE` states the rule in words.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import pandas as pd

from srcnn.analysis.statistics import MIN_POWERED, Summary, summarise

Verdict = Literal["supported", "not supported", "not shown", "too little data"]


@dataclass(frozen=True, eq=False)
class Part:
    """One value per image, and what the claim says about it."""

    name: str  # of the value, such as ×2
    values: pd.Series  # by image; empty if the run lacks the data
    sign: Literal[1, -1]  # 1 if the claim says that the values are above 0, −1 if below
    is_ratio: bool = False  # whether the values are natural logarithms of ratios
    decides: bool = True  # whether the verdict depends on it; else it is for comparison
    margin: float = 0.0  # by which a value may miss the claimed side and still be as claimed
    mean: tuple[float | None, float | None, float | None] | None = None
    """The mean and the ends of its interval, if they do not follow from these values alone."""
    is_enough: bool = True  # whether there are enough data for a verdict, besides images

    @cached_property
    def summary(self) -> Summary:
        """Statistics of the values."""
        found = summarise(self.values)
        if self.mean is None:
            return found
        mean, low, high = self.mean
        return replace(found, mean=mean, low=low, high=high)

    @cached_property
    def tested(self) -> Summary:
        """Statistics of the values, moved by the margin to the claimed side."""
        return summarise(self.values + self.sign * self.margin) if self.margin else self.summary

    @property
    def key(self) -> str:
        """The name as a key in JSON, in characters that DVC accepts: `x2_first_epoch`."""
        plain = self.name.lower().replace("×", "x").replace("λ", "lambda")
        return re.sub(r"[^a-z0-9]+", "_", plain)

    @property
    def as_claimed(self) -> int:
        """Number of images whose value is on the claimed side."""
        return self.tested.above if self.sign > 0 else self.tested.below

    @property
    def contrary(self) -> list[str]:
        """The images whose value is on the other side."""
        return list(self.values.index[self.values * self.sign < -self.margin])

    @property
    def verdict(self) -> Verdict:
        """The verdict on this value alone."""
        if not self.is_enough:
            return "too little data"
        if self.tested.is_significant:
            return "supported" if self.tested.side == self.sign else "not supported"
        return "not shown" if self.tested.images >= MIN_POWERED else "too little data"


@dataclass(frozen=True)
class Claim:
    """What this run's data say about a claim of the paper."""

    key: str  # such as C1
    parts: Sequence[Part]
    verdict: Verdict
    facts: Mapping[str, Any] = field(default_factory=dict)  # for JSON only
    notes: Sequence[str] = ()  # sentences of Markdown


def combine(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict on a claim with several parts."""
    found = set(verdicts)
    if found == {"supported"}:
        return "supported"
    order: tuple[Verdict, ...] = ("not supported", "not shown", "too little data")
    return next((verdict for verdict in order if verdict in found), "too little data")


def judge_parts(parts: Iterable[Part]) -> Verdict:
    """The verdict on the parts that decide."""
    return combine(part.verdict for part in parts if part.decides)
