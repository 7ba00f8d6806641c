"""The verdicts on the claims, as JSON for dvc and as Markdown to read."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from srcnn.analysis.claims_text import RULE, TEXTS
from srcnn.analysis.comparisons import how_little
from srcnn.analysis.verdicts import Claim, Part
from srcnn.utils.files import atomic_write, write_json
from srcnn.utils.text import escape_markdown, join_names, signed


def write_claims(claims: Sequence[Claim], images: int, numbers: Path, page: Path) -> None:
    """Write the verdicts and what they rest on.

    Args:
        claims: all of them.
        images: of val.
        numbers: the JSON file: claim → `verdict`, and value → its verdict and numbers, of six
            significant digits.
        page: the Markdown file.
    """
    write_json({claim.key: _rounded(_facts(claim)) for claim in claims}, numbers)
    with atomic_write(page) as temporary:
        temporary.write_text("\n".join(_markdown(claims, images)), encoding="utf-8")


def _facts(claim: Claim) -> dict[str, Any]:
    """What decides, in numbers; those that do not exist are left out, as dvc shows none."""
    parts = {}
    for part in claim.parts:
        found = part.summary
        if part.decides and found.images:
            ends = {"mean": found.mean, "low": found.low, "high": found.high}
            parts[part.key] = {
                "verdict": part.verdict,
                **{name: _natural(part, end) for name, end in ends.items() if end is not None},
                "images": found.images,
                "as_claimed": part.as_claimed,
                **({"is_ratio": True} if part.is_ratio else {}),
            }
    return {"verdict": claim.verdict, **claim.facts, **parts}


def _rounded(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _rounded(inner) for name, inner in value.items()}
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _markdown(claims: Sequence[Claim], images: int) -> Iterator[str]:
    yield "# The paper's claims, judged by this run\n"
    yield "| | Claim | Verdict | Images as claimed |"
    yield "| :-- | :-- | :-- | :-- |"
    for claim in claims:
        start = f"[{claim.key}](#{claim.key.lower()}) | {TEXTS[claim.key].title}"
        parts = [part for part in claim.parts if part.decides and part.summary.images]
        tallies = [f"{part.name}: {part.as_claimed} of {part.summary.images}" for part in parts]
        yield f"| {start} | **{claim.verdict}** | {'<br>'.join(tallies) or '–'} |"
    yield "\n## The rule\n"
    yield "\n\n".join(RULE)
    yield f"\n{how_little(images)}\n"
    for claim in claims:
        yield from _section(claim)


def _section(claim: Claim) -> Iterator[str]:
    text = TEXTS[claim.key]
    yield f"## {claim.key}\n"
    yield f"**{text.title}: {claim.verdict}.** The paper: {text.paper}.\n"
    yield f"*Measure.* {text.measure}\n"
    if claim.parts:
        yield "| | Images | Mean | 95 % interval | As claimed – equal – otherwise | Verdict |"
        yield "| :-- | --: | --: | :-- | :-- | :-- |"
        yield from map(_line, claim.parts)
        yield ""
    for part in claim.parts:
        if part.decides and part.against:
            names = escape_markdown(join_names(part.against))
            yield f"- {part.name}: otherwise in {names}."
    for note in [*claim.notes, *filter(None, [text.limits])]:
        yield f"- {note}"
    yield ""


def _line(part: Part) -> str:
    found = part.summary
    mean, low, high = (_shown(part, end) for end in (found.mean, found.low, found.high))
    otherwise = found.images - found.equal - part.as_claimed
    tally = f"{part.as_claimed} – {found.equal} – {otherwise}"
    interval = f"[{low}, {high}]" if found.low is not None else "–"
    verdict = part.verdict if part.decides else "*for comparison*"
    cells = part.name, found.images, mean, interval, tally, verdict
    return f"| {' | '.join(map(str, cells))} |"


def _natural(part: Part, value: float) -> float:
    """The value as it is read: a ratio and not its logarithm."""
    return math.exp(value) if part.is_ratio else value


def _shown(part: Part, value: float | None) -> str:
    if value is None:
        return "–"
    return f"{math.exp(value):.3g} ×" if part.is_ratio else signed(value)
