"""Algorithm 2: super-resolve every val image by every method, save and score the results."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image

from srcnn.errors import InputError
from srcnn.evaluation.judges import Judge
from srcnn.evaluation.metrics import METRICS, GroundTruth, convention, mean_score, rounded, score
from srcnn.images.image_folders import list_images
from srcnn.images.image_io import RGB8, pixel_checksum, read_rgb, write_png
from srcnn.images.pairs import Pair
from srcnn.images.resize import imresize
from srcnn.models.model_files import load_authors_model, load_model
from srcnn.models.srcnn import SRCNN
from srcnn.models.tiled_inference import super_resolve
from srcnn.utils.files import write_json
from srcnn.utils.methods import (
    AUTHORS_METHODS,
    AUTHORS_SCALE,
    INTERPOLATIONS,
    Interpolation,
)
from srcnn.utils.paths import check_val_size
from srcnn.utils.tables import read_csv, write_csv


def load_models(
    scale: int, losses: Iterable[str], device: torch.device, *, authors: bool = False
) -> dict[str, SRCNN]:
    """Load the networks of one scale by their losses, and at ×4 those of the authors, if asked.

    Raises:
        InputError: a file is missing or damaged.
    """
    models = {
        loss: load_model(Path(f"models/x{scale}/{loss}.safetensors"), scale) for loss in losses
    }
    if authors and scale == AUTHORS_SCALE:
        models |= {method: load_authors_model(method) for method in AUTHORS_METHODS}
    return {
        name: model.to(device).to(memory_format=torch.channels_last)
        for name, model in models.items()
    }


def evaluate(
    pairs: Iterable[Pair],
    models: Mapping[str, SRCNN],
    scale: int,
    judges: Mapping[str, Judge],
    sr_folder: Path | None = None,
) -> Iterator[dict[str, Any]]:
    """Upscale each image by all interpolations and models; yield `image`, `method` and METRICS.

    With a folder, also save each result as `{sr_folder}/{method}/{image}.png`.

    Raises:
        InputError: an image is too small to be scored.
    """
    for pair in pairs:
        height, width = pair.hr.shape[:2]
        check_val_size(f"val image {pair.name}", (width, height), scale)
        results: dict[str, RGB8] = {m: _interpolate(pair.lr, scale, m) for m in INTERPOLATIONS}
        results |= {name: super_resolve(model, pair.lr) for name, model in models.items()}
        if sr_folder is not None:
            for method, sr in results.items():
                write_png(sr_folder / method / f"{pair.name}.png", sr)
        scores = score(list(results.values()), GroundTruth(pair.hr, scale, pair.is_grey), judges)
        for method, values in zip(results, scores, strict=True):
            yield {"image": pair.name, "method": method, **values}


def _interpolate(lr: RGB8, scale: int, method: Interpolation) -> RGB8:
    """Upscale an image; Lanczos is Pillow's, the others are MATLAB's."""
    if method == "lanczos":
        size = lr.shape[1] * scale, lr.shape[0] * scale
        return np.asarray(Image.fromarray(lr).resize(size, Image.Resampling.LANCZOS))
    return imresize(lr, scale, kernel=method)


def tabulate_scores(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """The rows of `evaluate` as a table, the metrics with six significant digits."""
    return pd.DataFrame([{**row, **rounded({key: row[key] for key in METRICS})} for row in rows])


def mean_scores(table: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Method → the `mean_score` of its images."""
    return {
        method: mean_score(rows.to_dict("records"))
        for method, rows in table.groupby("method", sort=False)
    }


def write_metrics(rows: Iterable[Mapping[str, Any]], scale: int, folder: Path) -> None:
    """Write `x{scale}.json` (means), `x{scale}.csv` (the rows) and `x{scale}_convention.json`."""
    table = tabulate_scores(rows)
    write_json(mean_scores(table), folder / f"x{scale}.json")
    write_json(convention(scale), folder / f"x{scale}_convention.json")
    write_csv(table, folder / f"x{scale}.csv")


def identify(hr_folder: Path, index: Path) -> pd.DataFrame:
    """The images of a folder by `image`, `name` of the photograph and `sha256` of the pixels.

    Other runs may number the same images differently.

    Raises:
        InputError: the index is missing or damaged or does not list an image; an image is damaged.
    """
    listed = read_csv(index, "fetch_data", {"image": str, "name": str})
    names, rows = dict(zip(listed["image"], listed["name"], strict=True)), []
    for file in list_images(hr_folder):
        if file.stem not in names:
            raise InputError(f"{index}: does not list {file}; run the stage fetch_data again")
        pixels = read_rgb(file)
        checksum = pixel_checksum(pixels)
        rows.append({"image": file.stem, "name": names[file.stem], "sha256": checksum})
    return pd.DataFrame(rows)
