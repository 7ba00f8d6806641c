"""The scores of any method's images, as a table for the eye or as JSON for a program."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from srcnn.cli.score_pairs import SRFiles
from srcnn.evaluation.lpips import LPIPS
from srcnn.evaluation.metrics import METRICS, convention, rounded, score
from srcnn.utils.text import printable, text_table
from srcnn.utils.threads import prefetch

Scores = Mapping[str, Mapping[str, float]]


def score_files(
    pairs: Sequence[SRFiles], scale: int, lpips: LPIPS
) -> Iterator[tuple[str, dict[str, float]]]:
    """Score each result against its ground truth, six significant digits.

    Args:
        pairs: of `srcnn.cli.score_pairs.pair_files`.
        scale: the enlargement; sets the border that is shaved.
        lpips: on the device that computes it.

    Yields:
        name of the ground truth, and its METRICS.

    Raises:
        InputError: an image is damaged.
    """
    images = prefetch(lambda pair: pair.read(scale), pairs)
    for pair, (sr, hr) in zip(pairs, images, strict=True):
        yield pair.name, rounded(score(sr, hr, scale, lpips))


def mean_scores(scores: Scores) -> dict[str, float]:
    """The mean of each metric over the images, six significant digits."""
    return rounded({m: float(np.mean([values[m] for values in scores.values()])) for m in METRICS})


def as_json(scores: Scores, scale: int) -> dict[str, Any]:
    """`images`: name → metric → value; `mean`: metric → value; `convention` of each metric."""
    return {
        "images": {name: dict(values) for name, values in scores.items()},
        "mean": mean_scores(scores),
        "convention": convention(scale),
    }


def as_table(scores: Scores, scale: int) -> str:
    """A line per image and one of the means, in aligned columns, and what was shaved."""
    lines = [["image", *METRICS]]
    for name, values in [*scores.items(), ("mean", mean_scores(scores))]:
        numbers = [f"{values[key]:.{metric.digits}f}" for key, metric in METRICS.items()]
        lines.append([printable(name), *numbers])
    shaved = f"{scale} pixels shaved on each side for PSNR and SSIM; the whole image for the others"
    return "\n".join([text_table(lines), "", shaved])
