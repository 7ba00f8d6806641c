"""The file of votes: appended to, joined, damaged."""

from dataclasses import replace
from pathlib import Path

import pytest

from srcnn.analysis.vote_file import COLUMNS, Crop, Vote, append_vote, clean_name, read_votes

VOTE = Vote(
    time="2026-05-01T09:30:00Z",
    session="00000000000000ab",
    voter="Ann, of Bath",
    trial=1,
    kind="differ",
    image="0011",
    crop=Crop(192, 160, 64, 0),
    left="x4/mse",
    right="x4/perceptual",
    question="better",
    answer="right",
    seconds=3.5,
    pixels="0123456789ab",
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "metrics/votes.csv"


def test_votes_read_back_as_they_were_appended(path: Path) -> None:
    votes = [VOTE, replace(VOTE, trial=2, answer="none"), replace(VOTE, trial=3, voter="")]
    for vote in votes:
        append_vote(vote, path)
    assert read_votes(path) == (votes, [])
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0] == ",".join(COLUMNS)
    assert "192x160+64+0" in lines[1]
    assert len(lines) == 4


def test_an_absent_file_has_no_votes(path: Path) -> None:
    assert read_votes(path) == ([], [])


def test_files_of_several_people_can_be_joined(path: Path, tmp_path: Path) -> None:
    other = replace(VOTE, session="00000000000000cd", voter="Größe")
    append_vote(VOTE, path)
    append_vote(other, tmp_path / "other.csv")
    mine = path.read_bytes()
    windows = (tmp_path / "other.csv").read_bytes().replace(b"\n", b"\r\n")
    mark = b"\xef\xbb\xbf"
    path.write_bytes(mark + mine + mark + windows + mine)  # mine twice
    assert read_votes(path) == ([VOTE, other], [])
    path.write_bytes(mark + mine.splitlines(keepends=True)[1] + windows)
    assert read_votes(path) == ([VOTE, other], [])


def test_a_vote_after_an_incomplete_line_is_not_lost(path: Path) -> None:
    append_vote(VOTE, path)
    path.write_bytes(path.read_bytes()[:-15])
    again = replace(VOTE, trial=2)
    append_vote(again, path)
    found = read_votes(path)
    assert found.votes == [again]
    assert found.problems == [f"{path}, line 2: 12 columns instead of 13; it does not count"]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("time", "yesterday"),
        ("session", "../x"),
        ("trial", "0"),
        ("kind", "nice"),
        ("image", "../../hr"),
        ("crop", "9x9"),
        ("crop", "0x9+1+1"),
        ("left", "../secret"),
        ("left", r"x4/..\..\secret"),
        ("left", "x4/perceptual"),
        ("question", "why"),
        ("answer", "lft"),
        ("seconds", "nan"),
        ("seconds", "9" * 400),
        ("pixels", "zz"),
        ("answer", "\x1b[2J"),
    ],
)
def test_a_damaged_line_is_named_and_the_others_count(path: Path, column: str, value: str) -> None:
    append_vote(VOTE, path)
    header, line = path.read_text(encoding="utf-8").splitlines()
    cells = line.replace('"Ann, of Bath"', "Ann").split(",")
    cells[COLUMNS.index(column)] = value
    path.write_text(f"{header}\n{','.join(cells)}\n{line}\n", encoding="utf-8")
    found = read_votes(path)
    assert found.votes == [VOTE]
    (problem,) = found.problems
    start = "left and right are both" if value == VOTE.right else f"{column} is"
    assert problem.startswith(f"{path}, line 2: {start} ")
    assert problem.isprintable()


def test_of_two_votes_on_a_trial_the_first_counts(path: Path) -> None:
    append_vote(VOTE, path)
    append_vote(replace(VOTE, answer="left"), path)
    found = read_votes(path)
    assert found.votes == [VOTE]
    assert "line 3: another vote on trial 1 of session 00000000000000ab" in found.problems[0]


def test_a_line_in_another_encoding_is_named_and_the_others_count(path: Path) -> None:
    append_vote(VOTE, path)
    other = replace(VOTE, session="00000000000000cd", voter="Größe")
    append_vote(other, path)
    path.write_bytes(path.read_bytes().decode().encode("cp1252"))  # as a spreadsheet may do
    append_vote(replace(other, trial=2), path)
    found = read_votes(path)
    assert found.votes == [VOTE, replace(other, trial=2)]
    assert found.problems == [f"{path}, line 3: not UTF-8 text; it does not count"]


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("  Ann  Lee ", "Ann Lee"),
        ("=1+1", "1+1"),
        ("@x", "x"),
        ("a\nb\tc", "a b c"),
        ("x" * 99, "x" * 40),
        ("-", ""),
    ],
)
def test_a_name_is_one_short_line_and_no_formula(typed: str, stored: str) -> None:
    assert clean_name(typed) == stored


def test_a_vote_is_shared_between_its_methods() -> None:
    assert VOTE.methods == ("x4/mse", "x4/perceptual")
    assert replace(VOTE, answer="left").share("x4/mse") == 1
    assert VOTE.share("x4/mse") == 0
    assert replace(VOTE, answer="none").share("x4/mse") == 0.5
    assert replace(VOTE, voter="").person == VOTE.session
