"""The sessions of voters. The file of votes is all that is kept, so any server can continue one."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from srcnn.analysis.vote_crops import pixel_digest
from srcnn.analysis.vote_file import (
    Answer,
    Question,
    Vote,
    append_vote,
    clean_name,
    read_votes,
)
from srcnn.errors import InputError
from srcnn.images.image_io import RGB8
from srcnn.judge.trials import TRIALS, Trial, TrialPlanner


@dataclass
class Session:
    """A session of one voter."""

    key: str  # names the session on the page; does not tell its number, from which trials follow
    number: str
    voter: str
    trials: list[Trial]
    done: int = 0  # trials that are answered


class Sessions:
    """The sessions of one server, about the same methods and the same question."""

    def __init__(self, planner: TrialPlanner, question: Question, path: Path):
        self.planner, self.question = planner, question
        self._path = path  # of the votes
        self._open: dict[str, Session] = {}  # by key

    def start(self, name: str) -> Session:
        """Start a session for a voter who chose this name."""
        number = secrets.token_hex(8)
        return self._add(number, clean_name(name), self.planner.plan(number))

    def unfinished(self) -> Iterator[Session]:
        """Sessions in the file that can be continued, the latest first.

        Their votes must be about the same methods and question, and about the present results.
        """
        found: dict[str, list[Vote]] = {}
        for vote in read_votes(self._path).votes:
            found.setdefault(vote.session, []).append(vote)
        by_number = {session.number: session for session in self._open.values()}
        for number, votes in reversed(found.items()):
            if len(votes) >= TRIALS:
                continue
            session = by_number.get(number)
            if trials := session.trials if session else self._continued_trials(number, votes):
                session = session or self._add(number, votes[0].voter, trials)
                session.done = len(votes)
                yield session

    def get(self, key: str) -> Session | None:
        """The session with this key, if it was started or listed by this server."""
        return self._open.get(key)

    def pictures(self, session: Session, trial: int) -> list[RGB8]:
        """The crops of the next trial, [side, side, 3] each: left, right, perhaps the original.

        Raises:
            InputError: it is another trial's turn, or an image cannot be read.
        """
        shown, reader = self._next(session, trial), self.planner.reader
        pictures = list(reader.pair(shown.left, shown.right, shown.image, shown.crop))
        if self.question == "closer":
            pictures.append(reader.crop("hr", shown.image, shown.crop))
        return pictures

    def vote(self, session: Session, trial: int, answer: Answer, seconds: float) -> None:
        """Append the answer on the next trial to the file.

        Raises:
            InputError: it is another trial's turn, or the file cannot be written.
        """
        shown = self._next(session, trial)
        pair = self.planner.reader.pair(shown.left, shown.right, shown.image, shown.crop)
        vote = Vote(
            time=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            session=session.number,
            voter=session.voter,
            trial=trial,
            **vars(shown),
            question=self.question,
            answer=answer,
            seconds=round(seconds, 1),
            pixels=pixel_digest(pair),
        )
        append_vote(vote, self._path)
        session.done += 1

    def _add(self, number: str, voter: str, trials: list[Trial]) -> Session:
        session = Session(secrets.token_urlsafe(16), number, voter, trials)
        self._open[session.key] = session
        return session

    def _next(self, session: Session, trial: int) -> Trial:
        if trial != session.done + 1 or trial > len(session.trials):
            raise InputError(f"trial {trial} is answered, or not yet its turn; reload the page")
        return session.trials[trial - 1]

    def _continued_trials(self, number: str, votes: list[Vote]) -> list[Trial]:
        """The trials of a session, if these votes are its first ones; otherwise none."""
        if any(vote.question != self.question for vote in votes):
            return []
        trials = self.planner.plan(number)
        for place, vote, trial in zip(count(1), votes, trials, strict=False):
            given = Trial(vote.kind, vote.image, vote.crop, vote.left, vote.right)
            if vote.trial != place or given != trial or not self.planner.reader.is_current(vote):
                return []
        return trials
