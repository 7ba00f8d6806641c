"""The pipeline as users run it: `dvc repro`, `dvc exp run`, on a few tiny photographs."""

import ast
import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent
# What every stage goes through without its numbers depending on it.
PLUMBING = {"srcnn/__init__.py", "srcnn/errors.py", "srcnn/settings.py", "srcnn/stage.py"}


def run(*command: str, cwd: Path) -> str:
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a@b",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a@b",
    }
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of this project with four tiny photographs and a minute's training, run once."""
    folder = tmp_path_factory.mktemp("project")
    for file in ("params.yaml", "dvc.yaml", ".dvc/config", ".dvc/.gitignore", ".gitignore"):
        (folder / file).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / file, folder / file)
    for code in ("srcnn", "stages", "datasets", ".dvc/plots"):
        shutil.copytree(ROOT / code, folder / code, ignore=shutil.ignore_patterns("__pycache__"))
    random = np.random.default_rng(0)
    for split, count in (("train", 2), ("val", 2)):
        (folder / "photos" / split).mkdir(parents=True)
        for i in range(count):
            blocks = random.integers(0, 256, (13, 17, 3), dtype=np.uint8)
            image = Image.fromarray(blocks).resize(
                (17 * 8 + 1, 13 * 8 + 3), Image.Resampling.BICUBIC
            )
            image.save(folder / "photos" / split / f"photo {i}.png")
    change_params(
        folder,
        scales=[2],
        data={"source": "folder", "root": "photos"},
        train={
            "patch_size": 32,
            "patches_per_image": 4,
            "batch_size": 4,
            "epochs": {"mse": 2, "perceptual": 1},
        },
    )
    run("git", "init", "--quiet", cwd=folder)
    run("git", "add", ".", cwd=folder)
    run("git", "commit", "--quiet", "-m", "start", cwd=folder)
    run("dvc", "repro", cwd=folder)
    run("git", "add", ".", cwd=folder)
    run("git", "commit", "--quiet", "-m", "results", cwd=folder)
    return folder


def change_params(folder: Path, **changes: Any) -> None:
    yaml = YAML()
    params = yaml.load(folder / "params.yaml")

    def update(old: Any, new: Any) -> None:
        for key, value in new.items():
            if isinstance(value, dict) and key != "variants":  # which are set as a whole
                update(old[key], value)
            else:
                old[key] = value

    update(params, changes)
    yaml.dump(params, folder / "params.yaml")


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
        "metrics/environment.json",
        "plots/table1.md",
        "plots/figure1.png",
        "plots/figure7.png",
        "plots/figure7.pdf",
        "plots/claims.md",
        "plots/benchmarks.md",
        "plots/report.html",
    ):
        assert (project / name).is_file(), name
    metrics = json.loads((project / "metrics/x2.json").read_text())
    assert list(metrics) == ["nearest", "bilinear", "bicubic", "lanczos", "mse", "perceptual"]
    with (project / "metrics/x2.csv").open() as file:
        rows = list(csv.DictReader(file))
    for metric, mean in metrics["mse"].items():
        values = [float(row[metric]) for row in rows if row["method"] == "mse"]
        assert mean == pytest.approx(np.mean(values), rel=1e-4)


def test_odd_photographs_are_cropped_to_a_multiple_of_the_scale(project: Path) -> None:
    with Image.open(project / "data/hr/val/0003.png") as image:
        assert image.size == (136, 106)


def test_a_second_run_has_nothing_to_do(project: Path) -> None:
    assert "Running stage" not in run("dvc", "repro", cwd=project)


@pytest.mark.slow
def test_everything_made_again_has_the_same_bytes(project: Path) -> None:
    for kept in (".finished", "lr/.finished", ".decoded"):
        shutil.rmtree(project / "data" / kept)
    run("dvc", "repro", "--force", cwd=project)
    assert run("git", "status", "--short", cwd=project) == ""


def test_another_lambda_retrains_the_perceptual_model_and_nothing_before_it(project: Path) -> None:
    output = run("dvc", "exp", "run", "--name", "half", "-S", "loss.lambda2=0.5", cwd=project)
    stages = stages_run(output)
    after = ["benchmarks", "claims", "evaluate@2", "page", "provenance", "report"]
    assert sorted(stages) == sorted(["check_settings", "train_perceptual@2", *after])
    order = [stages.index(name) for name in ("train_perceptual@2", "evaluate@2", "claims", "page")]
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
    folder = shutil.copytree(project, tmp_path / "project", symlinks=True)
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
    assert "variants: {alone" not in claims  # which asks for the model that is there
    with (folder / "metrics/training/x2_l1.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2  # as many epochs as of the MSE
    assert not any(name.startswith("block") for name in rows[0])
    variants["alone"]["layers"] = {"block1_conv2": 1.0}
    change_params(folder, variants=variants)
    dry = stages_run(run("dvc", "repro", "--dry", cwd=folder))
    anew = ["fetch_variant_weights@alone", "train_variant@2-alone"]
    assert [name for name in dry if "variant" in name or "train" in name] == anew
    change_params(folder, variants={})
    ran = stages_run(run("dvc", "repro", cwd=folder))
    assert not any(name.startswith("train_") for name in ran)
    assert (folder / "metrics/x2.json").read_bytes() == (project / "metrics/x2.json").read_bytes()
    assert (folder / "plots/table1.md").read_bytes() == (project / "plots/table1.md").read_bytes()


def test_every_stage_depends_on_all_the_code_that_it_runs() -> None:
    pipeline = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]
    for name, stage in pipeline.items():
        script = stage["cmd"].split()[2].replace(".", "/") + ".py"
        code = {dep for dep in stage["deps"] if dep.endswith(".py")}
        stands_for = {"stages/evaluate.py"} if name == "claims" else set()
        assert code - stands_for - PLUMBING == imported_by(script) - PLUMBING, name


def imported_by(script: str) -> set[str]:
    """The files of this project that a script imports, directly or not, and itself."""
    found, open_files = set(), [script]
    while open_files:
        file = open_files.pop()
        if file in found or file in PLUMBING:
            continue
        found.add(file)
        for node in ast.walk(ast.parse((ROOT / file).read_text())):
            if not isinstance(node, ast.ImportFrom):
                continue
            if node.module == "srcnn":
                open_files += [f"srcnn/{alias.name}.py" for alias in node.names]
            elif (node.module or "").startswith("srcnn."):
                open_files.append(f"{(node.module or '').replace('.', '/')}.py")
    return found
