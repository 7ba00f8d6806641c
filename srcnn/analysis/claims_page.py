"""The verdicts on the claims, as JSON for DVC and as Markdown to read."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from srcnn.analysis.claims_text import PEOPLE_MEASURE, RULE, TEXTS
from srcnn.analysis.comparisons import sample_size_note
from srcnn.analysis.verdicts import Claim, Part
from srcnn.evaluation.metrics import rounded
from srcnn.utils.files import write_json, write_text
from srcnn.utils.methods import ModelCode
from srcnn.utils.text import escape_markdown, join_names, markdown_table, signed

AUTHORS_KEY = "{}_authors"  # of a claim's verdict by the published networks, in JSON
BY_AUTHORS = "as the authors' code runs it"
PEOPLE_KEY = "{}_people"  # of a claim's verdict by people, in JSON
BY_PEOPLE = "by people"


@dataclass(frozen=True)
class ClaimsPage:
    """The verdicts of a run and, if it has them, those by the published networks."""

    claims: Sequence[Claim]
    names: Mapping[str, str]  # of the photographs, by val image
    code: ModelCode  # that the run's networks follow
    by_authors: Sequence[Claim] = ()  # the claims that the published networks can be asked about
    by_people: Sequence[Claim] = ()  # the claims that people were asked about, or could be

    def write(self, numbers: Path, page: Path) -> None:
        """Write the verdicts as JSON and as Markdown.

        The JSON maps a claim to its `verdict`, its facts, and its parts with their numbers.
        """
        facts = {claim.key: _facts(claim) for claim in self.claims}
        facts |= {AUTHORS_KEY.format(claim.key): _facts(claim) for claim in self.by_authors}
        facts |= {PEOPLE_KEY.format(claim.key): _facts(claim) for claim in self.by_people}
        write_json(rounded(facts), numbers)
        write_text("\n".join(self._markdown()), page)

    def _markdown(self) -> Iterator[str]:
        yield "# The paper's claims, judged by this run\n"
        if self.code != "paper":
            yield (
                f"The networks of this run follow the authors' code (`model.code: {self.code}`), "
                "which differs from the paper's text (`docs/the-authors-code.md`).\n"
            )
        yield markdown_table(list(self._summary()))
        yield "\n## The rule\n"
        yield "\n\n".join([*RULE, f"{sample_size_note(len(self.names))}\n"])
        for claim in self.claims:
            yield from self._section(claim)

    def _summary(self) -> Iterator[list[str]]:
        """A row for each claim: the verdicts, and the images as claimed."""
        authors = {claim.key: f"**{claim.verdict}**" for claim in self.by_authors}
        ours = "Verdict in this run"
        columns = [ours]
        if authors:
            as_paper = ", as the paper describes the method" if self.code == "paper" else ""
            columns = [f"{ours}{as_paper}", f"Verdict {BY_AUTHORS} (×4)"]
        yield ["", "The paper claims", *columns, "Images as claimed"]
        for claim in self.claims:
            counts, verdict = list(_counts(claim)), f"**{claim.verdict}**"
            for other in (other for other in self.by_people if other.key == claim.key):
                counts += [f"{BY_PEOPLE}, {count}" for count in _counts(other)]
                verdict = f"by metrics: {verdict}<br>{BY_PEOPLE}: **{other.verdict}**"
            link, title = f"[{claim.key}](#{claim.key.lower()})", TEXTS[claim.key].title
            verdicts = [verdict, *([authors.get(claim.key, "–")] if authors else [])]
            yield [link, title, *verdicts, "<br>".join(counts) or "–"]

    def _section(self, claim: Claim) -> Iterator[str]:
        text = TEXTS[claim.key]
        yield f"## {claim.key}\n"
        yield f"*Claim.* {text.title}. The paper: {text.paper}.\n"
        yield f"*Verdict in this run.* **{claim.verdict}**\n"
        yield f"*Measure.* {text.measure}\n"
        yield from self._evidence(claim)
        for note in [*claim.notes, *filter(None, [text.limits])]:
            yield f"- {note}"
        for other in (other for other in self.by_people if other.key == claim.key):
            yield f"\n*Verdict {BY_PEOPLE}.* **{other.verdict}**\n"
            yield f"*Measure.* {PEOPLE_MEASURE}\n"
            yield from self._evidence(other)
            yield from (f"- {note}" for note in other.notes)
        for other in (other for other in self.by_authors if other.key == claim.key):
            yield f"\n*Verdict {BY_AUTHORS}*, by the published networks: **{other.verdict}**\n"
            yield from self._evidence(other)
            yield from (f"- {note}" for note in other.notes)
        yield ""

    def _evidence(self, claim: Claim) -> Iterator[str]:
        """The numbers of the parts, and the images that are contrary to the claim."""
        if claim.parts:
            head = [
                "",
                "Images",
                "Mean",
                "95 % interval",
                "As claimed – equal – contrary",
                "Verdict",
            ]
            yield markdown_table([head, *map(_cells, claim.parts)], right=(1, 2)) + "\n"
        for part in claim.parts:
            if part.decides and part.contrary:
                contrary = join_names([self.names.get(image, image) for image in part.contrary])
                yield f"- {part.name}: contrary in {escape_markdown(contrary)}."


def _facts(claim: Claim) -> dict[str, Any]:
    """The verdict, and the numbers of the parts that decide; missing numbers are left out."""
    parts = {}
    for part in _deciding_parts(claim):
        parts[part.key] = {
            "verdict": part.verdict,
            **_ends(part),
            "images": part.summary.images,
            **({"infinite": part.summary.infinite} if part.summary.infinite else {}),
            "as_claimed": part.as_claimed,
            **({"is_ratio": True} if part.is_ratio else {}),
        }
    return {"verdict": claim.verdict, **claim.facts, **parts}


def _counts(claim: Claim) -> Iterator[str]:
    """How many images are as claimed, by part."""
    for part in _deciding_parts(claim):
        yield f"{part.name}: {part.as_claimed} of {part.summary.images}"


def _deciding_parts(claim: Claim) -> list[Part]:
    return [part for part in claim.parts if part.decides and part.summary.images]


def _cells(part: Part) -> list[str]:
    found, ends = part.tested, _ends(part)
    shown = {n: f"{end:.3g} ×" if part.is_ratio else signed(end) for n, end in ends.items()}
    interval = f"[{shown['low']}, {shown['high']}]" if "low" in shown else "–"
    contrary = found.images - found.equal - part.as_claimed
    counts = f"{part.as_claimed} – {found.equal} – {contrary}"
    verdict = part.verdict if part.decides else "*for comparison*"
    images = f"{found.images}{f' ({found.infinite} infinite)' if found.infinite else ''}"
    return [part.name, images, shown.get("mean", "–"), interval, counts, verdict]


def _ends(part: Part) -> dict[str, float]:
    """`mean`, and `low` and `high` of its interval, if they exist; of ratios, not logarithms."""
    found = part.summary
    ends = {"mean": found.mean, "low": found.low, "high": found.high}
    known = {name: end for name, end in ends.items() if end is not None}
    return {name: math.exp(end) for name, end in known.items()} if part.is_ratio else known
