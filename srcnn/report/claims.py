"""The paper's claims as the report shows them: verdict, the parts that decide it, other facts."""

import re
from collections.abc import Iterator, Mapping
from typing import Any


def claim_rows(
    claims: Mapping[str, Mapping[str, Any]],
) -> Iterator[tuple[str, str, list[tuple[str, ...]], list[tuple[str, str]]]]:
    """The claims of `claims.json`: key, verdict, the parts that decide it, and other facts.

    A part is name, mean, interval, images as claimed and verdict; a fact is name and value.
    """
    for key, claim in claims.items():
        parts = {
            name: part
            for name, part in claim.items()
            if isinstance(part, Mapping) and "verdict" in part
        }
        facts = {name: fact for name, fact in claim.items() if name not in {*parts, "verdict"}}
        cells = [_part_cells(name, part) for name, part in parts.items()]
        yield key, claim["verdict"], cells, list(_flatten(facts))


def _part_cells(name: str, part: Mapping[str, Any]) -> tuple[str, ...]:
    unit = " ×" if part.get("is_ratio") else ""
    mean, low, high = (
        _text(part[end]) + unit if end in part else "–" for end in ("mean", "low", "high")
    )
    interval = f"{low} to {high}" if "low" in part and "high" in part else "–"
    count = f"{part['as_claimed']} of {part['images']}"
    return _words(name), mean, interval, count, str(part["verdict"])


def _flatten(facts: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in facts.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}_")
        else:
            yield _words(prefix + name), _text(value)


def _text(value: Any) -> str:
    text = f"{value:.3g}".replace("-", "−") if isinstance(value, float) else str(value)
    return text or "–"


def _words(name: str) -> str:
    """A key as words: `x2_against_mse` becomes "×2 against mse"."""
    return re.sub(r"\bx(?=\d+\b)", "×", name.replace("_", " ")).strip()
