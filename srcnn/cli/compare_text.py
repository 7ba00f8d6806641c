"""Two methods compared, as tables for the eye or as JSON for a program."""

import textwrap
from collections.abc import Iterator
from typing import Any

from srcnn.analysis.comparisons import sample_size_note
from srcnn.analysis.statistics import MIN_SIGNIFICANT
from srcnn.cli.compare import Pair, Paired
from srcnn.evaluation.metrics import METRICS, rounded
from srcnn.utils.text import printable, text_table

_WIDTH = 100
"""Letters in a line of words."""


def as_json(pair: Pair) -> dict[str, Any]:
    """`metrics`: the comparison by each; `images`: name, values and difference of each; `notes`.

    Numbers have six significant digits; an interval or a name that is not known is null.
    """
    images: dict[str, dict[str, Any]] = {
        image: {"photograph": pair.photographs.get(image)} for image in pair.images
    }
    for paired in pair.metrics:
        for image, a, b, difference in paired.by_image():
            images[image][paired.metric] = rounded({"a": a, "b": b, "difference": difference})
    return {
        "a": pair.a,
        "b": pair.b,
        "metrics": {paired.metric: _summary(paired) for paired in pair.metrics},
        "images": images,
        "notes": list(_notes(pair)),
    }


def as_text(pair: Pair, by_image: bool) -> str:
    """A line per metric and what they show in words; `by_image`: a line per image before."""
    count = len(pair.images)
    parts = [printable(f"{pair.a} minus {pair.b}, {count} image{'s' * (count != 1)}")]
    if by_image:
        parts += [_image_table(pair, paired) for paired in pair.metrics]
    parts.append(_metric_table(pair))
    for note in _notes(pair):
        parts.append(textwrap.fill(printable(note), _WIDTH, break_on_hyphens=False))
    return "\n\n".join(parts)


def _summary(paired: Paired) -> dict[str, Any]:
    found, (a, b) = paired.differences, paired.means
    numbers = {
        "a": a,
        "b": b,
        "mean_difference": found.mean,
        "low": found.low,
        "high": found.high,
        "p": paired.p,
    }
    known = rounded({name: number for name, number in numbers.items() if number is not None})
    return {
        "lower_is_better": METRICS[paired.metric].lower_is_better,
        **{name: known.get(name) for name in numbers},
        **dict(zip(("wins", "ties", "losses"), paired.tally, strict=True)),
        "significant": found.is_significant,
    }


def _image_table(pair: Pair, paired: Paired) -> str:
    lines = [["image", "photograph", printable(pair.a), printable(pair.b), "difference"]]
    for image, a, b, difference in paired.by_image():
        name = pair.photographs.get(image) or ""
        numbers = _numbers(paired.metric, a, b, difference)
        lines.append([printable(image), printable(name), *numbers])
    left = [0, 1]
    if not any(line[1] for line in lines[1:]):
        left, lines = [0], [[line[0], *line[2:]] for line in lines]
    return f"{METRICS[paired.metric].label}\n{text_table(lines, left)}"


def _metric_table(pair: Pair) -> str:
    columns = ["difference", "95 % interval", "wins–ties–losses", "p"]
    lines = [["", printable(pair.a), printable(pair.b), *columns]]
    for paired in pair.metrics:
        key, found = paired.metric, paired.differences
        numbers = _numbers(key, *paired.means, found.mean or 0)
        ends = [_signed(key, end) for end in (found.low, found.high) if end is not None]
        interval = f"[{', '.join(ends)}]" if ends else "none"
        p = f"{paired.p:.4f}" if paired.p >= 0.0001 else "<0.0001"
        lines.append([METRICS[key].label, *numbers, interval, "–".join(map(str, paired.tally)), p])
    return text_table(lines)


def _numbers(metric: str, a: float, b: float, difference: float) -> list[str]:
    digits = METRICS[metric].digits
    return [f"{a:.{digits}f}", f"{b:.{digits}f}", _signed(metric, difference)]


def _signed(metric: str, difference: float) -> str:
    """With one digit more than the metric itself: differences are small."""
    return f"{difference:+.{METRICS[metric].digits + 1}f}"


def _notes(pair: Pair) -> Iterator[str]:
    """What is found, and what one has to know to read it: a paragraph each."""
    if len(pair.images) >= MIN_SIGNIFICANT:
        yield _found(pair)
    yield sample_size_note(len(pair.images)).replace("**", "")
    yield (
        f"wins–ties–losses: images in which {pair.a} is better, as good and worse (↓: lower is "
        f"better; ↑: higher). 95 % interval: of the mean difference, by the bootstrap over the "
        f"images. p: of the two-sided sign test. Significant is what both of them find at 5 %."
    )
    scale, other = pair.scales
    if scale != other:
        yield (
            f"The scales differ: the images are the same, enlarged {scale} and {other} times, and "
            f"PSNR and SSIM leave out {scale} and {other} pixels on each side."
        )


def _found(pair: Pair) -> str:
    """The verdicts in words."""
    words = {
        "better": "significantly better in",
        "worse": "significantly worse in",
        None: "no significant difference in",
    }
    said = []
    for verdict, start in words.items():
        names = [METRICS[each.metric].name for each in pair.metrics if each.verdict == verdict]
        if names:
            said.append(f"{start} {', '.join(names)}")
    return f"{pair.a} against {pair.b}: {'; '.join(said)}."
