"""What the votes of simulated people say: the analysis finds what was put in."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from srcnn.analysis.clustered_share import share_of
from srcnn.analysis.vote_agreement import agreement, read_method_scores
from srcnn.analysis.vote_crops import CropReader
from srcnn.analysis.vote_file import Vote
from srcnn.analysis.votes import PairVotes, attention, bradley_terry, pair_votes
from srcnn.errors import InputError
from srcnn.evaluation.metrics import METRICS
from srcnn.images.image_io import RGB8, write_png
from srcnn.judge.trials import TrialPlanner
from tests.judge.simulated_voters import (
    always_left,
    at_random,
    people_votes,
    prefers,
    session_votes,
    the_sharper,
)
from tests.judge.small_project import A, B, C, write_scores

IMAGES = [f"{number:04d}" for number in range(1, 9)]
PEOPLE = range(21, 41)


@pytest.fixture(scope="module")
def planner(tmp_path_factory: pytest.TempPathFactory, picture: Callable[..., RGB8]) -> TrialPlanner:
    """A is the ground truth, B is blurred."""
    return TrialPlanner([A, B], blurred_project(tmp_path_factory.mktemp("project"), picture))


def blurred_project(folder: Path, picture: Callable[..., RGB8]) -> CropReader:
    """Eight images: A is the ground truth, B and C are blurred by 1 and 2 pixels."""
    for number, image in enumerate(IMAGES):
        hr = Image.fromarray(picture(64, 72, phase=number))
        for radius, part in enumerate(("hr/val", f"sr/{A}", f"sr/{B}", f"sr/{C}")):
            blurred = hr.filter(ImageFilter.GaussianBlur(max(0, radius - 1)))
            write_png(folder / f"data/{part}/{image}.png", np.asarray(blurred))
    return CropReader(folder / "data")


def pair_of(votes: list[Vote]) -> PairVotes:
    (pair,) = pair_votes(votes)
    assert (pair.a, pair.b, pair.question) == (A, B, "better")
    assert pair.share.votes == 14 * len(PEOPLE)
    assert (pair.share.people, pair.share.images) == (len(PEOPLE), len(IMAGES))
    return pair


def contains(pair: PairVotes, share: float) -> bool:
    assert pair.share.low is not None
    assert pair.share.high is not None
    return pair.share.low <= share <= pair.share.high


def test_random_voters_favour_neither_method(planner: TrialPlanner) -> None:
    votes = people_votes(planner, PEOPLE, at_random)
    pair, found = pair_of(votes), attention(votes)
    assert contains(pair, 0.5)
    assert pair.verdict == "no significant difference"
    assert found.left.low is not None
    assert found.left.low < 0.5 < (found.left.high or 0)
    assert 5 < found.obvious[0] < 35  # of 40
    assert 5 < found.repeated[0] < 35


def test_voters_who_always_choose_left_favour_neither_method_but_a_side(
    planner: TrialPlanner,
) -> None:
    votes = people_votes(planner, PEOPLE, always_left)
    pair, found = pair_of(votes), attention(votes)
    assert contains(pair, 0.5)
    assert pair.verdict == "no significant difference"
    assert found.left.mean == 1
    assert (found.left.low or 0) > 0.9
    assert found.identical == (0, 40)
    assert found.repeated == (0, 40)


@pytest.mark.parametrize("share", [0.2, 0.7, 0.9])
def test_a_preference_of_known_strength_is_found(planner: TrialPlanner, share: float) -> None:
    pair = pair_of(people_votes(planner, PEOPLE, prefers(A, share)))
    assert contains(pair, share)
    assert not contains(pair, 0.5)
    assert pair.verdict == f"significantly {'more' if share > 0.5 else 'fewer'} votes"


def test_voters_who_choose_the_sharper_result_agree_with_metrics_that_do(
    planner: TrialPlanner, tmp_path: Path
) -> None:
    votes = people_votes(planner, PEOPLE, the_sharper)
    pair, found = pair_of(votes), attention(votes)
    assert pair.share.mean == 1
    assert 0.9 < (pair.share.low or 0) < 1
    assert pair.counts == (8, 0, 0)
    assert found.obvious == found.identical == found.repeated == (40, 40)
    write_scores(tmp_path, (A, B), IMAGES)
    scores = read_method_scores(votes, tmp_path / "metrics")
    agreements = agreement(votes, scores)
    assert agreements.keys() == METRICS.keys()
    for metric, share in agreements.items():
        assert share.mean == 1, metric
        assert share.votes == pair.share.votes
    contrary = [
        replace(vote, answer="left" if vote.answer == "right" else "right") for vote in votes
    ]
    assert {share.mean for share in agreement(contrary, scores).values()} == {0}


def test_no_difference_counts_half_and_is_left_out_of_the_agreement(
    planner: TrialPlanner, tmp_path: Path
) -> None:
    votes = people_votes(planner, PEOPLE, lambda number: lambda trial, left, right: "none")
    pair = pair_of(votes)
    assert pair.share.mean == 0.5
    assert pair.no_difference == 1
    assert pair.counts == (0, 8, 0)
    assert pair.p == 1
    write_scores(tmp_path, (A, B), IMAGES)
    scores = read_method_scores(votes, tmp_path / "metrics")
    assert agreement(votes, scores)["lpips"].mean is None


def test_a_metric_without_a_difference_predicts_nothing_and_a_missing_score_is_named(
    planner: TrialPlanner, tmp_path: Path, one_line: Callable[[object], str]
) -> None:
    votes = people_votes(planner, PEOPLE, the_sharper)
    write_scores(tmp_path, (A, B), IMAGES)
    scores = read_method_scores(votes, tmp_path / "metrics")
    assert agreement(votes, {A: scores[A], B: scores[A]})["lpips"].mean == 0.5
    write_scores(tmp_path, (A, B), IMAGES[1:])
    with pytest.raises(InputError) as caught:
        read_method_scores(votes, tmp_path / "metrics")
    assert "metrics/x4.csv: no score of image 0001 by x4/mse" in one_line(caught)


def test_a_verdict_needs_six_people_and_six_images(planner: TrialPlanner) -> None:
    def verdict(votes: list[Vote]) -> str:
        return pair_votes(votes)[0].verdict

    assert verdict(people_votes(planner, range(1, 6), the_sharper)) == "too little data"
    six = people_votes(planner, range(1, 7), the_sharper)
    assert verdict(six) == "significantly more votes"
    assert verdict([v for v in six if v.image in IMAGES[:5]]) == "too little data"
    one_person = [replace(vote, voter="Ann") for vote in six]
    assert verdict(one_person) == "too little data"


def test_scores_of_several_methods_are_those_of_their_model(
    tmp_path: Path, picture: Callable[..., RGB8]
) -> None:
    planner = TrialPlanner([A, B, C], blurred_project(tmp_path, picture))
    strengths = {A: 1.0, B: 0.0, C: -1.0}
    random = np.random.default_rng(0)

    def choose(number: int) -> Callable[..., str]:
        def answer(trial: object, left: RGB8, right: RGB8) -> str:
            by = strengths.get(trial.left, 0) - strengths.get(trial.right, 0)  # type: ignore[attr-defined]
            return "left" if random.random() < 1 / (1 + np.exp(-by)) else "right"

        return answer

    votes = people_votes(planner, range(40), choose)  # type: ignore[arg-type]
    scores = bradley_terry(votes)
    assert list(scores) == [A, B, C]
    assert sum(scores.values()) == pytest.approx(0)
    for method, strength in strengths.items():
        assert scores[method] == pytest.approx(strength, abs=0.25)
    assert len(pair_votes(votes)) == 3


def test_a_method_without_a_single_vote_has_a_finite_score(planner: TrialPlanner) -> None:
    scores = bradley_terry(session_votes(planner, 1, the_sharper(1)))
    assert np.isfinite(list(scores.values())).all()
    assert scores[A] > scores[B]


def test_an_interval_needs_several_images_or_people() -> None:
    assert share_of([], [], []).mean is None
    one = share_of([1, 0, 1], ["a"] * 3, ["p"] * 3)
    assert one.mean == pytest.approx(2 / 3)
    assert one.low is None
    assert share_of([1, 0, 1], ["a", "b", "c"], ["p"] * 3).low is not None
    assert share_of([1, 0, 1], ["a"] * 3, ["p", "q", "r"]).low is not None


def test_equal_votes_leave_an_interval() -> None:
    images, people = [*range(5)] * 4, [p for p in range(4) for _ in range(5)]
    for value, sure in ((1.0, "high"), (0.0, "low")):
        found = share_of([value] * 20, images, people)
        assert found.mean == value == pytest.approx(getattr(found, sure))
        assert 0.1 < (found.high or 0) - (found.low or 0) < 0.3


def test_votes_that_depend_on_people_or_images_have_a_wider_interval() -> None:
    random = np.random.default_rng(0)
    images, people = np.tile(np.arange(12), 12), np.repeat(np.arange(12), 12)

    def width(values: np.ndarray) -> float:
        found = share_of(list(values.astype(float)), list(images), list(people))
        return (found.high or 0) - (found.low or 0)

    independent = width(random.random(144) < 0.5)
    assert width(people % 2 == 0) > 2 * independent
    assert width(images % 2 == 0) > 2 * independent
