"""`srcnn score`: scores of any method's images, as a table or as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from srcnn.cli.score_pairs import ScorePair
from srcnn.evaluation.judges import Judge
from srcnn.evaluation.metrics import (
    METRICS,
    GroundTruth,
    convention,
    json_values,
    mean_score,
    rounded,
    score,
)
from srcnn.utils.text import printable, text_table
from srcnn.utils.threads import prefetch

Scores = Mapping[str, Mapping[str, float]]
"""Metrics by image."""


def score_pairs(
    pairs: Sequence[ScorePair], scale: int, judges: Mapping[str, Judge]
) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield the name of each ground truth, and the METRICS with six significant digits.

    Raises:
        InputError: an image is damaged.
    """
    images = prefetch(lambda pair: pair.read(scale), pairs)
    for pair, (sr, hr, is_grey) in zip(pairs, images, strict=True):
        yield pair.name, rounded(next(score([sr], GroundTruth(hr, scale, is_grey), judges)))


def as_json(scores: Scores, scale: int) -> dict[str, Any]:
    """`images`: metrics by image; `mean`: as `mean_score`; `convention`: how they are computed.

    An infinite PSNR, of a result that is identical to the ground truth, is null.
    """
    means = mean_score(list(scores.values()))
    return {"images": json_values(scores), "mean": means, "convention": convention(scale)}


def as_table(scores: Scores, scale: int) -> str:
    """A row per image, a row with the means, and notes on the border and on identical images."""
    means = mean_score(list(scores.values()))
    rows = [["image", *METRICS]]
    for name, values in [*scores.items(), ("mean", means)]:
        numbers = [metric.text(values.get(key)) for key, metric in METRICS.items()]
        rows.append([printable(name), *numbers])
    note = f"PSNR and SSIM omit {scale} pixels on each side; the other metrics use the whole image."
    if count := means["identical"]:
        note += (
            f"\nIdentical to the ground truth: {count} of {len(scores)} images. "
            "Their PSNR is infinite, and the mean leaves it out."
        )
    return f"{text_table(rows)}\n\n{note}"
