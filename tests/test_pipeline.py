"""The pipeline as users run it: `dvc repro`, `dvc exp run`, on a few tiny photographs."""

import csv
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from srcnn.analysis.vote_crops import CropReader
from srcnn.analysis.vote_file import append_vote
from srcnn.judge.trials import TrialPlanner
from srcnn.utils.yaml_files import read_yaml
from tests.judge.simulated_voters import session_votes, the_sharper
from tests.tiny_project import ROOT, change_params, copy_of, environment, repro, run


@pytest.fixture(scope="module")
def project(made_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny project, run once."""
    return copy_of(made_project, tmp_path_factory.mktemp("project"))


def stages_run(output: str) -> list[str]:
    lines = output.splitlines()
    return [line.split("'")[1] for line in lines if line.startswith("Running stage")]


def test_one_command_makes_table_figures_and_metrics(project: Path) -> None:
    for name in (
        "data/hr/index.csv",
        "data/validation.csv",
        "data/hr/val/0003.png",
        "data/lr/x2/val/0003x2.png",
        "data/sr/x2/perceptual/0004.png",
        "models/x2/mse.safetensors",
        "metrics/training/x2_perceptual.csv",
        "metrics/x2_images.csv",
        "metrics/environment.json",
        "plots/table1.md",
        "plots/comparison.png",
        "plots/comparison.pdf",
        "plots/figure1.png",
        "plots/figure7.png",
        "plots/figure7.pdf",
        "plots/claims.md",
        "plots/benchmarks.md",
        "plots/votes.md",
        "plots/report.html",
    ):
        assert (project / name).is_file(), name
    metrics = json.loads((project / "metrics/x2.json").read_text())
    assert list(metrics) == ["nearest", "bilinear", "bicubic", "lanczos", "mse", "perceptual"]
    with (project / "metrics/x2.csv").open() as file:
        rows = list(csv.DictReader(file))
    means = metrics["mse"]
    assert means.pop("identical") == 0
    for metric, mean in means.items():
        values = [float(row[metric]) for row in rows if row["method"] == "mse"]
        assert mean == pytest.approx(np.mean(values), rel=1e-4)


def test_odd_photographs_are_cropped_to_a_multiple_of_the_scale(project: Path) -> None:
    with Image.open(project / "data/hr/val/0003.png") as image:
        assert image.size == (88, 74)


def test_a_second_run_has_nothing_to_do(project: Path) -> None:
    assert "Running stage" not in run("dvc", "repro", cwd=project)


@pytest.mark.slow
def test_votes_rerun_what_shows_them_and_without_votes_all_is_as_before(
    project: Path, tmp_path: Path
) -> None:
    folder = copy_of(project, tmp_path / "project")
    assert not (folder / "metrics/votes.csv").exists()
    planner = TrialPlanner(["x2/perceptual", "x2/mse"], CropReader(folder / "data"))
    for vote in session_votes(planner, 1, the_sharper(1), "Ann"):
        append_vote(vote, folder / "metrics/votes.csv")
    stages = stages_run(repro(folder))
    assert sorted(stages) == ["claims", "figures", "report", "votes"]
    assert "| Ann | 20 |" in (folder / "plots/votes.md").read_text()
    part = json.loads((folder / "plots/claims.json").read_text())["C2_people"]["x2"]
    assert part["verdict"] == "too little data"
    assert "by people: ×2" in (folder / "plots/report.html").read_text()
    (folder / "metrics/votes.csv").unlink()
    repro(folder)
    for name in ("plots/votes.md", "plots/claims.json", "plots/claims.md", "plots/report.html"):
        assert (folder / name).read_bytes() == (project / name).read_bytes()


@pytest.mark.slow
def test_another_lambda_retrains_the_perceptual_model_and_nothing_before_it(project: Path) -> None:
    output = run("dvc", "exp", "run", "--name", "half", "-S", "loss.lambda2=0.5", cwd=project)
    stages = stages_run(output)
    after = ["benchmarks", "claims", "evaluate@2", "export@2", "figures", "provenance", "report"]
    assert sorted(stages) == sorted(["check_settings", "train_perceptual@2", "votes", *after])
    order = [
        stages.index(name) for name in ("train_perceptual@2", "evaluate@2", "claims", "report")
    ]
    assert order == sorted(order)
    difference = json.loads(run("dvc", "metrics", "diff", "--json", "HEAD", "half", cwd=project))
    changed = {name.split(".")[0] for name in difference["metrics/x2.json"]}
    assert changed == {"perceptual"}
    for name, values in difference["metrics/x2.json"].items():
        method, metric = name.split(".")
        now = json.loads((project / "metrics/x2.json").read_text())[method][metric]
        assert values["new"] == now
    assert "half" in run("dvc", "exp", "show", "--csv", cwd=project)
    assert "loss.lambda2" in run("dvc", "params", "diff", "HEAD", "half", cwd=project)
    run("dvc", "plots", "diff", "HEAD", "half", cwd=project)
    assert (project / "dvc_plots/index.html").is_file()


@pytest.mark.slow
def test_variants_are_trained_scored_and_drawn_beside_the_rest(
    project: Path, tmp_path: Path
) -> None:
    folder = copy_of(project, tmp_path / "project")
    variants: dict[str, dict[str, Any]] = {
        "l1": {"pixel": "l1", "lambda2": 0},
        "alone": {"lambda1": 0},
    }
    change_params(folder, variants=variants)
    ran = stages_run(run("dvc", "repro", cwd=folder))
    trained = [f"train_variant@2-{name}" for name in variants]
    assert [name for name in ran if name.startswith("train_")] == trained
    assert set(variants) < set(json.loads((folder / "metrics/x2.json").read_text()))
    table = (folder / "plots/table1.md").read_text()
    assert all(f"| ×2 | Variant {name} |" in table for name in variants)
    claims = (folder / "plots/claims.md").read_text()
    assert "variants: {alone" not in claims  # the advice to add such a variant
    with (folder / "metrics/training/x2_l1.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2  # as many epochs as with the MSE
    assert not any(name.startswith("block") for name in rows[0])
    variants["alone"]["layers"] = {"block1_conv2": 1.0}
    change_params(folder, variants=variants)
    dry = stages_run(run("dvc", "repro", "--dry", cwd=folder))
    again = ["fetch_variant_weights@alone", "train_variant@2-alone"]
    assert [name for name in dry if "variant" in name or "train" in name] == again
    change_params(folder, variants={})
    ran = stages_run(run("dvc", "repro", cwd=folder))
    assert not any(name.startswith("train_") for name in ran)
    assert (folder / "metrics/x2.json").read_bytes() == (project / "metrics/x2.json").read_bytes()
    assert (folder / "plots/table1.md").read_bytes() == (project / "plots/table1.md").read_bytes()


@pytest.mark.parametrize(
    "change",
    [{"variants": {"a; touch x; true": {"lambda1": 1.0}}}, {"scales": [2, "2; touch x"]}],
    ids=["a variant's name", "a scale"],
)
def test_no_setting_reaches_a_shell_as_a_command(
    tmp_path: Path, made_project: Path, change: dict[str, Any]
) -> None:
    folder = copy_of(made_project, tmp_path / "project")
    change_params(folder, **change)
    command = ["dvc", "repro", "--force", "--keep-going"]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True)
    assert done.returncode != 0
    assert f"error: params.yaml: {next(iter(change))}" in done.stderr
    assert stages_run(done.stdout) == ["check_settings"]
    assert not (folder / "x").exists()


def test_a_command_holds_only_settings_that_are_checked_before_it() -> None:
    pipeline = read_yaml(ROOT / "dvc.yaml")["stages"]
    makers = {
        out if isinstance(out, str) else next(iter(out)): name
        for name, stage in pipeline.items()
        for out in made_by(stage)
    }
    for name, stage in pipeline.items():
        found = set(re.findall(r"\$\{([^}]+)\}", stage["cmd"]))
        assert found <= {"item"}, name  # all the keys of the matrix, quoted by DVC
        if found:
            assert comes_after_the_check(name, pipeline, makers), name


def made_by(stage: dict[str, Any]) -> list[Any]:
    return [*stage.get("outs", []), *stage.get("metrics", []), *stage.get("plots", [])]


def comes_after_the_check(name: str, pipeline: dict[str, Any], makers: dict[str, str]) -> bool:
    """Return whether a stage depends, directly or not, on check_settings."""
    before = {
        maker
        for dep in pipeline[name]["deps"]
        for out, maker in makers.items()
        if f"{dep}/".startswith(f"{out}/") or f"{out}/".startswith(f"{dep}/")
    }
    return "check_settings" in before or any(
        comes_after_the_check(maker, pipeline, makers) for maker in before - {name}
    )
