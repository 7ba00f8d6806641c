"""The claims and the comparisons as the report's page prints them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from srcnn.html_scores import Cell, metric

_TITLES = {
    "C1": "The perceptual loss costs mean squared error",
    "C2": "Yet it looks better",
    "C3": "The gap between the two is narrower at ×4 than at ×2",
    "C4": "The perceptual loss invents texture, and less in the weighted sum",
    "C5": "Square tiles are visible after few epochs",
    "C6": "λ trades looks for truth",
    "C7": "It runs on a CPU",
}


@dataclass(frozen=True)
class Claim:
    """A claim and what was found.

    Args:
        key: such as `C1`.
        title: in few words.
        verdict: as judged.
        parts: the numbers that it rests on, a row each, with the same columns.
        facts: what else is known, name → value.
    """

    key: str
    title: str
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
            elif name not in ("verdict", "title"):
                facts += _flat(name, value)
        title = claim.get("title", _TITLES.get(key, ""))
        made.append(Claim(key, title, claim["verdict"], tuple(parts), tuple(facts)))
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


def comparisons(rows: Sequence[Mapping[str, str]]) -> list[Comparison]:
    """The rows of `comparisons.csv`."""
    made = []
    for row in rows:
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
    return f"{float(value):+.{digits}f}".replace("-", "−") if value else "–"


def _row(name: str, part: Mapping[str, Any]) -> tuple[str, ...]:
    mean, low, high = (_short(part.get(end, "")) for end in ("mean", "low", "high"))
    tally = " – ".join(str(part.get(end, 0)) for end in ("as_claimed", "equal", "otherwise"))
    verdict = str(part["verdict"]).replace("decides nothing", "for comparison")
    return _words(name), mean, _interval(low, high), tally, verdict


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
