"""The stage `votes`, by the files that it writes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from srcnn.analysis.vote_file import append_vote
from srcnn.images.image_io import RGB8
from srcnn.judge.trials import TrialPlanner
from srcnn.settings import read_settings
from stages.votes import main
from tests.judge.simulated_voters import people_votes, the_sharper
from tests.judge.small_project import A, B, make_project


def test_the_stage_says_what_people_say_and_runs_without_any(
    tmp_path: Path,
    picture: Callable[..., RGB8],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    project: Path,
) -> None:
    settings = read_settings(project / "params.yaml")
    reader = make_project(tmp_path, picture)
    monkeypatch.chdir(tmp_path)
    main(settings)
    assert json.loads(Path("plots/votes.json").read_text())["votes"] == 0
    assert "No votes yet: `srcnn judge" in Path("plots/votes.md").read_text()
    for vote in people_votes(TrialPlanner([A, B], reader), range(2), the_sharper):
        append_vote(vote)
    with Path("metrics/votes.csv").open("a") as file:
        file.write("damaged")
    main(settings)
    facts = json.loads(Path("plots/votes.json").read_text())
    assert (facts["votes"], facts["people"], facts["problems"]) == (40, 2, 1)
    assert "| x4/perceptual : x4/mse | better |" in Path("plots/votes.md").read_text()
    assert "warning: metrics/votes.csv, line 42: 1 columns" in capsys.readouterr().out
