"""What the votes say, as JSON, Markdown and text."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from srcnn.analysis.vote_crops import CropReader
from srcnn.analysis.vote_file import append_vote
from srcnn.analysis.votes_page import read_results
from srcnn.cli.program import main
from srcnn.evaluation.metrics import METRICS
from srcnn.images.image_io import RGB8, write_png
from srcnn.judge.trials import TrialPlanner
from tests.judge.simulated_voters import session_votes, the_sharper
from tests.judge.small_project import IMAGES, A, B, C, make_project

Picture = Callable[..., RGB8]
EVIL = "*Ann*|<b>"


@pytest.fixture
def folder(tmp_path: Path, picture: Picture, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the votes of two people on two methods."""
    planner = TrialPlanner([A, B], make_project(tmp_path, picture, methods=(A, B, C)))
    for number, name in enumerate((EVIL, "")):
        for vote in session_votes(planner, number, the_sharper(number), name):
            append_vote(vote, tmp_path / "metrics/votes.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_json_has_shares_agreement_and_attention(folder: Path) -> None:
    results = read_results()
    results.write(folder / "votes.json", folder / "votes.md")
    facts = json.loads((folder / "votes.json").read_text())
    assert facts == json.loads(json.dumps(results.as_json()))
    counts = {name: facts[name] for name in ("votes", "people", "outdated", "problems")}
    assert counts == {"votes": 40, "people": 2, "outdated": 0, "problems": 0}
    pair = facts["better"]["x4_perceptual_x4_mse"]
    assert (pair["a"], pair["b"], pair["votes"], pair["people"]) == (A, B, 28, 2)
    assert pair["low"] <= pair["mean"] <= pair["high"]
    assert pair["wins"] + pair["ties"] + pair["losses"] == pair["images"] == len(IMAGES)
    assert pair["verdict"] == "too little data"
    assert pair["agreement"].keys() == METRICS.keys()
    assert facts["attention"]["obvious"] == [4, 4]
    assert "bradley_terry" not in facts["better"]


def test_names_cannot_break_the_page(folder: Path) -> None:
    read_results().write(folder / "votes.json", folder / "votes.md")
    page = (folder / "votes.md").read_text(encoding="utf-8")
    assert "| \\*Ann\\*\\|\\<b\\> | 20 |" in page
    assert "| no name (0000) | 20 |" in page
    assert page.startswith("# What people say\n\n40 votes, 2 people, 2 sessions.\n")
    for heading in ("Two methods", "How often each metric predicts the vote", "Attention"):
        assert f"\n## {heading}\n" in page


def test_votes_about_earlier_results_do_not_count(folder: Path, picture: Picture) -> None:
    before = read_results()
    write_png(folder / f"data/sr/{A}/{IMAGES[0]}.png", picture(72, 80, phase=9))
    (folder / f"data/sr/{B}/{IMAGES[1]}.png").unlink()
    after = read_results()
    assert {vote.image for vote in after.votes if vote.kind == "differ"} == {IMAGES[2]}
    assert len(after.votes) + after.outdated == len(before.votes)
    reason = "do not count: these results changed or are missing."
    assert f" {after.outdated} more {reason}" in after.as_text()
    assert after.as_json()["outdated"] == after.outdated > 0


def test_named_methods_select_votes_and_several_have_scores(folder: Path) -> None:
    planner = TrialPlanner([A, B, C], CropReader())
    for vote in session_votes(planner, 7, the_sharper(7), "Bob"):
        append_vote(vote)
    everything = read_results().as_json()
    scores = everything["better"]["bradley_terry"]
    assert set(scores) == {"x4_perceptual", "x4_mse", "x4_bicubic"}
    assert sum(scores.values()) == pytest.approx(0, abs=1e-5)
    assert "All methods" in read_results().as_text()
    two = read_results([A, C]).as_json()
    assert list(two["better"]) == ["x4_perceptual_x4_bicubic"]


def test_both_questions_are_kept_apart(folder: Path) -> None:
    planner = TrialPlanner([A, B], CropReader())
    for vote in session_votes(planner, 9, the_sharper(9), "Bob"):
        append_vote(replace(vote, question="closer"))
    facts = read_results().as_json()
    assert facts["better"]["x4_perceptual_x4_mse"]["votes"] == 28
    assert facts["closer"]["x4_perceptual_x4_mse"]["votes"] == 14


def test_without_votes_the_page_says_how_to_ask(folder: Path) -> None:
    (folder / "metrics/votes.csv").unlink()
    results = read_results()
    assert results.as_json() == {"votes": 0, "people": 0, "outdated": 0, "problems": 0}
    assert results.as_text().startswith("No votes yet: srcnn judge")


def test_the_command_prints_results_and_names_damaged_lines(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (folder / "metrics/votes.csv").open("a") as file:
        file.write("oops\n")
    assert main(["judge", "--results"]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("40 votes, 2 people, 2 sessions. 1 damaged line does not count.")
    assert f"{A} : {B}" in printed.out
    assert max(map(len, printed.out.splitlines())) <= 120
    assert printed.err == (
        "warning: metrics/votes.csv, line 42: 1 columns instead of 13; it does not count\n"
    )
    assert main(["judge", A, B, "--results", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["problems"] == 1


def test_without_votes_the_command_says_how_to_ask(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["judge", "--results", A, C]) == 1
    assert capsys.readouterr().err == (
        f"error: metrics/votes.csv: no votes about {A} and {C}; srcnn judge x4/perceptual x4/mse "
        "asks people (docs/judging.md)\n"
    )
    assert main(["judge", A, B, "--json"]) == 1
    assert capsys.readouterr().err == "error: --json needs --results\n"
    assert main(["judge", "--results", "--reference"]) == 1
    assert capsys.readouterr().err == (
        "error: --results is about both questions; leave out --reference\n"
    )
