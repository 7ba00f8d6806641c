"""Algorithm 2: every val image through every method, scored and saved."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from srcnn.evaluation.lpips import LPIPS
from srcnn.evaluation.metrics import METRICS, convention, rounded, score
from srcnn.images.image_io import RGB8, write_png
from srcnn.images.pairs import Pair
from srcnn.images.resize import imresize
from srcnn.models.srcnn import SRCNN, load_model
from srcnn.models.tiled_inference import super_resolve
from srcnn.utils.files import write_json
from srcnn.utils.methods import INTERPOLATIONS, Interpolation
from srcnn.utils.paths import check_val_size
from srcnn.utils.tables import write_csv

Row = dict[str, Any]


def interpolated(lr: RGB8, scale: int, method: Interpolation) -> RGB8:
    """Enlarge [h, w, 3] uint8 by one of INTERPOLATIONS: Pillow's Lanczos, else MATLAB's."""
    if method == "lanczos":
        size = lr.shape[1] * scale, lr.shape[0] * scale
        return np.asarray(Image.fromarray(lr).resize(size, Image.Resampling.LANCZOS))
    return imresize(lr, scale, kernel=method)


def load_models(scale: int, losses: Iterable[str], device: torch.device) -> dict[str, SRCNN]:
    """The networks of one scale by the loss that they were trained with.

    Args:
        scale: the enlargement.
        losses: whose networks.
        device: where they go.

    Raises:
        InputError: as `load_model`.
    """
    return {
        loss: load_model(Path(f"models/x{scale}/{loss}.safetensors"), scale)
        .to(device)
        .to(memory_format=torch.channels_last)
        for loss in losses
    }


def enlarged(lr: RGB8, models: Mapping[str, SRCNN], scale: int) -> dict[str, RGB8]:
    """Method → [scale·h, scale·w, 3] uint8, from `lr` [h, w, 3] uint8, by every method.

    Args:
        lr: the image.
        models: by method name; they follow the interpolations.
        scale: the enlargement.
    """
    results: dict[str, RGB8] = {name: interpolated(lr, scale, name) for name in INTERPOLATIONS}
    return results | {name: super_resolve(model, lr) for name, model in models.items()}


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
        check_val_size(f"data/hr/val/{pair.name}.png", (width, height), scale)
        for method, sr in enlarged(pair.lr, models, scale).items():
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

    Numbers have six significant digits.
    """
    rows = [row | rounded({metric: row[metric] for metric in METRICS}) for row in rows]
    table = {method: rounded(values) for method, values in means(rows).items()}
    write_json(table, folder / f"x{scale}.json")
    write_json(convention(scale), folder / f"x{scale}_convention.json")
    write_csv(rows, folder / f"x{scale}.csv")
