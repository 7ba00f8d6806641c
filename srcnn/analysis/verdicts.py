"""How a claim is judged: image by image, and by one rule for all claims.

`srcnn.analysis.claims_text.RULE` says the rule in words.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from srcnn.analysis.statistics import FEW, Summary, summarise

Verdict = Literal["supported", "not supported", "too little data"]


@dataclass(frozen=True)
class Part:
    """One value by image, and what the claim says of it.

    Args:
        name: of the value, such as `×2`.
        summary: of the values.
        claimed: 1 where the claim says that they are above 0, −1 where below.
        is_ratio: whether they are natural logarithms of ratios.
        against: names of the photographs that are on the other side.
        decides: whether the claim depends on it; what does not is shown beside.
    """

    name: str
    summary: Summary
    claimed: Literal[1, -1]
    is_ratio: bool
    against: tuple[str, ...]
    decides: bool

    @property
    def key(self) -> str:
        """The name as a key of JSON, in letters that dvc takes: `x2_first_epoch`."""
        plain = self.name.lower().replace("×", "x").replace("λ", "lambda")
        return re.sub(r"[^a-z0-9]+", "_", plain)

    @property
    def as_claimed(self) -> int:
        """Images whose value is on the claim's side."""
        return self.summary.above if self.claimed > 0 else self.summary.below

    @property
    def verdict(self) -> Verdict:
        """By the rule."""
        return judge(self.summary, self.claimed)


@dataclass(frozen=True)
class Claim:
    """What this run's data say of a claim of the paper.

    Args:
        key: of the claim, such as `C1`.
        parts: the values it is judged by.
        verdict: on the whole claim.
        facts: further numbers and verdicts by name; in JSON alone.
        notes: sentences on what the data show and do not show.
    """

    key: str
    parts: Sequence[Part]
    verdict: Verdict
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()


def part(
    name: str,
    values: Mapping[str, float],
    claimed: Literal[1, -1],
    names: Mapping[str, str],
    *,
    is_ratio: bool = False,
    decides: bool = True,
) -> Part:
    """The part of a claim that these values are.

    Args:
        name: of the value.
        values: by image; none where the run has no such data.
        claimed: the side of 0 on which they are to lie.
        names: of the photographs by image.
        is_ratio: whether they are natural logarithms of ratios.
        decides: whether the claim depends on it.
    """
    against = tuple(names.get(i, i) for i, value in values.items() if value * claimed < 0)
    return Part(name, summarise(list(values.values())), claimed, is_ratio, against, decides)


def judge(summary: Summary, claimed: Literal[1, -1]) -> Verdict:
    """The verdict on values that are claimed to lie above 0 (1) or below it (−1)."""
    if summary.side == claimed and summary.is_significant:
        return "supported"
    if summary.side == -claimed or summary.images >= FEW:
        return "not supported"
    return "too little data"


def combine(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict on a claim of several parts."""
    found = set(verdicts)
    if "not supported" in found:
        return "not supported"
    return "supported" if found == {"supported"} else "too little data"


def decided(parts: Sequence[Part]) -> Verdict:
    """The verdict on the parts that decide."""
    return combine(part.verdict for part in parts if part.decides)
