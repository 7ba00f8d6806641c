from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from srcnn.analysis import claims
from srcnn.analysis.claims_text import TEXTS
from srcnn.analysis.results import Cost, Devices, Results
from srcnn.analysis.verdicts import Claim, Verdict
from srcnn.analysis.votes import pair_votes
from tests.analysis.test_vote_file import VOTE
from tests.small_results import score_table

Values = Sequence[float]

YES: Verdict = "supported"
NO: Verdict = "not supported"
NONE: Verdict = "not shown"
LITTLE: Verdict = "too little data"

DEVICES = Devices("any x86-64 CPU, held at AVX2", {"x2/mse": "NVIDIA H100 80GB HBM3"})
SPREAD = np.linspace(0.5, 1.5, 30)
"""The effect in each image, relative to the mean effect."""


def images(count: int) -> dict[str, str]:
    """Names of photographs by image number."""
    return {f"{i:04d}": f"photo_{i}.png" for i in range(1, count + 1)}


def made_results(scale: int, mse: Values, lpips: Values) -> Results:
    """Results with MSE 0.01 and LPIPS 0.3 by the MSE model, and given ones by the other."""
    names, scores = images(len(mse)), {}
    for image, error, distance in zip(names, mse, lpips, strict=True):
        scores[image, "mse"] = {"mse": 0.01, **dict.fromkeys(claims.JUDGES, 0.3)}
        scores[image, "perceptual"] = {"mse": error, **dict.fromkeys(claims.JUDGES, distance)}
    return Results(scale, names, score_table(scores), Path(), Path())


def judged(key: str, effect: float, count: int) -> Claim:
    """The claim, judged by made-up data.

    Args:
        key: such as `C1`.
        effect: above 0 if the data confirm the claim, below 0 if they contradict it, and 0 if half
            of the images do either.
        count: number of images.
    """
    signs = np.where(np.arange(count) % 2, 1, -1) if effect == 0 else np.sign(effect)
    by = 0.1 * signs * SPREAD[:count]  # up to 15 %
    plain = [0.01] * count
    names = images(count)
    if key in ("C1", "C2", "C6"):
        mse = 0.01 * (1 + by) if key != "C2" else plain
        lpips = 0.3 * (1 - by) if key != "C1" else plain
        results = [made_results(scale, list(mse), list(lpips)) for scale in (2, 4)]
        if key == "C6":
            return claims.trade_off(results, (0.1, 0.9))
        return claims.mean_squared_error(results) if key == "C1" else claims.looks(results)
    if key == "C3":
        wide, narrow = (list(0.01 * (1.5 + sign * by)) for sign in (1, -1))
        return claims.gap([made_results(2, wide, plain), made_results(4, narrow, plain)])
    if key == "C4":
        perceptual, alone = 2e-5 * (1 + by), 2e-5 * (1 + by) ** 2
        columns = {"bicubic": 1e-5, "mse": 2e-5, "perceptual": perceptual, "alone": alone}
        energies = pd.DataFrame(columns, index=list(names))
        results = [made_results(scale, plain, plain) for scale in (2, 4)]
        return claims.hallucination(results, {2: energies, 4: energies}, 0.1, "alone")
    if key == "C5":
        peaks = pd.DataFrame({name: [6 + rise, 6, 6] for name, rise in zip(names, by, strict=True)})
        flat = pd.DataFrame({name: [0.0, 0.0] for name in names})
        return claims.grid_artefacts({(4, "perceptual"): peaks, (4, "mse"): flat})
    slowest = claims.CPU_BUDGET * (1.1 if effect < 0 else 0.1)
    return claims.runs_on_cpu({2: 0.5, 4: slowest}, DEVICES, Cost(20099, 20000))


# Each verdict on each claim

IMAGE_CLAIMS = ("C1", "C2", "C3", "C4", "C5", "C6")


@pytest.mark.parametrize("key", TEXTS)
@pytest.mark.parametrize("count", [6, 10, 30])
def test_a_claim_that_the_data_confirm_is_supported(key: str, count: int) -> None:
    assert judged(key, 1, count).verdict == YES


@pytest.mark.parametrize("key", TEXTS)
@pytest.mark.parametrize("count", [6, 10, 30])
def test_a_claim_that_the_data_contradict_is_not_supported(key: str, count: int) -> None:
    assert judged(key, -1, count).verdict == NO


@pytest.mark.parametrize("key", IMAGE_CLAIMS)
@pytest.mark.parametrize("effect", [-1, 0, 1])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_up_to_five_images_are_too_little_data_whatever_they_show(
    key: str, effect: float, count: int
) -> None:
    assert judged(key, effect, count).verdict == LITTLE


@pytest.mark.parametrize("key", IMAGE_CLAIMS)
def test_a_claim_that_images_disagree_about_needs_many_images_for_a_verdict(
    key: str,
) -> None:
    assert judged(key, 0, 10).verdict == LITTLE
    assert judged(key, 0, 30).verdict == NONE


def test_a_network_that_exceeds_the_budget_on_a_cpu_does_not_run_on_it() -> None:
    claim = claims.runs_on_cpu({2: 1.0, 4: 10.01}, DEVICES, Cost(20099, 20000))
    assert claim.verdict == NO
    assert "more than 10 seconds at ×4" in " ".join(claim.notes)
    assert claim.facts["budget_seconds"] == 10
    assert "10.01" not in str(claim)  # a time in the results would change from run to run


def test_ties_support_the_claim_that_the_mse_is_equal_or_higher() -> None:
    claim = claims.mean_squared_error([made_results(2, [0.01] * 20, [0.3] * 20)])
    equal_or_higher, strictly = claim.parts
    assert claim.verdict == equal_or_higher.verdict == YES
    assert equal_or_higher.as_claimed == 20
    assert not strictly.decides
    assert strictly.verdict == LITTLE


@pytest.mark.parametrize(("ratio", "verdict"), [(0.992, YES), (0.988, NO), (0.97, NO)])
def test_an_mse_lower_by_less_than_the_margin_counts_as_equal(
    ratio: float, verdict: Verdict
) -> None:
    claim = claims.mean_squared_error([made_results(2, [0.01 * ratio] * 8, [0.3] * 8)])
    assert claim.verdict == verdict
    assert claim.parts[0].contrary == ([] if verdict == YES else list(images(8)))


def test_a_gain_that_only_one_judge_sees_is_said_in_one_sentence_with_an_interval() -> None:
    names = images(8)
    scores = {}
    for number, image in enumerate(names):
        spread = 0.001 * number
        scores[image, "mse"] = {"lpips": 0.4, "lpips_vgg": 0.5, "dists": 0.1}
        scores[image, "perceptual"] = {"lpips": 0.3, "lpips_vgg": 0.51 + spread, "dists": 0.09}
    claim = claims.looks([Results(4, names, score_table(scores), Path(), Path())])
    assert [(part.name, part.verdict, part.as_claimed) for part in claim.parts] == [
        ("×4, LPIPS", YES, 8),
        ("×4, LPIPS-VGG", NO, 0),
        ("×4, DISTS", YES, 8),
    ]
    assert claim.verdict == NO
    (sentence,) = claim.notes
    assert "−27.7 [−28.0, −27.4] at ×4" in sentence
    assert "in this run" in sentence.lower()


@pytest.mark.parametrize(
    ("share", "people", "photographs", "verdict"),
    [
        (1.0, 6, 6, YES),
        (0.0, 6, 6, NO),
        (1.0, 5, 6, LITTLE),
        (1.0, 6, 5, LITTLE),
        (0.5, 6, 8, LITTLE),
        (0.5, 6, 30, NONE),
    ],
)
def test_people_decide_with_six_people_and_images(
    share: float, people: int, photographs: int, verdict: Verdict
) -> None:
    results = [made_results(scale, [0.01] * photographs, [0.3] * photographs) for scale in (2, 4)]
    votes = [
        replace(
            VOTE,
            session=f"{person:016x}",
            voter=f"person {person}",
            trial=trial,
            image=image,
            answer="right" if (person + trial) % 2 < 2 * share - 0.5 else "left",
        )
        for person in range(people)
        for trial, image in enumerate(results[0].names, start=1)
    ]
    claim = claims.looks_to_people(results, pair_votes(votes))
    assert (claim.key, claim.verdict) == ("C2", verdict)
    (part,) = claim.parts  # the scale that was voted on
    assert (part.name, part.summary.images) == ("×4", photographs)
    assert part.summary.mean == pytest.approx(share - 0.5)
    closer = [replace(vote, question="closer") for vote in votes]
    assert claims.looks_to_people(results, pair_votes(closer)).verdict == LITTLE


def test_without_votes_people_have_too_little_data() -> None:
    claim = claims.looks_to_people([made_results(4, [0.01] * 9, [0.3] * 9)], [])
    assert claim.verdict == LITTLE
    assert "srcnn judge x4/perceptual x4/mse" in claim.notes[0]


def test_one_scale_that_contradicts_is_enough_for_not_supported() -> None:
    up, down = [0.011] * 8, [0.009] * 8
    results = [made_results(2, up, up), made_results(4, down, down)]
    claim = claims.mean_squared_error(results)
    assert [part.verdict for part in claim.parts if part.decides] == [YES, NO]
    assert claim.verdict == NO
    assert claim.parts[2].contrary == list(images(8))


# What each claim lacks


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_gap_needs_both_scales_and_says_so(scale: int) -> None:
    claim = claims.gap([made_results(scale, [0.02] * 9, [0.2] * 9)])
    assert claim.verdict == LITTLE
    assert "scales: [2, 4]" in claim.notes[0]


def test_a_gap_has_the_same_size_whichever_model_is_better() -> None:
    ahead, behind = [0.01 / 1.5] * 9, [0.01 * 1.2] * 9
    claim = claims.gap([made_results(2, ahead, behind), made_results(4, behind, behind)])
    assert claim.parts[0].summary.mean == pytest.approx(np.log(1.5) - np.log(1.2))
    assert claim.verdict == YES


def test_without_results_of_the_perceptual_loss_alone_half_a_claim_is_open() -> None:
    names = images(9)
    energies = {"bicubic": 1e-5, "mse": 2e-5, "perceptual": 3e-5}
    found = {2: pd.DataFrame(energies, index=list(names))}
    results = [made_results(2, [0.01] * 9, [0.3] * 9)]
    claim = claims.hallucination(results, found, 0.1)
    assert (claim.facts["invented"], claim.facts["reduced"]) == (YES, LITTLE)
    assert claim.facts["x2_energy"] == pytest.approx(energies)
    assert claim.verdict == LITTLE
    assert "variants: {alone: {lambda1: 0}}" in " ".join(claim.notes)
    alone = claims.hallucination(results, found, 0)
    assert "This run has λ1 = 0" in " ".join(alone.notes)


def test_one_epoch_shows_nothing_about_later_ones() -> None:
    one_epoch = pd.DataFrame({image: [9.0] for image in images(9)})
    peaks = {(2, "perceptual"): one_epoch, (2, "mse"): pd.DataFrame()}
    claim = claims.grid_artefacts(peaks)
    assert [part.verdict for part in claim.parts[:2]] == [YES, LITTLE]
    assert claim.verdict == LITTLE
    assert "one epoch" in claim.notes[0]


def test_images_too_small_for_a_grid_show_nothing_about_tiles() -> None:
    peaks = dict.fromkeys([(2, "perceptual"), (2, "mse")], pd.DataFrame())
    claim = claims.grid_artefacts(peaks)
    assert claim.verdict == LITTLE
    assert "too small" in claim.notes[0]


@pytest.mark.parametrize(("mse", "lpips"), [(0.011, 0.31), (0.009, 0.29), (0.009, 0.31)])
def test_both_better_both_worse_or_the_other_way_round_is_no_trade(
    mse: float, lpips: float
) -> None:
    claim = claims.trade_off([made_results(2, [mse] * 8, [lpips] * 8)], (0.1, 0.9))
    assert claim.verdict == NO
    assert claim.parts[0].summary.mean == -1


def test_two_images_without_any_error_have_a_ratio_of_one() -> None:
    names = images(2)
    scores = {(image, method): {"mse": 0.0} for image in names for method in ("mse", "perceptual")}
    results = Results(2, names, score_table(scores), Path(), Path())
    part, _ = claims.mean_squared_error([results]).parts
    assert list(part.values) == [0, 0]


def test_a_ratio_to_an_image_without_error_counts_but_has_no_share_in_the_mean() -> None:
    results = made_results(2, [0.0, *[0.02] * 8], [0.3] * 9)
    part, _ = claims.mean_squared_error([results]).parts
    assert part.contrary == ["0001"]
    assert part.as_claimed == 8
    assert part.summary.mean == pytest.approx(np.log(2))
    assert part.summary.infinite == 1
    assert part.verdict == YES
