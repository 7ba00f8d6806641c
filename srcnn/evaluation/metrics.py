"""The metrics of a super-resolved image, each in the convention in which papers publish it.

A new metric is one entry in METRICS. Evaluation, comparisons, sweeps, tolerances, the report and
the command line take it from there.
"""

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from srcnn.evaluation.fidelity import Array, grey_values, luma, mse, psnr, ssim
from srcnn.images.image_io import RGB8
from srcnn.utils.text import decimal, signed

if TYPE_CHECKING:
    from srcnn.evaluation.judges import Judge  # imports torch, which takes two seconds


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """A ground truth, and how results are compared with it."""

    pixels: RGB8  # [H, W, 3] uint8
    scale: int  # also the width in pixels of the border that PSNR and SSIM leave out
    is_grey: bool = False  # whether its file is stored as grey

    def inside(self, image: Array) -> Array:
        """The part of an image inside the border."""
        return image[self.scale : -self.scale, self.scale : -self.scale]

    def inner_y(self, image: RGB8) -> Array:
        """Y of an image inside the border: luma, or the values of a grey image, as in papers."""
        return self.inside(grey_values(image) if self.is_grey else luma(image))

    @cached_property
    def y(self) -> Array:
        """Its own Y inside the border."""
        return self.inner_y(self.pixels)


@dataclass(frozen=True, eq=False)
class ImagePair:
    """A super-resolved image and its ground truth, in the forms that metrics need."""

    sr: RGB8  # [H, W, 3] uint8
    truth: GroundTruth
    judged: Mapping[str, float]  # the distance by each judge

    @property
    def hr(self) -> RGB8:
        """The ground truth, [H, W, 3] uint8."""
        return self.truth.pixels

    @cached_property
    def inner(self) -> tuple[RGB8, RGB8]:
        """Both images inside the border."""
        return self.truth.inside(self.sr), self.truth.inside(self.hr)

    @cached_property
    def inner_y(self) -> tuple[Array, Array]:
        """Y of both images inside the border."""
        return self.truth.inner_y(self.sr), self.truth.y


@dataclass(frozen=True)
class Metric:
    """A metric: how to compute it, how to show it and how far machines may differ.

    The tolerance, `relative` or `absolute`, is how far a mean may differ on another CPU: about
    three times the difference measured between AVX-512 with bfloat16 and AVX2 with float32. For
    LPIPS-VGG and DISTS it is LPIPS's, scaled by how far the two models differ in each.
    """

    name: str  # for people
    compute: Callable[[ImagePair], float]
    digits: int  # after the decimal point, in a terminal
    report_digits: int  # after the decimal point, in the report
    tolerance: Mapping[str, float]
    convention: Mapping[str, Any]  # how it is computed, in words; {scale} stands for the scale
    unit: str = ""  # such as dB
    lower_is_better: bool = False
    may_be_infinite: bool = False  # of an image that equals the ground truth

    def text(self, value: float | None, digits: int | None = None) -> str:
        """A value with `digits`, by default of a terminal; ∞ for infinity, a dash for none."""
        return decimal(value, self.digits if digits is None else digits)

    def difference(self, value: float | None, digits: int | None = None) -> str:
        """A signed difference, with one digit more than `text`, because differences are small."""
        return signed(value, f".{(self.digits if digits is None else digits) + 1}f")

    @property
    def label(self) -> str:
        """Name, unit and an arrow that points to where it is better."""
        unit = f", {self.unit}" if self.unit else ""
        return f"{self.name}{unit} {'↓' if self.lower_is_better else '↑'}"


_WHOLE = {"border": "none shaved"}
_SHAVED = {"border": "{scale} pixels shaved on each side"}
_Y = {
    "colour": "Y of BT.601, studio swing, 16 … 235, not rounded",
    "images stored as grey": "their grey values, 0 … 255, instead of Y; results in full swing",
    "range": 255,
}
_DECIBELS = {
    "unit": "dB",
    "identical images": "infinite; left out of the mean, and counted as `identical`",
}
_WINDOW = {"window": "Gaussian 11×11, σ 1.5, valid positions", "k": [0.01, 0.03]}

METRICS: dict[str, Metric] = {
    "mse": Metric(
        "MSE",
        lambda pair: mse(pair.sr / 255, pair.hr / 255),
        lower_is_better=True,
        digits=6,
        report_digits=5,
        tolerance={"relative": 0.02},
        convention={"colour": "RGB in [0, 1]", **_WHOLE},
    ),
    "psnr_rgb": Metric(
        "PSNR RGB",
        lambda pair: psnr(*pair.inner),
        digits=2,
        report_digits=2,
        tolerance={"absolute": 0.15},
        convention={**_SHAVED, "colour": "RGB", "range": 255, **_DECIBELS},
        unit="dB",
        may_be_infinite=True,
    ),
    "psnr_y": Metric(
        "PSNR Y",
        lambda pair: psnr(*pair.inner_y),
        digits=2,
        report_digits=2,
        tolerance={"absolute": 0.15},
        convention={**_SHAVED, **_Y, **_DECIBELS},
        unit="dB",
        may_be_infinite=True,
    ),
    "ssim_y": Metric(
        "SSIM Y",
        lambda pair: ssim(*pair.inner_y),
        digits=4,
        report_digits=4,
        tolerance={"absolute": 0.005},
        convention={**_SHAVED, **_Y, **_WINDOW},
    ),
    "lpips": Metric(
        "LPIPS",
        lambda pair: pair.judged["lpips"],
        lower_is_better=True,
        digits=4,
        report_digits=4,
        tolerance={"absolute": 0.006},
        convention={"colour": "RGB in [−1, 1]", **_WHOLE, "network": "AlexNet, LPIPS 0.1"},
    ),
    "lpips_vgg": Metric(
        "LPIPS-VGG",
        lambda pair: pair.judged["lpips_vgg"],
        lower_is_better=True,
        digits=4,
        report_digits=4,
        tolerance={"absolute": 0.006},
        convention={"colour": "RGB in [−1, 1]", **_WHOLE, "network": "VGG16, LPIPS 0.1"},
    ),
    "dists": Metric(
        "DISTS",
        lambda pair: pair.judged["dists"],
        lower_is_better=True,
        digits=4,
        report_digits=4,
        tolerance={"absolute": 0.005},
        convention={
            "colour": "RGB in [0, 1]",
            **_WHOLE,
            "size": "shorter side reduced to 256 pixels if it is longer, bilinear",
            "network": "VGG16, DISTS 0.1",
        },
    ),
}
"""All metrics by their names in files, in the order of all tables."""


def convention(scale: int) -> dict[str, dict[str, Any]]:
    """How each metric is computed at a scale; stored beside the numbers."""
    shared = {"input": "uint8 as saved", "mean": "over images of the per-image value"}

    def filled(value: Any) -> Any:
        return value.format(scale=scale) if isinstance(value, str) else value

    return {
        key: {name: filled(value) for name, value in {**shared, **metric.convention}.items()}
        for key, metric in METRICS.items()
    }


def score(
    srs: Sequence[RGB8], truth: GroundTruth, judges: Mapping[str, "Judge"]
) -> Iterator[dict[str, float]]:
    """All METRICS of each result [H, W, 3] uint8 for one ground truth.

    Raises:
        ValueError: the shapes differ.
    """
    for sr in srs:
        if sr.shape != truth.pixels.shape:
            raise ValueError(f"cannot compare {sr.shape} with {truth.pixels.shape}")
    # All at once, because the judges take longest, and half of the work is the same for all.
    judged = {name: judge.distances(srs, truth.pixels) for name, judge in judges.items()}
    for i, sr in enumerate(srs):
        pair = ImagePair(sr, truth, {name: distances[i] for name, distances in judged.items()})
        yield {key: metric.compute(pair) for key, metric in METRICS.items()}


def mean_score(scores: Collection[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each of METRICS over images, with six significant digits, and `identical`.

    Infinite values are left out; `identical` is the number of images that have one. If all images
    have one, the metric is left out.
    """
    finite = {key: [x[key] for x in scores if math.isfinite(x[key])] for key in METRICS}
    means = {key: math.fsum(values) / len(values) for key, values in finite.items() if values}
    return {**rounded(means), "identical": len(scores) - min(map(len, finite.values()))}


def format_scores(scores: Mapping[str, float]) -> str:
    """The METRICS of one image or a mean, on one line for a terminal."""
    return "  ".join(
        f"{metric.name} {metric.text(scores.get(key))}{f' {metric.unit}' * bool(metric.unit)}"
        for key, metric in METRICS.items()
    )


def rounded(values: Any) -> Any:
    """Six significant digits of all floats in nested mappings; the rest depends on the machine."""
    if isinstance(values, Mapping):
        return {name: rounded(value) for name, value in values.items()}
    return float(f"{values:.6g}") if isinstance(values, float) else values


def json_values(values: Any) -> Any:
    """As `rounded`, with None for infinity and NaN, which JSON lacks."""
    if isinstance(values, Mapping):
        return {name: json_values(value) for name, value in values.items()}
    return None if isinstance(values, float) and not math.isfinite(values) else rounded(values)
