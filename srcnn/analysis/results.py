"""What the stage evaluate left at one scale: every val image by every method, named and scored."""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from srcnn.errors import InputError
from srcnn.evaluation.metrics import METRICS
from srcnn.images.image_io import RGB8, read_rgb
from srcnn.utils.files import read_csv
from srcnn.utils.methods import INTERPOLATIONS
from srcnn.utils.paths import original_names

Row = dict[str, Any]
"""Image and method, and each metric."""


@dataclass(frozen=True)
class Results:
    """The val images of one scale.

    Args:
        scale: the enlargement.
        names: name of the original photograph by image number, in the order of the images.
        scores: `image`, `method` and its metrics, by image number and method.
        hr: folder of the ground truth, `{image}.png`.
        sr: folder of the results, `{method}/{image}.png`.
    """

    scale: int
    names: Mapping[str, str]
    scores: Mapping[tuple[str, str], Row]
    hr: Path
    sr: Path

    @property
    def methods(self) -> list[str]:
        """The methods that are scored, in their order."""
        return list(dict.fromkeys(method for _, method in self.scores))

    @property
    def models(self) -> list[str]:
        """Those of the methods that were trained: `mse`, `perceptual`, then the variants."""
        return [method for method in self.methods if method not in INTERPOLATIONS]

    def pictures(self, image: str, *methods: str) -> dict[str, RGB8]:
        """The ground truth, as `hr`, and the methods' results, each [H, W, 3] uint8.

        Raises:
            InputError: a file is missing, or is not of the size of the ground truth.
        """
        pictures = {"hr": read_rgb(self.hr / f"{image}.png")[0]}
        for method in methods:
            file = self.sr / method / f"{image}.png"
            pictures[method], _ = read_rgb(file)
            if pictures[method].shape != pictures["hr"].shape:
                raise InputError(f"{file}: not of the size of {self.hr / file.name}; evaluate anew")
        return pictures


def read_results(scale: int, scores: Path, index: Path, hr: Path, sr: Path) -> Results:
    """Read the scores of a scale and the names of its images.

    Args:
        scale: the enlargement.
        scores: `x{scale}.csv`, as the stage evaluate writes it.
        index: `index.csv`, as the stage fetch_data writes it.
        hr: folder of the ground truth.
        sr: folder of the results.

    Raises:
        InputError: a file is missing, or the two do not speak of the same images.
    """
    for file, stage in ((scores, "evaluate"), (index, "fetch_data")):
        if not file.is_file():
            raise InputError(f"{file}: no such file (the stage {stage} makes it)")
    rows, names = read_rows(scores), original_names(index)
    for row in rows:
        if row["image"] not in names:
            raise InputError(f"{scores}: scores image {row['image']}, which {index} does not list")
    return Results(
        scale,
        {row["image"]: names[row["image"]] for row in rows},
        {(row["image"], row["method"]): row for row in rows},
        hr,
        sr,
    )


def read_all(scales: Iterable[int], metrics: Path, data: Path) -> list[Results]:
    """The results of several scales, from where the stages put them.

    Args:
        scales: the enlargements.
        metrics: folder of the scores.
        data: folder of `hr` and `sr`.

    Raises:
        InputError: as `read_results`.
    """
    hr = data / "hr"
    return [
        read_results(s, metrics / f"x{s}.csv", hr / "index.csv", hr / "val", data / f"sr/x{s}")
        for s in scales
    ]


def read_rows(path: Path) -> list[Row]:
    """Read the rows of `x{scale}.csv`.

    Raises:
        InputError: a score is missing or no number.
    """
    try:
        return [
            {"image": row["image"], "method": row["method"]}
            | {metric: float(row[metric]) for metric in METRICS}
            for row in read_csv(path)
        ]
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise InputError(f"{path}: a score is damaged ({error}); evaluate anew") from None
