"""How often each metric of the whole images predicts a vote on a crop of them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from srcnn.analysis.clustered_share import Share
from srcnn.analysis.results import read_scores
from srcnn.analysis.vote_file import Vote
from srcnn.analysis.votes import main_votes, share_among
from srcnn.errors import InputError
from srcnn.evaluation.metrics import METRICS

Scores = Mapping[str, pd.DataFrame]
"""The METRICS by method, such as x4/mse: a row for each image."""


def read_method_scores(votes: Sequence[Vote], metrics: Path) -> Scores:
    """The scores of all methods that these votes are about, from the folder `metrics`.

    Raises:
        InputError: a file is missing or damaged, or has no score of a method or an image.
    """
    found = {}
    methods = sorted({method for vote in main_votes(votes) for method in vote.methods})
    for scale in sorted({method.partition("/")[0] for method in methods}):
        table = read_scores(metrics / f"{scale}.csv")
        for name, rows in table.groupby("method"):
            found[f"{scale}/{name}"] = rows.set_index("image")[list(METRICS)]
    for vote in main_votes(votes):
        for method in vote.methods:
            if method not in found or vote.image not in found[method].index:
                file = metrics / f"{method.partition('/')[0]}.csv"
                problem = f"no score of image {vote.image} by {method}"
                raise InputError(f"{file}: {problem}; run the stage evaluate again")
    return found


def agreement(votes: Sequence[Vote], scores: Scores) -> dict[str, Share]:
    """By metric, the share of votes for the method whose score of the whole image is better.

    Votes for "no difference" are left out. Equal scores count half: the metric predicts nothing.
    """
    sided = [vote for vote in main_votes(votes) if vote.answer != "none"]

    def value(vote: Vote, metric: str) -> float:
        first, second = (scores[method].loc[vote.image, metric] for method in vote.methods)
        if first == second:
            return 0.5
        better = vote.methods[int((first < second) != METRICS[metric].lower_is_better)]
        return vote.share(better)

    return {key: share_among(sided, [value(vote, key) for vote in sided]) for key in METRICS}
