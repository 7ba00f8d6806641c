"""Voters who answer the trials of `srcnn judge` by a rule."""

from collections.abc import Callable, Iterable

import numpy as np

from srcnn.analysis.vote_crops import pixel_digest
from srcnn.analysis.vote_file import Answer, Vote
from srcnn.images.image_io import RGB8
from srcnn.judge.trials import Trial, TrialPlanner

Choose = Callable[[Trial, RGB8, RGB8], Answer]
"""The answer on a trial, from the pictures on the left and on the right."""


def session_votes(
    planner: TrialPlanner, number: int, choose: Choose, voter: str = "", seconds: float = 3
) -> list[Vote]:
    """The votes of a whole session."""
    session, votes = f"{number:016x}", []
    for place, trial in enumerate(planner.plan(session), start=1):
        pair = planner.reader.pair(trial.left, trial.right, trial.image, trial.crop)
        vote = Vote(
            time="2026-05-01T09:30:00Z",
            session=session,
            voter=voter,
            trial=place,
            **vars(trial),
            question="better",
            answer=choose(trial, *pair),
            seconds=seconds,
            pixels=pixel_digest(pair),
        )
        votes.append(vote)
    return votes


def people_votes(
    planner: TrialPlanner, numbers: Iterable[int], choose: Callable[[int], Choose]
) -> list[Vote]:
    """A session of each person; `choose` makes the rule of a person from the number."""
    found = (session_votes(planner, n, choose(n), f"person {n}") for n in numbers)
    return [vote for votes in found for vote in votes]


def at_random(number: int) -> Choose:
    """Any side."""
    random = np.random.default_rng(number)
    return lambda trial, left, right: "left" if random.random() < 0.5 else "right"


def always_left(number: int) -> Choose:
    """The left side."""
    return lambda trial, left, right: "left"


def prefers(method: str, share: float) -> Callable[[int], Choose]:
    """A rule that chooses a method with a probability, and any side if it is not shown."""

    def choose(number: int) -> Choose:
        random = np.random.default_rng(number)

        def answer(trial: Trial, left: RGB8, right: RGB8) -> Answer:
            is_chosen = random.random() < (share if method in (trial.left, trial.right) else 0.5)
            return "left" if (trial.left == method) == is_chosen else "right"

        return answer

    return choose


def the_sharper(number: int) -> Choose:
    """The picture with the larger differences between neighbours; attentive otherwise."""

    def sharpness(picture: RGB8) -> float:
        return float(np.abs(np.diff(picture.astype(float), axis=1)).mean())

    def answer(trial: Trial, left: RGB8, right: RGB8) -> Answer:
        if trial.kind == "identical":
            return "none"
        if trial.kind == "obvious":
            return "left" if trial.left != "mosaic" else "right"
        return "left" if sharpness(left) > sharpness(right) else "right"

    return answer
