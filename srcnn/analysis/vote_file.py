"""The votes of `srcnn judge` in `metrics/votes.csv`: a line for each vote.

Importing this module takes little time, because the page of `srcnn judge` needs it.
"""

import csv
import os
import re
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from io import StringIO
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from srcnn.errors import InputError
from srcnn.utils.files import name_errors

VOTES = Path("metrics/votes.csv")
Question = Literal["better", "closer"]
"""Which result looks better, without the original; which is closer to the original, beside it."""
Answer = Literal["left", "right", "none"]
Kind = Literal["differ", "random", "repeat", "identical", "obvious"]
"""How a trial was drawn: where the methods differ most, anywhere, or to measure attention.

repeat: an earlier trial with exchanged sides; identical: one result twice; obvious: a result and
its MOSAIC.
"""
MAIN_KINDS: tuple[Kind, ...] = ("differ", "random")
MOSAIC = "mosaic"  # in place of a method's name: the other side's result in squares of 8 × 8 pixels

_METHOD = r"x\d+/[^\s,/\\\"]+|mosaic"
_GEOMETRY = r"[1-9]\d{0,5}x[1-9]\d{0,5}\+\d{1,6}\+\d{1,6}"


class Crop(NamedTuple):
    """A part of an image, in pixels."""

    width: int
    height: int
    left: int
    top: int

    def __str__(self) -> str:
        """As ImageMagick writes it, such as `192x192+64+0`."""
        return f"{self.width}x{self.height}+{self.left}+{self.top}"


@dataclass(frozen=True)
class Vote:
    """A line of the file; the fields are its columns."""

    time: str  # UTC, such as 2026-05-01T09:30:00Z
    session: str  # a random number in hexadecimal digits
    voter: str  # a name that the voter chose; may be empty
    trial: int  # its place in the session, from 1
    kind: Kind
    image: str  # number of the val image, such as 0011
    crop: Crop
    left: str  # the method on the left, such as x4/mse
    right: str
    question: Question
    answer: Answer
    seconds: float  # from the display of the pair to the answer
    pixels: str  # `pixel_digest` of the pair; tells whether a vote is about the present results

    @property
    def person(self) -> str:
        """The voter's name; without one, each session counts as another person."""
        return self.voter or self.session

    @property
    def methods(self) -> tuple[str, str]:
        """Both methods in alphabetical order."""
        first, second = sorted((self.left, self.right))
        return first, second

    def share(self, method: str) -> float:
        """The share of this vote that the method, one of the two, receives: 1, 0, or a half."""
        chosen = {"left": self.left, "right": self.right, "none": ""}[self.answer]
        return 1.0 if chosen == method else 0.0 if chosen else 0.5


COLUMNS = tuple(field.name for field in fields(Vote))


class VoteFile(NamedTuple):
    """The votes of a file, and a message for each line that is not a vote."""

    votes: list[Vote]
    problems: list[str]


def read_votes(path: Path = VOTES) -> VoteFile:
    """Read votes, also of several files that were joined; an absent file has none.

    Lines that repeat a trial of a session count once: the first counts.

    Raises:
        InputError, OSError: the file cannot be read.
    """
    try:
        with name_errors(path):
            content = path.read_bytes()
    except FileNotFoundError:
        return VoteFile([], [])
    votes: dict[tuple[str, int], Vote] = {}
    problems = []
    for number, line in enumerate(content.split(b"\n"), start=1):
        try:
            text = _decode(line)
            if not text.strip() or text == ",".join(COLUMNS):
                continue
            vote = _parse(text)
        except ValueError as error:
            problems.append(str(InputError(f"{path}, line {number}: {error}; it does not count")))
            continue
        earlier = votes.setdefault((vote.session, vote.trial), vote)
        if earlier != vote:
            problem = f"another vote on trial {vote.trial} of session {vote.session}"
            problems.append(f"{path}, line {number}: {problem}; it does not count")
    return VoteFile(list(votes.values()), problems)


def append_vote(vote: Vote, path: Path = VOTES) -> None:
    """Append a line, complete and on the disk when this returns; a new file gets a header.

    Raises:
        InputError, OSError: the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with name_errors(path), path.open("a+b") as file:
        size = file.seek(0, os.SEEK_END)
        start = b"" if size else _line(COLUMNS)
        if size:
            file.seek(size - 1)
            start = b"" if file.read(1) == b"\n" else b"\n"  # after an incomplete line
        file.write(start + _line(astuple(vote)))
        file.flush()
        os.fsync(file.fileno())


def clean_name(text: str) -> str:
    """A voter's name as the file stores it: one line, up to 40 characters, no formula."""
    printable = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(printable.split()).lstrip("=+-@' ")[:40].strip()


def _line(cells: Sequence[Any]) -> bytes:
    text = StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode()


def _decode(line: bytes) -> str:
    """A line without its end, and without the mark that some programs put at a file's start."""
    try:
        return line.removesuffix(b"\r").decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("not UTF-8 text") from None


def _parse(line: str) -> Vote:
    """The vote on a line; ValueError says what is wrong with it."""
    try:
        (cells,) = csv.reader([line], strict=True)
    except csv.Error as error:
        raise ValueError(f"not a line of CSV ({error})") from None
    if len(cells) != len(COLUMNS):
        raise ValueError(f"{len(cells)} columns instead of {len(COLUMNS)}")
    row = dict(zip(COLUMNS, cells, strict=True))
    patterns = {
        "time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
        "session": r"[0-9a-f]{16}",
        "trial": r"[1-9]\d{0,5}",
        "kind": "|".join(get_args(Kind)),
        "image": r"[^\s/\\]+",
        "crop": _GEOMETRY,
        "left": _METHOD,
        "right": _METHOD,
        "question": "|".join(get_args(Question)),
        "answer": "|".join(get_args(Answer)),
        "seconds": r"\d{1,9}(\.\d{1,9})?",
        "pixels": r"[0-9a-f]{12}",
    }
    for name, pattern in patterns.items():
        if not re.fullmatch(pattern, row[name], re.ASCII):
            raise ValueError(f"{name} is {row[name][:60]!r}")
    if row["kind"] in (*MAIN_KINDS, "repeat") and row["left"] == row["right"]:
        raise ValueError(f"left and right are both {row['left']}")
    crop = Crop(*map(int, re.findall(r"\d+", row["crop"])))
    numbers: dict[str, Any] = {
        "trial": int(row["trial"]),
        "crop": crop,
        "seconds": float(row["seconds"]),
    }
    return Vote(**{**row, **numbers})
