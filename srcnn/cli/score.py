"""`srcnn score`: scores of any method's images, as a table or as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from srcnn.cli.score_pairs import ScorePair
from srcnn.evaluation.lpips import LPIPS
from srcnn.evaluation.metrics import METRICS, convention, rounded, score
from srcnn.utils.text import printable, text_table
from srcnn.utils.threads import prefetch

Scores = Mapping[str, Mapping[str, float]]
"""Metrics by image."""


def score_pairs(
    pairs: Sequence[ScorePair], scale: int, lpips: LPIPS
) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield the name of each ground truth, and the METRICS with six significant digits.

    Raises:
        InputError: an image is damaged.
    """
    images = prefetch(lambda pair: pair.read(scale), pairs)
    for pair, (sr, hr) in zip(pairs, images, strict=True):
        yield pair.name, rounded(score(sr, hr, scale, lpips))


def mean_scores(scores: Scores) -> dict[str, float]:
    """The mean of each metric over the images, with six significant digits."""
    return rounded({m: float(np.mean([values[m] for values in scores.values()])) for m in METRICS})


def as_json(scores: Scores, scale: int) -> dict[str, Any]:
    """`images`: metrics by image; `mean`: metrics; `convention`: how each metric is computed."""
    return {"images": scores, "mean": mean_scores(scores), "convention": convention(scale)}


def as_table(scores: Scores, scale: int) -> str:
    """A row per image, a row with the means, and a note on the border."""
    rows = [["image", *METRICS]]
    for name, values in [*scores.items(), ("mean", mean_scores(scores))]:
        numbers = [f"{values[key]:.{metric.digits}f}" for key, metric in METRICS.items()]
        rows.append([printable(name), *numbers])
    note = f"PSNR and SSIM omit {scale} pixels on each side; the other metrics use the whole image."
    return f"{text_table(rows)}\n\n{note}"
