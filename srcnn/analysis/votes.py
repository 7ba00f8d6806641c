"""What people's votes say: shares of two methods, several methods, and how attentive people were.

Only trials that compare two methods, each for the first time in a session, count for the methods.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median

import numpy as np

from srcnn.analysis.clustered_share import MIN_PEOPLE, Share, share_of
from srcnn.analysis.statistics import LEVEL, MIN_SIGNIFICANT, sign_test
from srcnn.analysis.vote_file import MAIN_KINDS, MOSAIC, Question, Vote

ASK = "`srcnn judge x4/perceptual x4/mse` asks people (`docs/judging.md`)"


@dataclass(frozen=True)
class PairVotes:
    """The votes on two methods, by one question."""

    question: Question
    a: str  # method, such as x4/perceptual
    b: str
    votes: Sequence[Vote]

    @property
    def share(self) -> Share:
        """The share of `a`; "no difference" counts half."""
        return share_among(self.votes, [vote.share(self.a) for vote in self.votes])

    @property
    def by_image(self) -> dict[str, float]:
        """The share of `a` in the votes on each image, in order of the images."""
        shares: dict[str, list[float]] = {}
        for vote in sorted(self.votes, key=lambda vote: vote.image):
            shares.setdefault(vote.image, []).append(vote.share(self.a))
        return {image: sum(found) / len(found) for image, found in shares.items()}

    @property
    def counts(self) -> tuple[int, int, int]:
        """Numbers of images on which `a` has more than half of the votes, half, and less."""
        shares = self.by_image.values()
        return (
            sum(share > 0.5 for share in shares),
            sum(share == 0.5 for share in shares),
            sum(share < 0.5 for share in shares),
        )

    @property
    def p(self) -> float:
        """Of the two-sided sign test over images."""
        wins, _, losses = self.counts
        return sign_test(wins, losses)

    @property
    def no_difference(self) -> float:
        """The share of the answer "no difference"."""
        return sum(vote.answer == "none" for vote in self.votes) / len(self.votes)

    @property
    def verdict(self) -> str:
        """Whether `a` has significantly more or fewer votes."""
        share, (wins, _, losses) = self.share, self.counts
        if not has_enough(share):
            return "too little data"
        side = ((share.low or 0) > 0.5) - ((share.high or 1) < 0.5)
        if side and side == (wins > losses) - (wins < losses) and self.p <= LEVEL:
            return f"significantly {'more' if side > 0 else 'fewer'} votes"
        return "no significant difference"


@dataclass(frozen=True)
class Attention:
    """How attentively some people answered, by one person or by all."""

    votes: int  # on all trials
    left: Share  # share of "left" among "left" and "right", on trials with two methods
    obvious: tuple[int, int]  # chose the result instead of its mosaic, of so many
    identical: tuple[int, int]  # answered "no difference" on one result twice, of so many
    repeated: tuple[int, int]  # gave the same answer on the same pair again, of so many
    seconds: float  # median


def has_enough(share: Share) -> bool:
    """Whether there are enough people and images for a verdict."""
    return share.people >= MIN_PEOPLE and share.images >= MIN_SIGNIFICANT


def share_among(votes: Sequence[Vote], values: Sequence[float]) -> Share:
    """The mean of one value per vote."""
    images, people = [vote.image for vote in votes], [vote.person for vote in votes]
    return share_of(values, images, people)


def main_votes(votes: Iterable[Vote]) -> list[Vote]:
    """The votes that compare two methods for the first time in a session."""
    return [vote for vote in votes if vote.kind in MAIN_KINDS]


def pair_votes(votes: Iterable[Vote]) -> list[PairVotes]:
    """The votes on each two methods, by question; `a` comes after `b` in the alphabet."""
    ordered = sorted(main_votes(votes), key=_pair_key)
    return [PairVotes(q, a, b, list(group)) for (q, b, a), group in groupby(ordered, _pair_key)]


def bradley_terry(votes: Iterable[Vote]) -> dict[str, float]:
    """The score of each method in the model of Bradley and Terry, best first; their mean is 0.

    A method whose score is larger by 1 is chosen e = 2.7 times as often as the other. "No
    difference" counts half for each.
    """
    import choix  # takes half a second

    votes = main_votes(votes)
    methods = sorted({method for vote in votes for method in vote.methods})
    wins = np.zeros((len(methods), len(methods)))
    for vote in votes:
        left, right = methods.index(vote.left), methods.index(vote.right)
        wins[left, right] += vote.share(vote.left)
        wins[right, left] += vote.share(vote.right)
    # As if each pair had a tenth of a vote for either side: a method without a vote has a score.
    scores = choix.ilsr_pairwise_dense(wins, alpha=0.1)
    return dict(sorted(zip(methods, map(float, scores), strict=True), key=lambda each: -each[1]))


def attention(votes: Sequence[Vote]) -> Attention:
    """How attentively these votes were given."""
    sided = [vote for vote in main_votes(votes) if vote.answer != "none"]
    obvious = [vote for vote in votes if vote.kind == "obvious"]
    identical = [vote for vote in votes if vote.kind == "identical"]
    return Attention(
        votes=len(votes),
        left=share_among(sided, [float(vote.answer == "left") for vote in sided]),
        obvious=(sum(vote.share(MOSAIC) == 0 for vote in obvious), len(obvious)),
        identical=(sum(vote.answer == "none" for vote in identical), len(identical)),
        repeated=_repeated(votes),
        seconds=median(vote.seconds for vote in votes),
    )


def _repeated(votes: Iterable[Vote]) -> tuple[int, int]:
    """How often the answer on a repeat was for the same method as before, of so many."""
    earlier = {(v.session, v.image, v.crop, v.left, v.right): v for v in main_votes(votes)}
    same = []
    for vote in votes:
        exchanged = earlier.get((vote.session, vote.image, vote.crop, vote.right, vote.left))
        if vote.kind == "repeat" and exchanged:
            same.append(vote.share(vote.left) == exchanged.share(vote.left))
    return sum(same), len(same)


def _pair_key(vote: Vote) -> tuple[Question, str, str]:
    return vote.question, *vote.methods
