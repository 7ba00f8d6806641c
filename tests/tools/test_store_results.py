"""`python -m tools.results store`: the results of a finished run go to results/."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from srcnn.utils.files import sha256_of
from tests.tiny_project import change_params, commit, copy_of, environment, run
from tools.release import release
from tools.result_regions import find_differences, update_pages

pytestmark = pytest.mark.slow


def store(project: Path, folder: str = "results/tiny") -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tools.results", "store", folder]
    return subprocess.run(command, cwd=project, env=environment(), capture_output=True, text=True)


@pytest.fixture
def finished(made_project: Path, tmp_path: Path) -> Path:
    """The finished tiny project, whose settings are those of presets/tiny.yaml."""
    folder = copy_of(made_project, tmp_path / "project")
    shutil.copy(folder / "params.yaml", folder / "presets/tiny.yaml")
    return folder


def assert_refused(done: "subprocess.CompletedProcess[str]", project: Path, message: str) -> None:
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (project / "results").exists() or not list((project / "results").iterdir())


def test_a_finished_run_is_stored_with_its_commit_and_hours(finished: Path) -> None:
    done = store(finished)
    assert done.returncode == 0, done.stderr
    folder = finished / "results/tiny"
    assert done.stdout.startswith("results/tiny: ")
    kept = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    assert kept >= {
        *("params.yaml", "environment.json", "data/hr/index.csv", "metrics/training/x2_mse.csv"),
        *("metrics/x2.csv", "metrics/x2.json", "metrics/x2_images.csv", "metrics/benchmarks.json"),
        *("plots/claims.json", "plots/claims.md", "plots/comparisons.csv", "plots/table1.md"),
        *("plots/figure6.png", "plots/figure7.png", "models/x2/mse.safetensors"),
    }
    assert not [name for name in kept if name.endswith((".pdf", ".tex", ".html"))]
    for name in kept - {"environment.json"}:
        assert sha256_of(folder / name) == sha256_of(finished / name), name
    found = json.loads((folder / "environment.json").read_text())
    assert found["preset"] == "tiny"
    assert found["commit"] == run("git", "rev-parse", "HEAD", cwd=finished).strip()
    assert (
        found["device"] == json.loads((finished / "metrics/environment.json").read_text())["device"]
    )
    assert set(found["training_hours"]) == {"x2/mse", "x2/perceptual"}
    assert all(0 < hours < 1 for hours in found["training_hours"].values())
    assert run("git", "status", "--short", "--ignored", ".", cwd=folder).strip() == "?? ./"


def test_stored_results_fill_pages_and_are_released(finished: Path, tmp_path: Path) -> None:
    assert store(finished).returncode == 0
    names = ("verdicts", "means", "scores", "table1", "comparison", "environment")
    regions = [f"<!-- results: tiny/{name} -->\n<!-- end -->\n" for name in names]
    (finished / "README.md").write_text("\n".join(regions))
    assert update_pages(finished) == [Path("README.md")]
    assert list(find_differences(finished)) == []
    assert len((finished / "README.md").read_text().splitlines()) > 40
    released = release(finished / "results/tiny", tmp_path / "released")
    assert len(released) == 2


def test_a_run_that_is_of_no_preset_is_stored_without_networks(finished: Path) -> None:
    (finished / "presets/tiny.yaml").unlink()
    done = store(finished, "results/tiny/seed1")
    assert done.returncode == 0, done.stderr
    folder = finished / "results/tiny/seed1"
    assert {path.name for path in folder.iterdir()} == {
        *("params.yaml", "environment.json", "metrics", "plots")
    }
    assert {path.name for path in (folder / "plots").iterdir()} == {"claims.json", "claims.md"}
    assert json.loads((folder / "environment.json").read_text())["preset"] is None


def test_storing_again_replaces_the_earlier_results(finished: Path) -> None:
    assert store(finished).returncode == 0
    stray = finished / "results/tiny/plots/old.png"
    stray.touch()
    (finished / "logs/x2_mse_seconds.csv").write_text("epoch,seconds\n1,1.5\n2,fast\n")
    (finished / "logs/x2_perceptual_seconds.csv").unlink()
    done = store(finished)
    assert done.returncode == 0, done.stderr
    for loss in ("mse", "perceptual"):
        assert f"logs/x2_{loss}_seconds.csv: not the log of this run" in done.stdout
    found = json.loads((finished / "results/tiny/environment.json").read_text())
    assert found["training_hours"] == {"x2/mse": None, "x2/perceptual": None}
    assert not stray.exists()
    assert [file.name for file in (finished / "results").iterdir()] == ["tiny"]


def test_only_a_folder_in_results_is_replaced(finished: Path) -> None:
    for folder in (".", "metrics", "results", "results/../srcnn", str(finished / "results/tiny")):
        assert_refused(store(finished, folder), finished, "results are stored in results/NAME")
    assert (finished / "metrics/x2.csv").is_file()


def test_a_folder_with_other_content_is_kept(finished: Path) -> None:
    note = finished / "results/tiny/metrics/note"
    note.parent.mkdir(parents=True)
    note.touch()
    for folder in ("results/tiny", "results/tiny/metrics"):
        done = store(finished, folder)
        assert done.returncode == 1
        assert f"{folder}: contains something other than stored results" in done.stderr
    assert note.exists()


def test_a_run_of_other_settings_is_refused(finished: Path) -> None:
    change_params(finished, train={"lr": 0.01})
    message = "params.yaml: train.lr is 0.01, not 0.003 as in presets/tiny.yaml"
    assert_refused(store(finished), finished, message)
    assert_refused(store(finished, "results/other"), finished, "presets/other.yaml: no such file")


def test_a_run_of_code_that_is_not_committed_is_refused(finished: Path) -> None:
    module = finished / "srcnn/evaluation/metrics.py"
    module.write_text(module.read_text() + "\n")
    assert_refused(store(finished), finished, "not committed: srcnn/evaluation/metrics.py")


def test_a_run_that_is_not_finished_is_refused(finished: Path) -> None:
    change_params(finished, train={"lr": 0.01})
    shutil.copy(finished / "params.yaml", finished / "presets/tiny.yaml")
    commit(finished, "another rate")
    assert_refused(store(finished), finished, "the run is not finished (see dvc status)")
