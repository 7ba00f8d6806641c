"""What the stages left of a run, read for the report's page."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from srcnn.analysis.results import Results, read_all
from srcnn.analysis.training_curves import read_curve
from srcnn.errors import InputError
from srcnn.utils.tables import read_csv


@dataclass(frozen=True)
class Run:
    """What the stages left of a run.

    Args:
        scales: the results of each scale; all of the same val images.
        means: scale → method → metric → number.
        conventions: scale → metric → how it is computed.
        curves: of training, by scale and loss.
        params: the text of `params.yaml`.
        environment: the device, the versions, where each model was trained.
        claims: `claims.json`.
        comparisons: `comparisons.csv`, all columns as text.
        benchmarks: `benchmarks.json`; empty where no set is named.
    """

    scales: Sequence[Results]
    means: Mapping[int, Mapping[str, Mapping[str, float]]]
    conventions: Mapping[int, Mapping[str, Mapping[str, Any]]]
    curves: Mapping[tuple[int, str], pd.DataFrame]
    params: str
    environment: Mapping[str, Any]
    claims: Mapping[str, Any]
    comparisons: pd.DataFrame
    benchmarks: Mapping[str, Mapping[str, Any]]


def read_run(scales: Sequence[int], params: Path, metrics: Path, plots: Path, data: Path) -> Run:
    """Read what the stages left.

    Args:
        scales: the enlargements.
        params: `params.yaml`.
        metrics: folder of the scores and the training curves.
        plots: folder of the claims and the comparisons.
        data: folder of `hr` and `sr`.

    Raises:
        InputError: a file is missing, or is not what its stage writes.
    """
    results = read_all(scales, metrics, data)
    return Run(
        results,
        {scale: _read_json(metrics / f"x{scale}.json", "evaluate") for scale in scales},
        {scale: _read_json(metrics / f"x{scale}_convention.json", "evaluate") for scale in scales},
        {
            (of_scale.scale, loss): read_curve(metrics / f"training/x{of_scale.scale}_{loss}.csv")
            for of_scale in results
            for loss in of_scale.models
        },
        _read_text(params, "params.yaml is part of the project"),
        _read_json(metrics / "environment.json", "provenance"),
        _read_json(plots / "claims.json", "claims"),
        read_csv(plots / "comparisons.csv", "claims"),
        _read_json(metrics / "benchmarks.json", "benchmarks"),
    )


def _read_text(path: Path, maker: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file ({maker})") from None


def _read_json(path: Path, stage: str) -> Any:
    text = _read_text(path, f"the stage {stage} makes it")
    try:
        return json.loads(text)
    except ValueError as error:
        raise InputError(f"{path}: not valid JSON ({error}); delete it and run dvc repro") from None
