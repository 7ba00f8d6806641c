"""Readers of what the stages write: images and scores, training curves, devices, networks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import pandas as pd
from pydantic import BaseModel, Field

from srcnn.errors import InputError
from srcnn.evaluation.metrics import METRICS
from srcnn.images.image_io import RGB8, read_rgb
from srcnn.utils.json_files import read_json
from srcnn.utils.methods import AUTHORS_METHODS, INTERPOLATIONS
from srcnn.utils.tables import read_csv
from srcnn.utils.tensor_files import NETWORK_BYTES, read_safetensors


@dataclass(frozen=True, eq=False)
class Results:
    """The val images of one scale."""

    scale: int
    names: Mapping[str, str]  # of the original photographs, by image number, in order
    scores: pd.DataFrame  # columns image, method and the metrics; a row per image and method
    hr: Path  # folder of the ground truth, {image}.png
    sr: Path  # folder of the results, {method}/{image}.png
    folders: Mapping[str, str] = field(default_factory=dict)  # where not called as the method

    @property
    def methods(self) -> list[str]:
        """The methods that are scored, in order."""
        return list(self.scores["method"].unique())

    @property
    def models(self) -> list[str]:
        """The methods that are trained: `mse`, `perceptual`, then the variants."""
        others = {*INTERPOLATIONS, *AUTHORS_METHODS}
        return [method for method in self.methods if method not in others]

    @property
    def authors(self) -> list[str]:
        """The methods that are the published networks, if the run has them."""
        return [method for method in self.methods if method in AUTHORS_METHODS]

    def score(self, image: str, method: str) -> pd.Series:
        """The metrics of one image by one method."""
        return self.scores.set_index(["image", "method"]).loc[(image, method)]

    def table(self, metric: str) -> pd.DataFrame:
        """One metric as a table with a row for each image and a column for each method."""
        table = self.scores.pivot(index="image", columns="method", values=metric)
        return table.loc[list(self.names), self.methods]

    def means(self) -> pd.DataFrame:
        """Mean over the images, without infinite values: a row for each method, metrics beside."""
        scores = self.scores.drop(columns="image").replace(np.inf, np.nan)
        return scores.groupby("method", sort=False).mean()

    def pictures(self, image: str, *methods: str) -> dict[str, RGB8]:
        """The ground truth, as `hr`, and the methods' results, each [H, W, 3] uint8.

        Raises:
            InputError: a file is missing, or its size differs from that of the ground truth.
        """
        pictures = {"hr": read_rgb(self.hr / f"{image}.png")}
        for method in methods:
            file = self.sr / self.folders.get(method, method) / f"{image}.png"
            pictures[method] = read_rgb(file)
            if pictures[method].shape != pictures["hr"].shape:
                advice = "run the stage evaluate again"
                raise InputError(f"{file}: size differs from {self.hr / file.name}; {advice}")
        return pictures


class Devices(NamedTuple):
    """The devices of a run."""

    name: str  # of the device that super-resolved the val images
    trained_on: dict[str, str]  # names of the devices that trained the models, by model


class _Environment(BaseModel):
    device: str
    trained_on: dict[str, str]


class _CpuTime(BaseModel):
    seconds: dict[Annotated[str, Field(pattern=r"^x\d+$")], float]


class Cost(NamedTuple):
    """What a network needs to run."""

    parameters: int
    multiply_adds: int  # of the convolutions, per output pixel


def read_all(scales: Iterable[int], metrics: Path, data: Path) -> list[Results]:
    """Read the results of several scales from the folders `metrics` and `data`.

    Raises:
        InputError: a file is missing or damaged, or an image with scores is not in the index.
    """
    index, found = data / "hr/index.csv", []
    for scale in scales:
        scores, names = read_scores(metrics / f"x{scale}.csv"), read_names(index)
        images = list(scores["image"].unique())
        if unknown := [image for image in images if image not in names]:
            raise InputError(f"{metrics}/x{scale}.csv: {index} does not list image {unknown[0]}")
        photographs = {image: names[image] for image in images}
        found.append(Results(scale, photographs, scores, data / "hr/val", data / f"sr/x{scale}"))
    return found


def read_scores(
    path: Path, content: bytes | None = None, metrics: Iterable[str] = METRICS
) -> pd.DataFrame:
    """Read `x{scale}.csv`: columns `image`, `method` and `metrics`.

    With `content`, which comes from elsewhere, `path` only names the file in messages.

    Raises:
        InputError: the file is missing, damaged or empty; a score is missing, no number, or
            infinite although the metric never is.
    """
    advice = "run the stage evaluate again"
    types: dict[str, type] = {"image": str, "method": str, **dict.fromkeys(metrics, float)}
    scores = read_csv(path, "evaluate", types, content)[list(types)]
    if scores.empty:
        raise InputError(f"{path}: contains no scores; {advice}")
    counts = pd.crosstab(scores["image"], scores["method"]).stack()
    for (image, method), count in counts[counts != 1].items():
        found = "no score" if count == 0 else f"{count} scores"
        raise InputError(f"{path}: {found} of image {image} by {method}; {advice}")
    long = scores.set_index(["image", "method"]).stack()
    for (image, method, metric), value in long[~np.isfinite(long)].items():
        if value != np.inf or not METRICS[metric].may_be_infinite:
            problem = f"{metric} of image {image} by {method} is not finite"
            raise InputError(f"{path}: {problem}; {advice}")
    return scores


def read_names(index: Path) -> dict[str, str]:
    """Read the names of the original photographs, by image number, from `index.csv`.

    Raises:
        InputError: the file is missing or damaged.
    """
    images = read_csv(index, "fetch_data", {"image": str, "name": str})
    return dict(zip(images["image"], images["name"], strict=True))


def read_curve(path: Path) -> pd.DataFrame:
    """Read metrics/training/x{scale}_{loss}.csv: a row for each epoch, all columns float.

    Raises:
        InputError: the file is missing, damaged or without rows.
    """
    curve = read_csv(path, "train", float)
    if curve.empty:
        raise InputError(f"{path}: no epochs; run the stage train again")
    return curve


def kept_epoch(curve: pd.DataFrame) -> int:
    """The row of the epoch that is kept: the last, or the best on images that were set aside."""
    has_selection = "select_loss" in curve.columns
    return int(curve["select_loss"].argmin()) if has_selection else len(curve) - 1


def read_peaks(path: Path) -> pd.DataFrame:
    """Read metrics/grid/x{scale}_{loss}.csv: the level of the strongest grid, in dB.

    A row per measured epoch, a column per image; empty if the val images are too small for a grid.

    Raises:
        InputError: the file is missing or damaged, or a peak is missing or not a number.
    """
    rows = read_csv(path, "train", {"epoch": int, "image": str, "peak": float})
    rows = rows.drop_duplicates(["epoch", "image"], keep="last")
    peaks = rows.pivot(index="epoch", columns="image", values="peak")
    for (epoch, image), peak in peaks.stack().items():
        if not np.isfinite(peak):
            raise InputError(
                f"{path}: the peak of image {image} in epoch {epoch} is not a number; "
                "lower train.lr and train again"
            )
    return peaks


def read_devices(metrics: Path) -> Devices:
    """Read the devices from `environment.json` of the stage provenance.

    Raises:
        InputError: the file is missing or damaged.
    """
    found: _Environment = read_json(metrics / "environment.json", "provenance", _Environment)
    return Devices(found.device, found.trained_on)


def read_cpu_time(metrics: Path) -> dict[int, float]:
    """Read the seconds for an image of 2K, by scale, from `cpu_time.json` of the stage provenance.

    Raises:
        InputError: the file is missing or damaged.
    """
    found: _CpuTime = read_json(metrics / "cpu_time.json", "provenance", _CpuTime)
    return {int(scale[1:]): seconds for scale, seconds in found.seconds.items()}


def read_cost(model: Path) -> Cost:
    """Read the cost of a trained network.

    Raises:
        InputError: the file is missing or damaged.
    """
    try:  # without torch, whose import takes more than a second
        weights, _ = read_safetensors(model, "np", NETWORK_BYTES)
    except FileNotFoundError:
        raise InputError(f"{model}: no such model") from None
    kernels = [weight.size for weight in weights.values() if weight.ndim == 4]
    # Each weight of a kernel multiplies once per pixel.
    return Cost(sum(weight.size for weight in weights.values()), sum(kernels))
