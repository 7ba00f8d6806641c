"""`srcnn compare`: two methods compared image by image, as tables or as JSON.

The statistics and the rule for significance are those of plots/comparisons.md.
"""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from srcnn.analysis.comparisons import sample_size_note
from srcnn.analysis.method_pairs import MethodPair
from srcnn.analysis.statistics import MIN_SIGNIFICANT
from srcnn.evaluation.metrics import METRICS, json_values
from srcnn.utils.text import printable, text_table


def as_json(pair: MethodPair) -> dict[str, Any]:
    """`metrics`: statistics by metric; `images`: values by image; `notes`: how to read them.

    Numbers have six significant digits; an infinite PSNR, an unknown interval or name is null.
    """
    images: dict[str, dict[str, Any]] = {}
    for image, first in pair.first.iterrows():
        images[image] = {"photograph": pair.photographs.get(image)}
        for metric, a in first.items():
            b = pair.second.loc[image, metric]
            images[image][metric] = json_values({"a": a, "b": b, "difference": _minus(a, b)})
    statistics = pair.statistics()
    notes = list(_notes(pair, statistics))
    metrics = json_values(statistics)
    return {"a": pair.a, "b": pair.b, "metrics": metrics, "images": images, "notes": notes}


def as_text(pair: MethodPair, by_image: bool) -> str:
    """A table with a row per metric, and notes; with `by_image` first a table per metric."""
    count, statistics = len(pair.first), pair.statistics()
    parts = [printable(f"{pair.a} minus {pair.b}, {count} image{'s' * (count != 1)}")]
    if by_image:
        parts += [_image_table(pair, metric) for metric in statistics]
    parts.append(_metric_table(pair, statistics))
    for note in _notes(pair, statistics):
        parts.append(textwrap.fill(printable(note), 100, break_on_hyphens=False))
    return "\n\n".join(parts)


def _minus(a: float, b: float) -> float:
    """A − b; 0 for two infinite values."""
    return 0.0 if a == b else a - b


def _image_table(pair: MethodPair, metric: str) -> str:
    rows = [["image", "photograph", printable(pair.a), printable(pair.b), "difference"]]
    for image, a, b in zip(pair.first.index, pair.first[metric], pair.second[metric], strict=True):
        name = pair.photographs.get(image, "")
        rows.append([printable(image), printable(name), *_numbers(metric, a, b, _minus(a, b))])
    left = [0, 1]
    if not any(row[1] for row in rows[1:]):
        left, rows = [0], [[row[0], *row[2:]] for row in rows]
    return f"{METRICS[metric].label}\n{text_table(rows, left)}"


def _metric_table(pair: MethodPair, statistics: Mapping[str, Mapping[str, Any]]) -> str:
    columns = ["difference", "95 % interval", "wins–ties–losses", "p"]
    rows = [["", printable(pair.a), printable(pair.b), *columns]]
    for metric, row in statistics.items():
        numbers = _numbers(metric, row["a"], row["b"], row["mean_difference"])
        low, high = (METRICS[metric].difference(row[end]) for end in ("low", "high"))
        interval = "none" if row["low"] is None else f"[{low}, {high}]"
        counts = f"{row['wins']}–{row['ties']}–{row['losses']}"
        p = f"{row['p']:.4f}" if row["p"] >= 0.0001 else "<0.0001"
        rows.append([METRICS[metric].label, *numbers, interval, counts, p])
    return text_table(rows)


def _numbers(metric: str, a: float | None, b: float | None, difference: float | None) -> list[str]:
    found = METRICS[metric]
    return [found.text(a), found.text(b), found.difference(difference)]


def _notes(pair: MethodPair, statistics: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """The verdict, what the number of images allows, and how to read the table."""
    if len(pair.first) >= MIN_SIGNIFICANT:
        verdicts = ("significantly better", "significantly worse", "no significant difference")
        names: dict[str, list[str]] = {verdict: [] for verdict in verdicts}
        for metric, row in statistics.items():
            verdict = verdicts[row["wins"] < row["losses"]] if row["significant"] else verdicts[2]
            names[verdict].append(METRICS[metric].name)
        parts = [f"{verdict} in {', '.join(found)}" for verdict, found in names.items() if found]
        yield f"{pair.a} against {pair.b}: {'; '.join(parts)}."
    yield sample_size_note(len(pair.first)).replace("**", "")
    yield (
        f"wins–ties–losses: images in which {pair.a} is better, equal or worse (↓: lower is "
        "better; ↑: higher is better). 95 % interval: of the mean difference, by the bootstrap "
        "over the images. p: two-sided sign test. A difference is significant if both agree at 5 %."
    )
    if any(row["infinite"] for row in statistics.values()):
        yield (
            "A result that is identical to the ground truth has an infinite PSNR. It counts as a "
            "win or a loss, but has no share in the means."
        )
    yield from pair.notes
    scale, other = (name.rpartition(":")[2].partition("/")[0][1:] for name in (pair.a, pair.b))
    if scale != other:
        yield (
            f"The scales differ: the images are the same, upscaled {scale} and {other} times. PSNR "
            f"and SSIM omit {scale} and {other} pixels on each side."
        )
