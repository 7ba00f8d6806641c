import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from srcnn.analysis import claims
from srcnn.analysis.authors_claims import in_place_of_ours, judge_published, seams
from srcnn.analysis.claims_page import BY_AUTHORS, ClaimsPage
from srcnn.analysis.claims_text import TEXTS
from srcnn.analysis.results import Results
from srcnn.analysis.verdicts import Claim
from srcnn.images.image_io import RGB8, write_png
from srcnn.report.tables import claim_rows
from srcnn.utils.methods import AUTHORS_METHODS, ModelCode
from tests.analysis.test_claims import NO, YES, images, judged, made_results
from tests.small_results import SAVED_METHODS, score_table

Picture = Callable[..., RGB8]
Make = Callable[..., Results]

OURS = {"mse": 0.010, "perceptual": 0.010}
MSE = OURS | {
    "authors_mse": 0.010,
    "authors_perceptual": 0.012,
    "authors_mse_permute": 0.030,
    "authors_perceptual_permute": 0.031,
}
"""The MSE by method; the published perceptual loss has a fifth more than the published MSE loss."""


def tiles(height: int, width: int) -> RGB8:
    """A 3 × 3 grid of brightness, [H, W, 1], by up to 24 levels."""
    y, x = np.indices((height, width))
    values = np.array([[22, 4, 18], [0, 20, 2], [23, 3, 24]], np.uint8)
    return values[y * 3 // height, x * 3 // width][..., None]


@pytest.fixture
def make(tmp_path: Path, picture: Picture) -> Make:
    """A maker of results of eight images, whose methods each add some noise to the ground truth."""

    def results(tiled: str = "", size: tuple[int, int] = (60, 72)) -> Results:
        names, scores = images(8), {}
        for image in names:
            hr = picture(*size, phase=float(image)) // 2 + 40
            write_png(tmp_path / f"hr/{image}.png", hr)
            methods = dict.fromkeys([*SAVED_METHODS, *AUTHORS_METHODS])
            for number, method in enumerate(methods):
                random = np.random.default_rng((number, int(image)))
                sr = hr + random.integers(0, 3 + number, hr.shape, dtype=np.uint8)
                if method == tiled:
                    sr += tiles(*size)
                write_png(tmp_path / f"sr/{method}/{image}.png", sr)
                judges = dict.fromkeys(claims.JUDGES, 0.3 - 0.1 * ("perceptual" in method))
                scores[image, method] = {"mse": MSE.get(method, 0.02), **judges}
        return Results(4, names, score_table(scores), tmp_path / "hr", tmp_path / "sr")

    return results


def decisive(claim: Claim) -> Any:
    (part,) = [part for part in claim.parts if part.decides]
    return part


def test_tiles_that_the_published_perceptual_network_adds_are_found(make: Make) -> None:
    claim = seams(make("authors_perceptual"))
    assert (claim.key, claim.verdict) == ("C5", YES)
    assert decisive(claim).as_claimed == 8


@pytest.mark.parametrize("tiled", ["", "authors_mse", "perceptual", "authors_perceptual_permute"])
def test_no_tiles_or_those_of_other_networks_do_not_support_the_claim(
    make: Make, tiled: str
) -> None:
    claim = seams(make(tiled))
    assert claim.verdict == NO
    assert decisive(claim).as_claimed == 0
    found = {part.name.split(", ")[1]: part.as_claimed for part in claim.parts}
    assert found == {m: 8 * (m == tiled) for m in [*AUTHORS_METHODS, "mse", "perceptual"]}


def test_images_too_small_for_tiles_are_left_out(make: Make) -> None:
    claim = seams(make("authors_perceptual", size=(20, 72)))
    assert claim.verdict == "too little data"
    assert decisive(claim).summary.images == 0


def test_the_published_networks_take_the_places_of_ours(make: Make) -> None:
    results = make()
    published = in_place_of_ours(results)
    for loss in ("mse", "perceptual"):
        for image in results.names:
            theirs = results.score(image, f"authors_{loss}")
            assert published.score(image, loss).equals(theirs)
            (_, shown) = published.pictures(image, loss).values()
            (_, stored) = results.pictures(image, f"authors_{loss}").values()
            np.testing.assert_array_equal(shown, stored)
    assert published.models == ["mse", "perceptual"]
    assert results.models == ["mse", "perceptual"]
    assert results.score("0001", "perceptual")["mse"] == OURS["perceptual"]  # unchanged


def test_each_claim_is_judged_by_the_published_networks(make: Make) -> None:
    found = {claim.key: claim for claim in judge_published(make("authors_perceptual"))}
    assert {key: found[key].verdict for key in ("C1", "C2", "C5", "C6")} == dict.fromkeys(
        ("C1", "C2", "C5", "C6"), YES
    )
    part = next(part for part in found["C1"].parts if part.decides)
    assert list(np.exp(part.values)) == pytest.approx([1.2] * 8)
    assert "C4" in found
    assert "variants" not in " ".join(found["C4"].notes)  # of this run, not of the published ones


# Where the verdicts are shown


@pytest.fixture
def facts(tmp_path: Path) -> dict[str, Any]:
    """What is written for two claims of the run; the published networks contradict one."""
    ours = [judged("C1", 1, 9), judged("C3", 1, 9)]
    theirs = [replace(judged("C1", -1, 9), notes=["A note on the networks."])]
    page = ClaimsPage(ours, images(9), "paper", theirs)
    page.write(tmp_path / "claims.json", tmp_path / "claims.md")
    written: dict[str, Any] = json.loads((tmp_path / "claims.json").read_text())
    return written


@pytest.mark.usefixtures("facts")
def test_the_page_shows_both_verdicts(tmp_path: Path) -> None:
    page = (tmp_path / "claims.md").read_text()
    title = TEXTS["C1"].title
    assert f"| [C1](#c1) | {title} | **supported** | **not supported** |" in page
    assert f"| [C3](#c3) | {TEXTS['C3'].title} | **supported** | – |" in page
    section = page[page.index("## C1") : page.index("## C3")]
    assert "*Verdict in this run.* **supported**" in section
    assert f"*Verdict {BY_AUTHORS}*, by the published networks: **not supported**" in section
    assert "- A note on the networks." in section
    assert BY_AUTHORS not in page[page.index("## C3") :]
    rows = [line for line in page.splitlines() if line.startswith("| [C")]
    assert {row.count(" | ") for row in rows} == {4}


def test_json_has_the_verdict_of_the_published_networks_beside_the_run_s(
    facts: dict[str, Any],
) -> None:
    assert {key: claim["verdict"] for key, claim in facts.items()} == {
        "C1": YES,
        "C3": YES,
        "C1_authors": NO,
    }
    assert facts["C1_authors"]["x4"]["mean"] < 1 < facts["C1"]["x4"]["mean"]


def test_the_report_shows_both_verdicts_in_the_row_of_the_claim(facts: dict[str, Any]) -> None:
    first, second = claim_rows(facts)
    key, verdict, parts, others = first
    assert (key, verdict) == ("C1", YES)
    by_part = {name: said for name, *_, said in parts}
    assert by_part["×4"] == YES
    assert by_part[f"{BY_AUTHORS}: ×4"] == NO
    assert (BY_AUTHORS, NO) in others
    assert second[0] == "C3"
    assert BY_AUTHORS not in str(second)


def test_a_run_of_the_authors_code_says_so_on_top(tmp_path: Path) -> None:
    claim = claims.mean_squared_error([made_results(4, [0.02] * 9, [0.3] * 9)])
    codes: tuple[ModelCode, ...] = ("paper", "authors_view")
    for code in codes:
        page = ClaimsPage([claim], images(9), code)
        page.write(tmp_path / "claims.json", tmp_path / "claims.md")
        top, _, _ = (tmp_path / "claims.md").read_text().partition("## The rule")
        assert (f"model.code: {code}" in top) == (code != "paper")
