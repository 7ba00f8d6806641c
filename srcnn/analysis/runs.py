"""The files of a run: in a folder, or in a commit of git, which only git itself reads.

The folder is the working tree, or one that `tools.results store` has made.

A DVC experiment NAME is a commit too: `refs/exps/ab/cdef…/NAME`, where abcdef… is the commit that
it started from.
"""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from srcnn.analysis.results import read_scores
from srcnn.errors import InputError
from srcnn.evaluation.metrics import METRICS
from srcnn.utils.json_files import parse_json
from srcnn.utils.tables import read_csv
from srcnn.utils.yaml_files import parse_yaml


@dataclass(frozen=True)
class Run:
    """A run, and readers of its files, which raise an InputError that names the file."""

    name: str  # a commit, tag, branch, DVC experiment or folder; empty for the working tree
    commit: str = ""  # its hash; empty for a folder
    folder: Path = Path()  # not used for a commit

    def __str__(self) -> str:
        return self.name or "the working tree"

    def is_same(self, other: "Run") -> bool:
        """Whether both have the same files, perhaps by different names."""
        return (self.commit, self.folder) == (other.commit, other.folder)

    def label(self, file: str) -> Path:
        """The name of a file in messages, such as `half:metrics/x4.csv`."""
        return Path(f"{self.name}:{file}") if self.commit else self.folder / file

    def scales(self) -> list[str]:
        """The scales that were scored, such as `x2`, in order; InputError if there are none."""
        if self.commit:
            listed = _git("ls-tree", "--name-only", "-z", self.commit, "metrics/").stdout
            names = [Path(name).name for name in listed.decode(errors="replace").split("\0")]
        else:
            names = [file.name for file in (self.folder / "metrics").glob("x*.csv")]
        found = [name[:-4] for name in names if re.fullmatch(r"x[0-9]+\.csv", name)]
        if not found:
            advice = "change to the folder of a project in which make repro has run"
            if self.name:
                verb = "commit" if self.commit else "store"
                advice = f"{verb} the results of a finished run"
            raise InputError(f"{self.label('metrics')}: no scores (x2.csv, x4.csv, …); {advice}")
        return sorted(found, key=lambda scale: int(scale[1:]))

    def scores(self, scale: str) -> pd.DataFrame:
        """The scores of a scale, as `read_scores`; a commit may have fewer METRICS."""
        file = f"metrics/{scale}.csv"
        if not self.commit:
            return read_scores(self.label(file))
        content = self._content(file)
        header = content.partition(b"\n")[0].decode(errors="replace").strip().split(",")
        metrics = [metric for metric in METRICS if metric in header]
        return read_scores(self.label(file), content, metrics or list(METRICS))

    def convention(self, scale: str) -> Mapping[str, Any]:
        """How each metric was computed."""
        file = f"metrics/{scale}_convention.json"
        kind = dict[str, dict[str, Any]]
        return parse_json(self._content(file), self.label(file), kind)

    def images(self, scale: str) -> pd.DataFrame:
        """The images that were scored, by number: columns `name` and `sha256`."""
        file = f"metrics/{scale}_images.csv"
        types = dict.fromkeys(("image", "name", "sha256"), str)
        table = read_csv(self.label(file), "evaluate", types, self._content(file))
        return table.drop_duplicates("image").set_index("image")

    def settings(self) -> dict[str, Any]:
        """The values of params.yaml."""
        return parse_yaml(self._content("params.yaml"), str(self.label("params.yaml")))

    def changed_code(self, other: "Run") -> list[str]:
        """The files of code, pipeline and data sets in which two runs differ.

        That of a folder is the code of the commit that its `environment.json` names.
        """
        paths = ("srcnn", "stages", "dvc.yaml", "datasets", ":(exclude)srcnn/released")
        commits = self._code(), other._code()
        if len({*commits}) == 1:  # which git may not have: a clone can be shallow
            return []
        done = _git(
            "diff", "--name-only", "--no-renames", "--relative", "-z", *commits, "--", *paths
        )
        if done.returncode:
            reason = done.stderr.decode(errors="replace").strip().splitlines()
            raise InputError(f"git cannot compare the code of the runs: {' '.join(reason[-1:])}")
        return done.stdout.decode(errors="replace").split("\0")[:-1]

    def _code(self) -> str:
        if self.commit:
            return self.commit
        file = "environment.json"
        found = parse_json(self._content(file), self.label(file), dict[str, Any])
        commit = str(found.get("commit"))
        if not re.fullmatch(r"[0-9a-f]+", commit):  # git could take another for an option
            raise InputError(f"{self.label(file)}: names no commit; store the results again")
        return commit

    def _content(self, file: str) -> bytes:
        if self.commit:
            done = _git("cat-file", "blob", f"{self.commit}:./{file}")
            if done.returncode == 0:
                return done.stdout
            raise InputError(
                f"{self.label(file)}: not in this commit, whose version of the stage evaluate may "
                "not have written it; run evaluate there with the current version and commit"
            )
        try:
            return self.label(file).read_bytes()
        except FileNotFoundError:
            advice = "store the results again" if self.name else "run dvc repro"
            raise InputError(f"{self.label(file)}: no such file; {advice}") from None


def find_run(name: str) -> Run:
    """The run of a folder of stored results, a commit, tag, branch or DVC experiment.

    Folders come first, then git's own names, experiments of the current commit, and all others.

    Raises:
        InputError: the name is empty or unknown, it belongs to several experiments, or git fails.
    """
    if not name:
        raise InputError(
            "a run has an empty name; name a commit, an experiment or a folder of results"
        )
    file = Path(name, "environment.json")
    if file.is_file():
        return Run(name, folder=Path(name))
    no_folder = f"is no folder of stored results ({file} is missing)"
    inside = _git("rev-parse", "--git-dir")
    if inside.returncode:
        reason = inside.stderr.decode(errors="replace").strip().split("\n")[0]
        raise InputError(f"{name}: cannot be looked up in git ({reason}), and {no_folder}")
    # A name that starts with a dash is no option.
    known = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    if known.returncode == 0:
        return Run(name, known.stdout.decode().split()[-1])
    found = _experiments().get(name, {})
    head = _git("rev-parse", "--verify", "--quiet", "HEAD").stdout.decode().strip()
    commits = {found[head]} if head in found else set(found.values())
    if len(commits) > 1:
        raise InputError(f"{name}: {len(commits)} experiments have this name; use a commit's hash")
    if not commits:
        raise InputError(
            f"{name}: is no commit, tag, branch or DVC experiment in this repository, and "
            f"{no_folder}"
        )
    return Run(name, commits.pop())


def _experiments() -> dict[str, dict[str, str]]:
    """DVC experiments: name → the commit that it started from → its own commit."""
    listed = _git("for-each-ref", "--format=%(objectname) %(refname)", "refs/exps").stdout
    found: dict[str, dict[str, str]] = {}
    pattern = r"^(\w+) refs/exps/(\w{2})/(\w{38,})/(.+)$"
    for line in re.finditer(pattern, listed.decode(errors="replace"), re.MULTILINE):
        commit, first, rest, name = line.groups()
        found.setdefault(name, {})[first + rest] = commit
    return found


def _git(*arguments: str) -> "subprocess.CompletedProcess[bytes]":
    try:
        return subprocess.run(["git", *arguments], capture_output=True, check=False)
    except FileNotFoundError:
        raise InputError(
            "git: not installed; without it, only the working tree can be read"
        ) from None
