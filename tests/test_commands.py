"""The commands of dvc.yaml, in which no value of params.yaml may become code of a shell."""

import re
import shlex
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from dvc.exceptions import DvcException
from dvc.parsing import DataResolver
from dvc.repo import Repo

from srcnn.utils.yaml_files import read_yaml
from tests.tiny_project import ROOT, change_params, copy_of, copy_project, environment

PIPELINE: dict[str, Any] = read_yaml(ROOT / "dvc.yaml")
MATRIX = [name for name, stage in PIPELINE["stages"].items() if "matrix" in stage]
HOSTILE = (
    *("a b", "a; touch x; true", "$(touch x)", "`touch x`", "a' ; touch x; '", 'a"; touch x; "'),
    *("a\\", "*", "~", "$HOME", "-h", "--help", "../x", "a|touch x", "a&touch x", "#", "!!"),
)


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_project(tmp_path_factory.mktemp("commands") / "project")


@cache
def open_repo(folder: Path) -> Repo:
    return Repo(str(folder))


def resolve(folder: Path, stage: str, value: Any) -> dict[str, Any]:
    """A stage as DVC runs it, if `value` is the only value of each of its matrix's keys."""
    matrix = {key: [value] for key in PIPELINE["stages"][stage]["matrix"]}
    stages = {stage: PIPELINE["stages"][stage] | {"matrix": matrix}}
    resolver = DataResolver(open_repo(folder), str(folder), {"stages": stages})
    (key,) = resolver.get_keys()
    (resolved,) = resolver.resolve_one(key).values()
    return dict(resolved)


@pytest.mark.parametrize("stage", PIPELINE["stages"])
def test_a_command_has_values_only_where_dvc_quotes_them(stage: str) -> None:
    text = PIPELINE["stages"][stage]
    assert re.findall(r"\$\{.*?\}", text["cmd"]) == ["${item}"] * ("matrix" in text)
    for key in text.get("matrix", {}):  # so that DVC refuses lists and mappings
        assert f"${{item.{key}}}" in str(text["outs"])


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("stage", MATRIX)
def test_a_value_is_one_argument_of_a_command(copied: Path, stage: str, value: str) -> None:
    words = shlex.split(resolve(copied, stage, value)["cmd"])
    options = [word for key in PIPELINE["stages"][stage]["matrix"] for word in (f"--{key}", value)]
    assert words[:2] == ["python", "-m"]
    assert words[3:][: len(options)] == options


@pytest.mark.parametrize("value", [["a", "; touch x"], {"a; touch x": 1}, {}, []])
@pytest.mark.parametrize("stage", MATRIX)
def test_a_list_or_a_mapping_reaches_no_command(copied: Path, stage: str, value: Any) -> None:
    with pytest.raises(DvcException):
        resolve(copied, stage, value)


@pytest.mark.parametrize("value", ["a\ntouch x", "'\ntouch x\n'", "a\u2028touch x"])
@pytest.mark.parametrize("stage", MATRIX)
def test_a_value_with_a_line_break_ends_in_an_error_of_the_shell(
    copied: Path, tmp_path: Path, stage: str, value: str
) -> None:
    # DVC runs line by line, and stops at the first that fails.
    first = resolve(copied, stage, value)["cmd"].splitlines()[0]
    done = subprocess.run(["sh", "-c", first], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_single_stage_runs_no_code_of_a_variant_s_name(copied: Path, tmp_path: Path) -> None:
    folder = copy_of(copied, tmp_path / "project")
    change_params(folder, variants={"a; touch run; true": {"lambda1": 1.0}})
    command = ["dvc", "repro", "--force", "--single-item", "fetch_variant_weights"]
    done = subprocess.run(
        command, cwd=folder, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "params.yaml: variants: 'a; touch run; true': use letters" in done.stderr
    assert not (folder / "run").exists()
