"""The server of `srcnn judge`: what it tells the page, and what it records."""

import json
import secrets
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests

from srcnn.analysis.vote_crops import CropReader
from srcnn.analysis.vote_file import read_votes
from srcnn.images.image_io import RGB8, write_png
from srcnn.judge.trials import COUNTS, TrialPlanner
from tests.judge.small_project import IMAGES, SESSIONS, A, B, judge_served
from tests.serving_page import Client


class Voter:
    """Takes part over HTTP, and remembers every answer of the server."""

    def __init__(self, address: str, name: str = "Ann"):
        self.address, self.session = address, requests.Session()
        self.session.headers["Origin"] = address
        self.heard: list[requests.Response] = []
        self.about = self.ask("sessions").json()
        self.state = self.ask("sessions", voter=name).json()

    def ask(self, path: str, **body: Any) -> requests.Response:
        method = "POST" if body else "GET"
        answer = self.session.request(method, f"{self.address}/{path}", json=body or None)
        self.heard.append(answer)
        return answer

    @property
    def place(self) -> str:
        return f"sessions/{self.state['key']}/{self.state['done'] + 1}"

    def vote(self, choice: str) -> bytes:
        """Look at the next pair and answer; return its pixels."""
        shown = self.ask(self.place).content
        done = self.ask(self.place, answer=choice, seconds=1.25)
        assert done.status_code == 200, done.text
        self.state = done.json()
        return shown


def spoken(answer: requests.Response) -> str:
    """What a page can learn from an answer besides pixels: address, headers, text."""
    headers = {name: value for name, value in answer.headers.items() if name != "Date"}
    body = "" if answer.headers["Content-Type"].endswith("octet-stream") else answer.text
    return f"{answer.status_code} {answer.url} {json.dumps(headers)} {body}"


def unlike_project(folder: Path, flat: str, noisy: str) -> TrialPlanner:
    """Results that compress to very different sizes: one method's are flat, the other's noise."""
    random = np.random.default_rng(0)
    for image in IMAGES:
        noise = random.integers(0, 256, (90, 90, 3), np.uint8)
        write_png(folder / f"data/hr/val/{image}.png", noise)
        write_png(folder / f"data/sr/{noisy}/{image}.png", noise)
        write_png(folder / f"data/sr/{flat}/{image}.png", np.full((90, 90, 3), 99, np.uint8))
    return TrialPlanner([A, B], CropReader(folder / "data"))


def test_only_the_pixels_tell_the_methods_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same session with exchanged files looks the same, except for exchanged pictures."""
    monkeypatch.setattr(secrets, "token_hex", lambda count: SESSIONS[7])
    monkeypatch.setattr(secrets, "token_urlsafe", lambda count: "key")
    pairs, heard = [], []
    for name, flat, noisy in (("one", A, B), ("two", B, A)):
        planner = unlike_project(tmp_path / name, flat, noisy)
        with judge_served(planner, tmp_path / name / "votes.csv") as address:
            voter = Voter(address)
            pairs.append([voter.vote("left") for _ in range(20)])
        heard.append([spoken(answer).replace(address, "") for answer in voter.heard])
    assert heard[0] == heard[1]
    side, kinds = planner.side, [trial.kind for trial in planner.plan(SESSIONS[7])]
    size = 3 * side * side
    for kind, one, two in zip(kinds, *pairs, strict=True):
        assert len(one) == len(two) == 2 * size
        if kind in ("differ", "random", "repeat"):
            assert one == two[size:] + two[:size]
            assert one != two


def test_no_answer_names_a_method_an_image_or_the_kind_of_a_trial(
    tmp_path: Path, planner: TrialPlanner, votes: Path
) -> None:
    with judge_served(planner, votes) as address:
        voter = Voter(address)
        for path in ("", "session.js", "pictures.js", "page.css"):
            voter.ask(path)
        for _ in range(20):
            voter.vote("none")
    number = read_votes(votes).votes[0].session  # from which the trials follow
    secret = [number, "perceptual", "mse", *IMAGES, "identical", "obvious", "mosaic", "sr/"]
    for said in map(spoken, voter.heard):
        assert not [word for word in secret if word in said.lower()]
    trials = [answer for answer in voter.heard if "octet-stream" in answer.headers["Content-Type"]]
    assert len({len(answer.content) for answer in trials}) == 1
    assert len({frozenset(answer.headers) for answer in trials}) == 1


def test_each_answer_is_recorded_at_once_with_what_was_shown(
    address: str, planner: TrialPlanner, votes: Path
) -> None:
    voter = Voter(address, "  Ann\tLee ")
    choices = ["left", "right", "none"] * 7
    for count, choice in enumerate(choices[:20], start=1):
        voter.vote(choice)
        assert len(read_votes(votes).votes) == count
    found = read_votes(votes).votes
    assert [vote.answer for vote in found] == choices[:20]
    assert {(vote.voter, vote.question, vote.seconds) for vote in found} == {
        ("Ann Lee", "better", 1.2)
    }
    assert Counter(vote.kind for vote in found) == COUNTS
    trials = planner.plan(found[0].session)
    assert [(vote.image, vote.crop, vote.left, vote.right) for vote in found] == [
        (trial.image, trial.crop, trial.left, trial.right) for trial in trials
    ]
    assert all(planner.reader.is_current(vote) for vote in found)
    assert voter.state["done"] == voter.state["total"] == 20
    assert voter.ask(voter.place).status_code == 422
    assert Voter(address).about["unfinished"] == []


def test_another_server_continues_a_session_and_two_voters_do_not_mix(
    planner: TrialPlanner, votes: Path
) -> None:
    with judge_served(planner, votes) as address:
        ann, bob = Voter(address, "Ann"), Voter(address, "Bob")
        for voter in (ann, bob, ann):
            voter.vote("left")
    with judge_served(planner, votes) as address:
        later = Voter(address)
        listed = {each["voter"]: each for each in later.about["unfinished"]}
        assert {name: each["done"] for name, each in listed.items()} == {"Ann": 2, "Bob": 1}
        later.state = listed["Ann"]
        for _ in range(18):
            later.vote("right")
        left = Voter(address).about["unfinished"]
        assert [(each["voter"], each["done"]) for each in left] == [("Bob", 1)]
    by_voter = Counter(vote.voter for vote in read_votes(votes).votes)
    assert by_voter == {"Ann": 20, "Bob": 1}
    assert len({vote.session for vote in read_votes(votes).votes}) == 2


def test_sessions_about_other_methods_questions_or_results_are_not_continued(
    tmp_path: Path, picture: Callable[..., RGB8], planner: TrialPlanner, votes: Path
) -> None:
    with judge_served(planner, votes) as address:
        voter = Voter(address)
        for _ in range(8):
            voter.vote("left")
        assert len(Voter(address).about["unfinished"]) == 1
    with judge_served(planner, votes, "closer") as address:
        assert Voter(address).about["unfinished"] == []
    for image in IMAGES:
        write_png(tmp_path / f"data/sr/{B}/{image}.png", picture(72, 80, phase=9))
    with judge_served(TrialPlanner([A, B], CropReader(tmp_path / "data")), votes) as address:
        assert Voter(address).about["unfinished"] == []


def test_with_the_reference_the_original_is_the_third_picture(
    planner: TrialPlanner, votes: Path
) -> None:
    with judge_served(planner, votes, "closer") as address:
        voter = Voter(address)
        shown = voter.vote("left")
    (vote,) = read_votes(votes).votes
    size = 3 * planner.side**2
    assert len(shown) == 3 * size
    original = planner.reader.crop("hr", vote.image, vote.crop)
    assert shown[2 * size :] == original.tobytes()
    assert vote.question == "closer"


def test_an_answer_counts_once_and_only_on_the_trial_whose_turn_it_is(
    address: str, votes: Path
) -> None:
    voter = Voter(address)
    place = voter.place
    voter.vote("left")
    again = voter.ask(place, answer="right", seconds=1)
    assert again.status_code == 422
    assert "trial 1 is answered" in again.json()["error"]
    ahead = f"sessions/{voter.state['key']}/3"
    assert voter.ask(ahead).status_code == 422
    assert voter.ask("sessions/unknown/1").status_code == 404
    for wrong in (
        {"answer": "both", "seconds": 1},
        {"answer": "left", "seconds": -1},
        {"answer": "left", "seconds": "1"},
        {"answer": ["left"], "seconds": 1},
        {"answer": "left"},
    ):
        assert voter.ask(voter.place, **wrong).status_code == 422
    assert len(read_votes(votes).votes) == 1


def test_votes_from_other_pages_are_refused_and_answers_have_security_headers(
    address: str, votes: Path
) -> None:
    voter = Voter(address)
    voter.session.headers["Origin"] = "http://evil.example"
    assert voter.ask(voter.place, answer="left", seconds=1).status_code == 403
    assert not votes.exists()
    client = Client(address)
    assert client.get("", Host="evil.example").status_code == 403
    for path in ("", "session.js", "zoom_pan.js", "sessions", "nothing", voter.place):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["Cache-Control"] == "no-store"
    assert client.get("data/hr/val/0001.png").status_code == 404


def test_a_full_disk_is_reported_and_the_trial_can_be_answered_again(
    address: str, votes: Path
) -> None:
    voter = Voter(address)
    votes.mkdir(parents=True)  # cannot be opened, as on a full disk
    refused = voter.ask(voter.place, answer="left", seconds=1)
    assert refused.status_code in (422, 500)
    assert "votes.csv" in refused.json()["error"]
    votes.rmdir()
    voter.vote("left")
    assert len(read_votes(votes).votes) == 1
