"""Made-up runs as commits of a small git repository, for the tests of comparisons across runs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from srcnn.evaluation.metrics import METRICS, convention
from srcnn.utils.files import write_json, write_text
from srcnn.utils.tables import write_csv
from tests.tiny_project import commit, run


def write_run(
    made: Mapping[str, Mapping[str, float]],
    scale: int = 4,
    change: Mapping[str, Mapping[str, Any]] | None = None,
    metrics: Sequence[str] = tuple(METRICS),
    settings: Mapping[str, Any] | None = None,
) -> None:
    """Write a run into the current folder.

    Args:
        made: method → photograph → score, the same by every metric; images are numbered in order.
            Photographs of the same name have the same checksum.
        scale: of the scores.
        change: what differs from the convention, by metric.
        metrics: those that are scored.
        settings: the content of params.yaml.
    """
    photographs = list(next(iter(made.values())))
    numbers = {name: f"{i:04d}" for i, name in enumerate(photographs, start=1)}
    rows = [
        {"image": numbers[name], "method": method, **dict.fromkeys(metrics, value)}
        for method, values in made.items()
        for name, value in values.items()
    ]
    write_csv(pd.DataFrame(rows), Path(f"metrics/x{scale}.csv"))
    rules = convention(scale)
    changed = {name: {**rules[name], **(change or {}).get(name, {})} for name in metrics}
    write_json(changed, Path(f"metrics/x{scale}_convention.json"))
    images = [{"image": n, "name": f"{k}.png", "sha256": k * 64} for k, n in numbers.items()]
    write_csv(pd.DataFrame(images), Path(f"metrics/x{scale}_images.csv"))
    write_text(yaml.safe_dump(settings or {"seed": 1}), Path("params.yaml"))


def commit_run(message: str = "a run") -> str:
    """Commit everything in the current folder, in a new repository if there is none."""
    if not Path(".git").exists():
        run("git", "init", "--quiet", cwd=Path())
    commit(Path(), message)
    return run("git", "rev-parse", "HEAD", cwd=Path()).strip()


def keep_as_experiment(name: str) -> None:
    """Make the last commit a DVC experiment that started from the commit before it."""
    made, base = run("git", "rev-parse", "HEAD", "HEAD~1", cwd=Path()).split()
    run("git", "update-ref", f"refs/exps/{base[:2]}/{base[2:]}/{name}", made, cwd=Path())
    run("git", "reset", "--quiet", "--hard", "HEAD~1", cwd=Path())
