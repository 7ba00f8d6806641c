"""What people's votes say, as JSON for DVC, as Markdown to read, and as text for a terminal."""

import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from srcnn.analysis.clustered_share import MIN_PEOPLE, Share
from srcnn.analysis.statistics import LEVEL, MIN_SIGNIFICANT
from srcnn.analysis.vote_agreement import agreement, read_method_scores
from srcnn.analysis.vote_crops import CropReader, current_votes
from srcnn.analysis.vote_file import MOSAIC, VOTES, Question, Vote, read_votes
from srcnn.analysis.votes import ASK, Attention, PairVotes, attention, bradley_terry, pair_votes
from srcnn.evaluation.metrics import METRICS, json_values
from srcnn.utils.files import write_json, write_text
from srcnn.utils.text import escape_markdown, markdown_table, printable, text_table

QUESTIONS: Mapping[Question, str] = {"better": "looks better", "closer": "is closer"}

Rows = list[list[str]]


class Section(NamedTuple):
    """A heading, a table, and a paragraph that explains it."""

    heading: str
    rows: Rows
    note: str


@dataclass(frozen=True)
class VoteResults:
    """The votes about the present results, and what they say."""

    votes: Sequence[Vote]
    outdated: int  # number of votes about results that have changed since
    problems: Sequence[str]  # a message for each line that is not a vote
    pairs: Sequence[PairVotes]
    agreements: Sequence[Mapping[str, Share]]  # for each pair, by metric

    def as_json(self) -> dict[str, Any]:
        """All numbers; `problems` and `outdated` count lines and votes that are left out."""
        facts: dict[str, Any] = {
            "votes": len(self.votes),
            "people": len({vote.person for vote in self.votes}),
            "outdated": self.outdated,
            "problems": len(self.problems),
        }
        for pair, found in zip(self.pairs, self.agreements, strict=True):
            key = f"{pair.a}_{pair.b}".replace("/", "_")
            facts.setdefault(pair.question, {})[key] = {
                **_pair_facts(pair),
                "agreement": {metric: asdict(share) for metric, share in found.items()},
            }
        for question, scores in self._scores():
            facts[question]["bradley_terry"] = {n.replace("/", "_"): s for n, s in scores.items()}
        if self.votes:
            facts["attention"] = asdict(attention(self.votes))
        return json_values(facts)

    def write(self, numbers: Path, page: Path) -> None:
        """Write `as_json` and the Markdown page."""
        write_json(self.as_json(), numbers)
        parts = ["# What people say\n", f"{self._counts()}\n"]
        for heading, rows, note in self._sections(escape_markdown):
            table = markdown_table(rows, right=range(1, len(rows[0])))
            parts.append(f"## {heading}\n\n{table}\n\n{note}\n")
        write_text("\n".join(parts), page)

    def as_text(self) -> str:
        """For a terminal."""
        parts = [self._counts().replace("`", "")]
        for heading, rows, note in self._sections(printable):
            parts.append(f"{heading}\n{text_table(rows)}")
            parts.append(textwrap.fill(note.replace("`", ""), 100, break_on_hyphens=False))
        return "\n\n".join(parts)

    def _counts(self) -> str:
        if not self.votes and not self.outdated:
            return f"No votes yet: {ASK}."
        people = {vote.person for vote in self.votes}
        sessions = {vote.session for vote in self.votes}
        counts = [(self.votes, "vote"), (people, "person"), (sessions, "session")]
        text = f"{', '.join(_count(len(found), name) for found, name in counts)}."
        if self.outdated:
            does = "does" if self.outdated == 1 else "do"
            text += f" {self.outdated} more {does} not count: these results changed or are missing."
        if self.problems:
            does = "does" if len(self.problems) == 1 else "do"
            text += f" {_count(len(self.problems), 'damaged line')} {does} not count."
        return text

    def _sections(self, escape: Callable[[str], str]) -> Iterator[Section]:
        """The sections; `escape` makes names safe."""
        if self.pairs:
            yield Section("Two methods", _pair_rows(self.pairs, escape), _PAIR_NOTE)
        for question, scores in self._scores():
            rows = [[escape(name), f"{score:+.2f}"] for name, score in scores.items()]
            heading = f"All methods: {QUESTIONS[question]}"
            yield Section(heading, [["method", "score"], *rows], _SCORE_NOTE)
        if self.pairs:
            rows = _agreement_rows(self.pairs, self.agreements, escape)
            yield Section("How often each metric predicts the vote", rows, _AGREEMENT_NOTE)
        if self.votes:
            yield Section("Attention", _attention_rows(self.votes, escape), _ATTENTION_NOTE)

    def _scores(self) -> Iterator[tuple[Question, dict[str, float]]]:
        """Bradley–Terry scores for each question about more than two methods."""
        for question in QUESTIONS:
            votes = [v for pair in self.pairs if pair.question == question for v in pair.votes]
            if len({method for vote in votes for method in vote.methods}) > 2:
                yield question, bradley_terry(votes)


def read_results(methods: Sequence[str] = (), folder: Path = Path()) -> VoteResults:
    """Read the votes in a project's folder, and compare them with the metrics.

    With `methods`, only votes about these count.

    Raises:
        InputError: a file cannot be read, is missing or damaged, or lacks a score.
    """
    found = read_votes(folder / VOTES)
    wanted = {*methods, MOSAIC}
    votes = [vote for vote in found.votes if not methods or wanted.issuperset(vote.methods)]
    current = current_votes(votes, CropReader(folder / "data"))
    pairs, scores = pair_votes(current), read_method_scores(current, folder / "metrics")
    agreements = [agreement(pair.votes, scores) for pair in pairs]
    outdated = len(votes) - len(current)
    return VoteResults(current, outdated, found.problems, pairs, agreements)


_PAIR_NOTE = (
    "better: which looks better; closer: which is closer to the original. share: of votes for the "
    "first method; “no difference” counts half. The 95 % interval holds for new images and new "
    "people. none: answers “no difference”. won–tied–lost: images with more than half of the "
    "votes, half, and less. p: two-sided sign test over the images. A difference is significant "
    f"if both agree at {100 * LEVEL:.0f} %, with {MIN_PEOPLE} or more people and "
    f"{MIN_SIGNIFICANT} or more images."
)
_SCORE_NOTE = (
    "Model of Bradley and Terry: a method whose score is larger by 1 is chosen 2.7 times as often "
    "as the other."
)
_AGREEMENT_NOTE = (
    "The share of votes for the method whose score of the whole image is better, with its 95 % "
    "interval; votes for “no difference” are left out. A metric that guesses has 50 %."
)
_ATTENTION_NOTE = (
    "left: share of votes for the left side; without a bias, it is 50 %. obvious: the result was "
    "chosen instead of its mosaic. identical: “no difference” between two equal pictures. "
    "repeated: the same answer when a pair came again with exchanged sides. seconds: median. "
    "Nobody is left out because of these numbers."
)


def _pair_facts(pair: PairVotes) -> dict[str, Any]:
    wins, ties, losses = pair.counts
    return {
        "a": pair.a,
        "b": pair.b,
        **asdict(pair.share),
        "no_difference": pair.no_difference,
        "wins": wins,
        "ties": ties,
        "losses": losses,
        "p": pair.p,
        "verdict": pair.verdict,
    }


def _pair_rows(pairs: Sequence[PairVotes], escape: Callable[[str], str]) -> Rows:
    head = ["", "question", "share", "95 %", "votes", "people", "none", "won–tied–lost", "p", ""]
    rows = [head]
    for pair in pairs:
        share = pair.share
        numbers = [_percent(share.mean), _interval(share), str(share.votes), str(share.people)]
        images = "–".join(map(str, pair.counts))
        tests = [_percent(pair.no_difference), images, f"{pair.p:.3g}", pair.verdict]
        rows.append([_names(pair, escape), pair.question, *numbers, *tests])
    return rows


def _agreement_rows(
    pairs: Sequence[PairVotes],
    agreements: Sequence[Mapping[str, Share]],
    escape: Callable[[str], str],
) -> Rows:
    """A row for each metric, a column for each pair and question."""
    rows = [["", *(f"{_names(pair, escape)}, {pair.question}" for pair in pairs)]]
    for key, metric in METRICS.items():
        cells = [f"{_percent(found[key].mean)} {_interval(found[key])}" for found in agreements]
        rows.append([metric.name, *cells])
    return rows


def _names(pair: PairVotes, escape: Callable[[str], str]) -> str:
    return f"{escape(pair.a)} : {escape(pair.b)}"


def _attention_rows(votes: Sequence[Vote], escape: Callable[[str], str]) -> Rows:
    """A row for each person, and one for all."""
    rows = [["", "votes", "left", "obvious", "identical", "repeated", "seconds"]]
    people: dict[str, list[Vote]] = {}
    for vote in votes:
        people.setdefault(vote.person, []).append(vote)
    for person, given in people.items():
        name = person if given[0].voter else f"no name ({person[:4]})"
        rows.append([escape(name), *_attention_cells(attention(given))])
    return [*rows, ["all", *_attention_cells(attention(votes))]]


def _attention_cells(found: Attention) -> list[str]:
    counts = (found.obvious, found.identical, found.repeated)
    texts = [f"{right} of {count}" if count else "–" for right, count in counts]
    return [str(found.votes), _percent(found.left.mean), *texts, f"{found.seconds:.1f}"]


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"


def _interval(share: Share) -> str:
    if share.low is None or share.high is None:
        return "–"
    return f"[{100 * share.low:.0f}, {100 * share.high:.0f}]"


def _count(count: int, name: str) -> str:
    plural = "people" if name == "person" else f"{name}s"
    return f"{count} {name if count == 1 else plural}"
