"""Whether results that were made anew are those that git has committed.

In the environment that the committed results name, every output has to have the same bytes; in
another, every metric has to lie within the tolerance that they state.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from srcnn.errors import InputError
from srcnn.utils.text import join_names
from srcnn.utils.validation import error_line
from srcnn.utils.yaml_files import parse_yaml
from tools.git import changes, committed, committed_files

LOCK, ENVIRONMENT = "dvc.lock", "metrics/environment.json"
RESULTS = ("metrics", "plots")
"""The folders of results that git keeps."""

SWEEP = tuple(Path(f"plots/sweep.{suffix}") for suffix in ("csv", "png", "pdf"))
"""What `make sweep` leaves there: the results of no stage."""


class _File(BaseModel):
    path: str
    md5: str | None = None


class _Stage(BaseModel):
    """What dvc.lock says of a stage."""

    cmd: Any = None
    params: dict[str, Any] = {}
    deps: list[_File] = []
    outs: list[_File] = []


Stages = Mapping[str, _Stage]
_OBJECT = TypeAdapter(dict[str, Any])
_NUMBERS = TypeAdapter(dict[str, dict[str, float]])
_STAGES = TypeAdapter(dict[str, _Stage])


@dataclass(frozen=True)
class Move:
    """A metric's mean as it is committed and as it is now; `now` is NaN where there is none."""

    scale: str
    method: str
    metric: str
    committed: float
    now: float
    allowed: float

    @property
    def is_within(self) -> bool:
        """Whether the metric lies within the tolerance."""
        return abs(self.now - self.committed) <= self.allowed


@dataclass(frozen=True)
class Comparison:
    """What was made, held against what is committed.

    Args:
        environment: a line for each thing in which the two environments differ.
        outdated: a line for each stage whose code or settings are not those that dvc.lock names.
        outputs: by the path of each output, what is wrong with it, or nothing.
        moves: the metrics.
    """

    environment: list[str]
    outdated: list[str]
    outputs: Mapping[str, str]
    moves: list[Move]

    @property
    def differing(self) -> dict[str, str]:
        """The outputs with which something is wrong."""
        return {path: wrong for path, wrong in self.outputs.items() if wrong}

    @property
    def outside(self) -> list[Move]:
        """The metrics that lie outside the tolerance."""
        return [move for move in self.moves if not move.is_within]

    @property
    def is_verified(self) -> bool:
        """Whether all is as it has to be in this environment."""
        return not self.outdated and not (self.outside if self.environment else self.differing)


def compare(folder: Path) -> Comparison:
    """Hold the results in a working tree against those of its last commit.

    Args:
        folder: the root of the repository, in which the pipeline has run.

    Raises:
        InputError: a file is not committed, not made, or not what it should be.
    """
    now, before = (_parse(text, _OBJECT) for text in _both(folder, ENVIRONMENT))
    stages, stages_before = (_stages(text) for text in _both(folder, LOCK))
    return Comparison(
        [
            f"{name}: {now.get(name)}; committed: {before.get(name)}"
            for name in dict.fromkeys([*before, *now])
            if now.get(name) != before.get(name)
        ],
        list(_outdated(stages_before, stages)),
        _outputs(folder, stages_before, stages),
        list(_moves(folder, before.get("tolerance", {}))),
    )


def described(comparison: Comparison) -> Iterator[str]:
    """Lines that say what differs and, the last of them, whether that is allowed."""
    outputs, differing = comparison.outputs, comparison.differing
    moves, outside = comparison.moves, comparison.outside
    yield from comparison.outdated
    if comparison.environment:
        yield "another environment than that of the committed results:"
        yield from (f"  {line}" for line in comparison.environment)
        yield f"{len(outputs) - len(differing)} of {len(outputs)} outputs have the same bytes"
        yield from _table(moves)
    else:
        yield from (f"{path}: {wrong}" for path, wrong in differing.items())
        yield from _table([move for move in moves if move.now != move.committed])
    if comparison.outdated:
        yield f"not verified: {LOCK} is of other code or settings; dvc repro, then git commit"
    elif comparison.environment and outside:
        yield f"not verified: {len(outside)} of {len(moves)} metrics moved further than allowed"
    elif comparison.environment:
        yield f"verified: all {len(moves)} metrics lie within the tolerance of {ENVIRONMENT}"
    elif differing:
        yield f"not verified: {len(differing)} of {len(outputs)} outputs differ"
    else:
        yield f"verified: all {len(outputs)} outputs have the bytes that are committed"


def _both(folder: Path, path: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """A file as it is now and as it was committed, each with what to call it."""
    try:
        now = (folder / path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: not made; dvc repro makes it") from None
    return (now, path), (committed(folder, path), f"{path} as committed")


def _parse(text: tuple[str, str], kind: TypeAdapter[Any]) -> Any:
    content, name = text
    try:
        return kind.validate_json(content)
    except ValidationError as error:
        raise InputError(f"{name}: {error_line(error)}") from None


def _stages(text: tuple[str, str]) -> Stages:
    content, name = text
    try:
        stages: Stages = _STAGES.validate_python(parse_yaml(content, name).get("stages"))
        return stages
    except ValidationError as error:
        raise InputError(f"{name}: not what DVC writes ({error_line(error)})") from None


def _outdated(before: Stages, now: Stages) -> Iterator[str]:
    """Stages that were made from something else, outputs of other stages aside."""
    outs = {out.path for stage in (*before.values(), *now.values()) for out in stage.outs}

    def given(stage: _Stage) -> dict[str, Any]:
        deps = {dep.path: dep.md5 for dep in stage.deps if not _overlaps(dep.path, outs)}
        return {"its command": stage.cmd, "its settings": stage.params, **deps}

    for name, stage in now.items():
        if name not in before:
            yield f"{LOCK}: {name} is not in it"
            continue
        ours, theirs = given(stage), given(before[name])
        changed = [key for key in {**theirs, **ours} if ours.get(key) != theirs.get(key)]
        if changed:
            yield f"{LOCK}: {name} was made from something else: {join_names(changed)}"


def _overlaps(path: str, outs: set[str]) -> bool:
    """Whether a path is one of the outputs, within one, or a folder of some."""
    dep = PurePosixPath(path)
    return any(dep.is_relative_to(out) or PurePosixPath(out).is_relative_to(dep) for out in outs)


def _outputs(folder: Path, before: Stages, now: Stages) -> dict[str, str]:
    """What is wrong with it, or nothing, by the path of each output of DVC's and of git's.

    Stages that the committed dvc.lock alone has are left out: DVC never takes one out of it.
    """
    old = {out.path: out.md5 for name in before if name in now for out in before[name].outs}
    new = {out.path: out.md5 for stage in now.values() for out in stage.outs}
    outputs = dict.fromkeys([*old, *new, *committed_files(folder, *RESULTS)], "")
    for path, letters in changes(folder, *RESULTS).items():
        wrong = {" D": "committed, but not made", "??": "made, but not committed"}
        outputs[path] = wrong.get(letters, "not the file that is committed")
    for path in {**old, **new}:
        if old.get(path) != new.get(path):
            outputs[path] = f"{LOCK} has {old.get(path)}, now {new.get(path)}"
    return {path: outputs[path] for path in sorted(outputs.keys() - set(map(str, SWEEP)))}


def _moves(folder: Path, tolerance: Any) -> Iterator[Move]:
    """Every metric of the committed `metrics/x*.json`; one without a tolerance may not move."""
    try:
        allowed = _NUMBERS.validate_python(tolerance)
    except ValidationError as error:
        raise InputError(f"{ENVIRONMENT}: tolerance: {error_line(error)}") from None
    for path in committed_files(folder, "metrics"):
        if not re.fullmatch(r"metrics/x\d+\.json", path):
            continue
        now, before = (_parse(text, _NUMBERS) for text in _both(folder, path))
        for method, metrics in before.items():
            for metric, value in metrics.items():
                room = allowed.get(metric, {})
                yield Move(
                    PurePosixPath(path).stem,
                    method,
                    metric,
                    value,
                    now.get(method, {}).get(metric, float("nan")),
                    room.get("absolute", 0.0) + room.get("relative", 0.0) * abs(value),
                )


def _table(moves: list[Move]) -> Iterator[str]:
    """A line per metric, in columns."""
    if not moves:
        return
    wide = 2 + max(len(move.method) for move in moves)
    row = f"{{:7}}{{:{max(wide, 8)}}}{{:10}}{{:>11}}{{:>11}}{{:>12}}{{:>10}}"
    yield row.format("scale", "method", "metric", "committed", "now", "difference", "allowed")
    for move in moves:
        moved = f"{move.now - move.committed:+.2g}" if move.now != move.committed else "0"
        numbers = f"{move.committed:.6g}", f"{move.now:.6g}", moved, f"{move.allowed:.2g}"
        line = row.format(move.scale, move.method, move.metric, *numbers)
        yield line if move.is_within else f"{line}  outside"
