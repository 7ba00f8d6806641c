"""Compares the results of a new run with the results that git has committed.

In the same environment every output must have the same bytes, except a measured time. In another
environment every metric must lie within the tolerance that metrics/environment.json states.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import TypeAdapter, ValidationError

from srcnn.errors import InputError
from srcnn.utils.json_files import parse_json
from srcnn.utils.text import join_names, signed, text_table
from srcnn.utils.yaml_files import error_line, parse_yaml
from tools.commands import changes, committed, committed_files

LOCK, ENVIRONMENT = "dvc.lock", "metrics/environment.json"
RESULTS = ("metrics", "plots")  # the folders of results that git stores
MEASURED = "metrics/cpu_time.json"  # seconds, which differ from run to run
SWEEP = tuple(Path(f"plots/sweep.{suffix}") for suffix in ("csv", "png", "pdf"))  # of no stage

_NUMBERS = dict[str, dict[str, float]]

Stages = Mapping[str, Mapping[str, Any]]  # the stages of dvc.lock by name


@dataclass(frozen=True)
class MetricChange:
    """The mean of a metric, as committed and now."""

    scale: str
    method: str
    metric: str
    committed: float
    now: float  # NaN if it is missing
    allowed: float  # largest difference

    @property
    def is_allowed(self) -> bool:
        """Whether the mean lies within its tolerance."""
        return abs(self.now - self.committed) <= self.allowed


@dataclass(frozen=True)
class Verification:
    """The differences between new and committed results."""

    environment: list[str]  # a line for each difference between the environments
    outdated: list[str]  # a line for each stage whose code or settings are not those in dvc.lock
    outputs: Mapping[str, str]  # the problem with each output by its path, or an empty string
    metrics: list[MetricChange]  # all metrics

    @property
    def problems(self) -> dict[str, str]:
        """The outputs that differ, with the reason."""
        return {path: problem for path, problem in self.outputs.items() if problem}

    @property
    def outside(self) -> list[MetricChange]:
        """The metrics outside their tolerance."""
        return [change for change in self.metrics if not change.is_allowed]

    @property
    def is_verified(self) -> bool:
        """Whether the results are as they must be in this environment."""
        return not self.outdated and not (self.outside if self.environment else self.problems)


def compare(folder: Path) -> Verification:
    """Compare the results in a repository, where the pipeline has run, with its last commit.

    Raises:
        InputError: a file is not committed, is missing, or is malformed.
    """
    now, before = (
        parse_json(text, name, dict[str, Any]) for text, name in _versions(folder, ENVIRONMENT)
    )
    stages, committed_stages = (lock_stages(text, name) for text, name in _versions(folder, LOCK))
    return Verification(
        [f"{key}: {now.get(key)}; committed: {before.get(key)}" for key in _changed(before, now)],
        list(_outdated(committed_stages, stages)),
        _outputs(folder, committed_stages, stages),
        list(_metrics(folder, before.get("tolerance", {}))),
    )


def describe(found: Verification) -> Iterator[str]:
    """Lines that list the differences; the last line says whether they are allowed."""
    outputs, problems, metrics = found.outputs, found.problems, found.metrics
    yield from found.outdated
    if found.environment:
        yield "the environment is not that of the committed results:"
        yield from (f"  {line}" for line in found.environment)
        yield f"{len(outputs) - len(problems)} of {len(outputs)} outputs have the same bytes"
        yield from _table(metrics)
    else:
        yield from (f"{path}: {problem}" for path, problem in problems.items())
        yield from _table([change for change in metrics if change.now != change.committed])
    if found.outdated:
        yield f"not verified: {LOCK} is of other code or settings; dvc repro, then git commit"
    elif found.environment and found.outside:
        yield f"not verified: {len(found.outside)} of {len(metrics)} metrics changed too much"
    elif found.environment:
        yield f"verified: all {len(metrics)} metrics lie within the tolerance of {ENVIRONMENT}"
    elif problems:
        yield f"not verified: {len(problems)} of {len(outputs)} outputs differ"
    else:
        yield f"verified: all {len(outputs)} outputs have the committed bytes"


def _versions(folder: Path, path: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """A file as it is now and as committed, each with a name for messages."""
    try:
        now = (folder / path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; dvc repro makes it") from None
    return (now, path), (committed(folder, path), f"{path} as committed")


def lock_stages(text: str, name: str) -> Stages:
    """The stages of a dvc.lock; InputError, which starts with `name`, if it is malformed."""
    try:
        stages: Stages = parse_yaml(text, name)["stages"]
        for stage in stages.values():
            for file in [*stage.get("deps", []), *stage.get("outs", [])]:
                file["path"]  # raises KeyError here and not halfway through the comparison
        return stages
    except (AttributeError, KeyError, TypeError) as error:
        raise InputError(f"{name}: not a lock file of DVC ({error})") from None


def output_sums(stages: Stages) -> dict[str, str | None]:
    """The md5 of each output by its path."""
    outs = (out for stage in stages.values() for out in stage.get("outs", []))
    return {out["path"]: out.get("md5") for out in outs}


def _outdated(before: Stages, now: Stages) -> Iterator[str]:
    """Stages with another command, other settings or other inputs than outputs of stages."""
    outs = [PurePosixPath(out) for out in output_sums(before) | output_sums(now)]

    def inputs(stage: Mapping[str, Any]) -> dict[str, Any]:
        found = {"its command": stage.get("cmd"), "its settings": stage.get("params")}
        for dep in stage.get("deps", []):
            path = PurePosixPath(dep["path"])
            if not any(path.is_relative_to(out) or out.is_relative_to(path) for out in outs):
                found[dep["path"]] = dep.get("md5")
        return found

    for name, stage in now.items():
        if name not in before:
            yield f"{LOCK}: {name} is missing"
        elif changed := _changed(inputs(before[name]), inputs(stage)):
            yield f"{LOCK}: {name} was made from something else: {join_names(changed)}"


def _changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The names whose values differ."""
    return [name for name in {**before, **now} if before.get(name) != now.get(name)]


def _outputs(folder: Path, before: Stages, now: Stages) -> dict[str, str]:
    """The problem with each output of DVC and of git by its path, or an empty string.

    Stages that only the committed dvc.lock has do not count: DVC never removes a stage from it.
    Nor do the sweep, and MEASURED if it is there: its content is not compared.
    """
    old = output_sums({name: stage for name, stage in before.items() if name in now})
    new = output_sums(now)
    outputs = dict.fromkeys([*old, *new, *committed_files(folder, *RESULTS)], "")
    for path, letters in changes(folder, *RESULTS).items():
        problems = {" D": "committed, but not made", "??": "made, but not committed"}
        if path != MEASURED or letters in problems:
            outputs[path] = problems.get(letters, "not the committed file")
    for path in _changed(old, new):
        if path != MEASURED:
            outputs[path] = f"{LOCK} has {old.get(path)}, now {new.get(path)}"
    left_out = {*map(str, SWEEP), *([] if outputs.get(MEASURED) else [MEASURED])}
    return {path: outputs[path] for path in sorted(outputs.keys() - left_out)}


def _metrics(folder: Path, tolerance: Any) -> Iterator[MetricChange]:
    """Every metric of the committed `metrics/x*.json`; without a tolerance it may not change."""
    try:
        allowed = TypeAdapter(_NUMBERS).validate_python(tolerance)
    except ValidationError as error:
        raise InputError(f"{ENVIRONMENT}: tolerance: {error_line(error)}") from None
    files = committed_files(folder, "metrics")
    for path in (file for file in files if re.fullmatch(r"metrics/x\d+\.json", file)):
        now, before = (parse_json(text, name, _NUMBERS) for text, name in _versions(folder, path))
        for method, means in before.items():
            for metric, mean in means.items():
                rule, value = allowed.get(metric, {}), now.get(method, {}).get(metric, math.nan)
                limit = rule.get("absolute", 0.0) + rule.get("relative", 0.0) * abs(mean)
                yield MetricChange(PurePosixPath(path).stem, method, metric, mean, value, limit)


def _table(metrics: list[MetricChange]) -> list[str]:
    """Lines of a table with a row per metric."""
    heads = ("scale", "method", "metric", "committed", "now", "difference", "allowed", "")
    rows = [
        (
            *(change.scale, change.method, change.metric),
            *(f"{change.committed:.6g}", f"{change.now:.6g}"),
            signed(change.now - change.committed, ".2g") if change.now != change.committed else "0",
            *(f"{change.allowed:.2g}", "" if change.is_allowed else "outside"),
        )
        for change in metrics
    ]
    text = text_table([heads, *rows], left=(0, 1, 2, 7)) if rows else ""
    return [line.rstrip() for line in text.splitlines()]
