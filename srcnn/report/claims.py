"""The claims and the comparisons as the report's page prints them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from srcnn.analysis.claims_text import TEXTS
from srcnn.report.score_tables import Cell, metric
from srcnn.utils.text import signed


@dataclass(frozen=True)
class Claim:
    """A claim and what was found.

    Args:
        key: such as `C1`.
        title: in few words.
        paper: the paper's own.
        verdict: as judged.
        parts: the numbers that it rests on, a row each, with the same columns.
        facts: what else is known, name → value.
    """

    key: str
    title: str
    paper: str
    verdict: str
    parts: tuple[tuple[str, ...], ...]
    facts: tuple[tuple[str, str], ...]


def claims(found: Mapping[str, Any]) -> list[Claim]:
    """The claims of `claims.json`: claim → `verdict`, parts and facts."""
    made = []
    for key, claim in found.items():
        parts: list[tuple[str, ...]] = []
        facts: list[tuple[str, str]] = []
        for name, value in claim.items():
            if isinstance(value, Mapping) and "verdict" in value:
                parts.append(_row(name, value))
            elif name != "verdict":
                facts += _flat(name, value)
        text = TEXTS[key]
        made.append(
            Claim(key, text.title, text.paper, claim["verdict"], tuple(parts), tuple(facts))
        )
    return made


@dataclass(frozen=True)
class Comparison:
    """Method `a` less method `b`: a row of `comparisons.csv`, its numbers also as printed."""

    scale: str
    metric: str
    a: str
    b: str
    difference: Cell
    interval: Cell
    tally: str


def comparisons(rows: pd.DataFrame) -> list[Comparison]:
    """The rows of `comparisons.csv`."""
    made = []
    for _, row in rows.iterrows():
        digits = metric(row["metric"]).digits + 1
        mean, low, high = (_signed(row[end], digits) for end in ("mean_difference", "low", "high"))
        made.append(
            Comparison(
                row["scale"],
                row["metric"],
                row["a"],
                row["b"],
                Cell(mean, row["mean_difference"]),
                Cell(_interval(low, high), row["low"]),
                f"{row['wins']} – {row['ties']} – {row['losses']}",
            )
        )
    return made


def _signed(value: str, digits: int) -> str:
    return signed(float(value) if value else None, f".{digits}f")


def _row(name: str, part: Mapping[str, Any]) -> tuple[str, ...]:
    times = " ×" if part.get("is_ratio") else ""
    mean, low, high = (
        _short(part[end]) + times if end in part else "–" for end in ("mean", "low", "high")
    )
    tally = f"{part['as_claimed']} of {part['images']}"
    return _words(name), mean, _interval(low, high), tally, str(part["verdict"])


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for inner, of_inner in value.items():
            yield from _flat(f"{name}_{inner}", of_inner)
    else:
        yield _words(name), _short(value)


def _interval(low: str, high: str) -> str:
    return "–" if "–" in (low, high) else f"{low} to {high}"


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}".replace("-", "−")
    return str(value) or "–"


def _words(name: str) -> str:
    """A key as words: `x2_against_mse` as ×2 against mse."""
    words = name.split("_")
    return " ".join(f"×{w[1:]}" if w[0] == "x" and w[1:].isdigit() else w for w in words if w)
