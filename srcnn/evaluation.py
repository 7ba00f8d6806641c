"""Algorithm 2: every val image through every method, scored and saved."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image

from srcnn.errors import InputError
from srcnn.files import read_csv, write_csv, write_json
from srcnn.images import RGB8, write_png
from srcnn.layout import smallest_val_side
from srcnn.lpips import LPIPS
from srcnn.metrics import METRICS, convention, score
from srcnn.model import SRCNN
from srcnn.patches import Pair
from srcnn.resize import Kernel, imresize
from srcnn.tiles import super_resolve

Interpolation = Kernel | Literal["lanczos"]
INTERPOLATIONS: tuple[Interpolation, ...] = ("nearest", "bilinear", "bicubic", "lanczos")
METHODS = (*INTERPOLATIONS, "mse", "perceptual")

Row = dict[str, Any]


def enlarge(lr: RGB8, scale: int, method: Interpolation) -> RGB8:
    """Enlarge [h, w, 3] uint8 by one of INTERPOLATIONS: Pillow's Lanczos, else MATLAB's."""
    if method == "lanczos":
        size = lr.shape[1] * scale, lr.shape[0] * scale
        return np.asarray(Image.fromarray(lr).resize(size, Image.Resampling.LANCZOS))
    return imresize(lr, scale, kernel=method)


def evaluate(
    pairs: Iterable[Pair], models: Mapping[str, SRCNN], scale: int, lpips: LPIPS, sr_folder: Path
) -> Iterator[Row]:
    """Enlarge each image by each interpolation and each model, save the result and score it.

    Args:
        pairs: the val images.
        models: by method name.
        scale: the enlargement.
        lpips: for the score.
        sr_folder: results go to `sr_folder/{method}/{image}.png`.

    Yields:
        per image and method its `image`, `method` and METRICS.

    Raises:
        InputError: an image is too small to be scored.
    """
    for pair in pairs:
        height, width = pair.hr.shape[:2]
        if min(height, width) < (side := smallest_val_side(scale)):
            raise InputError(
                f"val image {pair.name}: {width}×{height} pixels are too few to be scored; "
                f"at least {side}×{side} are needed (data/hr/index.csv names the photograph)"
            )
        results: dict[str, RGB8] = {name: enlarge(pair.lr, scale, name) for name in INTERPOLATIONS}
        results |= {name: super_resolve(model, pair.lr) for name, model in models.items()}
        for method, sr in results.items():
            write_png(sr_folder / method / f"{pair.name}.png", sr)
            yield {"image": pair.name, "method": method, **score(sr, pair.hr, scale, lpips)}


def means(rows: list[Row]) -> dict[str, dict[str, float]]:
    """Method → metric → mean over the images."""
    methods = dict.fromkeys(row["method"] for row in rows)
    return {
        method: {
            metric: float(np.mean([row[metric] for row in rows if row["method"] == method]))
            for metric in METRICS
        }
        for method in methods
    }


def write_metrics(rows: list[Row], scale: int, folder: Path) -> None:
    """Write `x{scale}.json`, `x{scale}.csv` and `x{scale}_convention.json` into `folder`.

    Numbers have six significant digits: what is beyond them is noise of the machine.
    """
    rows = [
        {name: _rounded(value) if name in METRICS else value for name, value in row.items()}
        for row in rows
    ]
    rounded = {
        method: {metric: _rounded(value) for metric, value in values.items()}
        for method, values in means(rows).items()
    }
    write_json(rounded, folder / f"x{scale}.json")
    write_json(convention(scale), folder / f"x{scale}_convention.json")
    write_csv(rows, folder / f"x{scale}.csv")


def read_rows(path: Path) -> list[Row]:
    """Read the rows of `x{scale}.csv`."""
    return [
        {name: float(value) if name in METRICS else value for name, value in row.items()}
        for row in read_csv(path)
    ]


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")
