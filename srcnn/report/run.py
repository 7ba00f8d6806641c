"""Everything that the report shows, read from the files that the stages write."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from srcnn.analysis.results import Results, read_all, read_curve
from srcnn.settings import Settings
from srcnn.utils.json_files import read_json
from srcnn.utils.tables import read_csv


@dataclass(frozen=True)
class Run:
    """The results of a run."""

    settings: Settings
    scales: Sequence[Results]  # all with the same val images
    means: Mapping[int, Mapping[str, Mapping[str, float]]]  # by scale, method and metric
    conventions: Mapping[int, Mapping[str, Mapping[str, Any]]]  # by scale and metric
    curves: Mapping[tuple[int, str], pd.DataFrame]  # training curves by scale and loss
    params: str  # the text of params.yaml
    environment: Mapping[str, Any]  # the device, the versions, where each model was trained
    claims: Mapping[str, Any]
    comparisons: pd.DataFrame  # all columns as text
    benchmarks: Mapping[str, Mapping[str, Any]]  # empty if the settings name no set


def read_run(settings: Settings, params: Path, metrics: Path, plots: Path, data: Path) -> Run:
    """Read the results of a run, with these settings, from `params.yaml` and the named folders.

    Raises:
        InputError: a file is missing or damaged.
    """
    scales = settings.scales
    results = read_all(scales, metrics, data)
    models = [(of_scale.scale, loss) for of_scale in results for loss in of_scale.models]
    return Run(
        settings,
        results,
        {scale: read_json(metrics / f"x{scale}.json", "evaluate") for scale in scales},
        {scale: read_json(metrics / f"x{scale}_convention.json", "evaluate") for scale in scales},
        {(s, loss): read_curve(metrics / f"training/x{s}_{loss}.csv") for s, loss in models},
        params.read_text(encoding="utf-8"),
        read_json(metrics / "environment.json", "provenance"),
        read_json(plots / "claims.json", "claims"),
        read_csv(plots / "comparisons.csv", "claims"),
        read_json(metrics / "benchmarks.json", "benchmarks"),
    )
