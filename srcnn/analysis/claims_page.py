"""The verdicts on the claims, as JSON for DVC and as Markdown to read."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from srcnn.analysis.claims_text import RULE, TEXTS
from srcnn.analysis.comparisons import sample_size_note
from srcnn.analysis.verdicts import Claim, Part
from srcnn.evaluation.metrics import rounded
from srcnn.utils.files import write_json, write_text
from srcnn.utils.text import escape_markdown, join_names, markdown_table, signed


def write_claims(
    claims: Sequence[Claim], names: Mapping[str, str], numbers: Path, page: Path
) -> None:
    """Write the verdicts as JSON and as Markdown; `names` of the photographs are by val image.

    The JSON maps a claim to its `verdict`, its facts, and its parts with their numbers.
    """
    write_json(rounded({claim.key: _facts(claim) for claim in claims}), numbers)
    write_text("\n".join(_markdown(claims, names)), page)


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


def _deciding_parts(claim: Claim) -> list[Part]:
    return [part for part in claim.parts if part.decides and part.summary.images]


def _markdown(claims: Sequence[Claim], names: Mapping[str, str]) -> Iterator[str]:
    yield "# The paper's claims, judged by this run\n"
    rows = [["", "The paper claims", "Verdict in this run", "Images as claimed"]]
    for claim in claims:
        parts = _deciding_parts(claim)
        counts = [f"{part.name}: {part.as_claimed} of {part.summary.images}" for part in parts]
        link, title = f"[{claim.key}](#{claim.key.lower()})", TEXTS[claim.key].title
        rows.append([link, title, f"**{claim.verdict}**", "<br>".join(counts) or "–"])
    yield markdown_table(rows)
    yield "\n## The rule\n"
    yield "\n\n".join([*RULE, f"{sample_size_note(len(names))}\n"])
    for claim in claims:
        yield from _section(claim, names)


def _section(claim: Claim, names: Mapping[str, str]) -> Iterator[str]:
    text = TEXTS[claim.key]
    yield f"## {claim.key}\n"
    yield f"*Claim.* {text.title}. The paper: {text.paper}.\n"
    yield f"*Verdict in this run.* **{claim.verdict}**\n"
    yield f"*Measure.* {text.measure}\n"
    if claim.parts:
        head = ["", "Images", "Mean", "95 % interval", "As claimed – equal – contrary", "Verdict"]
        yield markdown_table([head, *map(_cells, claim.parts)], right=(1, 2)) + "\n"
    for part in claim.parts:
        if part.decides and part.contrary:
            contrary = join_names([names.get(image, image) for image in part.contrary])
            yield f"- {part.name}: contrary in {escape_markdown(contrary)}."
    for note in [*claim.notes, *filter(None, [text.limits])]:
        yield f"- {note}"
    yield ""


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
