"""A made-up run of a few small images for the tests of the report: no stage has to run."""

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from srcnn.evaluation.evaluate import mean_scores
from srcnn.evaluation.metrics import METRICS
from srcnn.images.image_io import RGB8, write_png
from srcnn.report.run import Run, read_run
from srcnn.settings import read_settings
from srcnn.utils.files import write_json
from srcnn.utils.tables import write_csv

SETTINGS = read_settings(Path(__file__).parents[1] / "params.yaml")
SCALES = SETTINGS.scales
RUN_METHODS = "nearest", "bicubic", "lanczos", "mse", "perceptual"
NAMES = "cat.png", "cup.png", "tower.jpg"
SIZE = 48, 64

CLAIMS: dict[str, dict[str, Any]] = {
    "C1": {
        "verdict": "too little data",
        "x2": {
            "verdict": "too little data",
            "images": 3,
            "mean": 1.02046,
            "low": 1.0117,
            "high": 1.02816,
            "as_claimed": 2,
            "is_ratio": True,
        },
    },
    "C7": {"verdict": "supported", "parameters": 20099},
}
COMPARISON = {
    **{"scale": "2", "metric": "lpips", "a": "perceptual", "b": "mse", "images": "3"},
    **{"mean_difference": "-0.0169", "low": "-0.0216", "high": "", "wins": "3"},
    **{"ties": "0", "losses": "0"},
}


def number_of(scale: int, image: int, method: str, metric: str) -> float:
    """A different score for each; `perceptual` has the lowest LPIPS, the last image the highest."""
    place = RUN_METHODS.index(method)
    if metric in ("lpips", "lpips_vgg", "dists"):
        return round(0.5 - 0.05 * place + 0.01 * image * place + 0.1 * (scale == 4), 6)
    if metric == "mse":
        return round(0.001 * (image + 1) * (6 - place) + 0.0001 * scale, 6)
    return round(30 - scale + place + 0.1 * image, 4)


def make_run(
    folder: Path,
    picture: Callable[..., RGB8],
    names: Sequence[str] = NAMES,
    methods: Sequence[str] = RUN_METHODS,
    identical: str = "",
) -> Run:
    """Write the files of a run into `folder` and read them.

    Args:
        folder: the folder of the run.
        picture: the fixture of that name.
        names: of the photographs.
        methods: in the order of the scores.
        identical: a method whose PSNR of the first image is infinite.
    """
    images = {f"{11 + i:04d}": name for i, name in enumerate(names)}
    metrics, data = folder / "metrics", folder / "data"
    index = pd.DataFrame({"image": i, "split": "val", "name": n} for i, n in images.items())
    write_csv(index, data / "hr/index.csv")
    for place, image in enumerate(images):
        write_png(data / f"hr/val/{image}.png", picture(*SIZE, phase=place))
    for scale in SCALES:
        rows: list[dict[str, Any]] = []
        for place, image in enumerate(images):
            for method in methods:
                phase = (
                    place + scale / 10 + RUN_METHODS.index(method) / 100
                    if method in RUN_METHODS
                    else 0
                )
                write_png(data / f"sr/x{scale}/{method}/{image}.png", picture(*SIZE, phase=phase))
                known = method if method in RUN_METHODS else "nearest"
                scores = {name: number_of(scale, place, known, name) for name in METRICS}
                if method == identical and place == 0:
                    scores |= {"psnr_rgb": math.inf, "psnr_y": math.inf}
                rows.append({"image": image, "method": method, **scores})
        write_csv(pd.DataFrame(rows), metrics / f"x{scale}.csv")
        write_json(mean_scores(pd.DataFrame(rows)), metrics / f"x{scale}.json")
        convention = {name: {"border": f"{scale} pixels"} for name in METRICS}
        write_json(convention, metrics / f"x{scale}_convention.json")
        for loss in methods:
            curve = pd.DataFrame(
                {
                    "epoch": epoch,
                    "loss": 0.002 / epoch,
                    "val_loss": 0.003 / epoch,
                    "val_psnr_rgb": 30 - 1 / epoch,
                    "val_psnr_interpolated": 29,
                }
                for epoch in range(1, 6)
            )
            write_csv(curve, metrics / f"training/x{scale}_{loss}.csv")
    (folder / "params.yaml").write_text("seed: 1  # same <seed>, same bytes\n", encoding="utf-8")
    write_json(CLAIMS, folder / "plots/claims.json")
    write_csv(pd.DataFrame([COMPARISON]), folder / "plots/comparisons.csv")
    of_set = {method: dict.fromkeys(METRICS, 30.0) for method in ("bicubic", "mse")}
    write_json({"Set5": {"images": 5, "x2": of_set}}, metrics / "benchmarks.json")
    environment = {"device": "a CPU", "versions": {"python": "3.11"}}
    (metrics / "environment.json").write_text(json.dumps(environment), encoding="utf-8")
    return read_run(SETTINGS, folder / "params.yaml", metrics, folder / "plots", data)
