import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from srcnn.cli.program import main
from tests.git_runs import commit_run, keep_as_experiment, write_run

Output = pytest.CaptureFixture[str]
METHODS = ("x4/deep", "x4/mse")

IMAGES = dict(zip("abcd", (-0.3, -0.1, 0.1, 0.3), strict=True))
SEEDS = {1: -0.02, 2: 0.0, 3: 0.02}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder; the program runs in it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_seed(seed: int, names: str = "abcd", mean: float = 0.5, **options: Any) -> None:
    """Write a run whose difference is the sum of a mean, an image's effect and the seed's."""
    mse = {name: 1.0 + ord(name) % 7 for name in names}
    deep = {name: mse[name] + mean + IMAGES.get(name, 0) + SEEDS[seed] for name in names}
    settings = {"seed": seed, "loss": {"lambda2": 0.9}}
    write_run({"mse": mse, "deep": deep}, **{"settings": settings, **options})


def keep(seed: int, *args: Any, **options: Any) -> None:
    """Make a run the experiment `seedN`, on top of HEAD."""
    write_seed(seed, *args, **options)
    commit_run()
    keep_as_experiment(f"seed{seed}")


@pytest.fixture
def runs() -> None:
    """HEAD with seed 1, experiments with seeds 2 and 3; the last numbers its images backwards."""
    write_seed(1)
    commit_run()
    keep(2)
    keep(3, "dcba")


@pytest.fixture
def stored(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Folders of stored results with seeds 1 and 2, of the same commit; there is no git."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(folder.parent))
    names = ["results/seed1", "results/seed2"]
    for seed, name in enumerate(names, start=1):
        Path(name).mkdir(parents=True)
        with monkeypatch.context() as context:
            context.chdir(name)
            write_seed(seed)
            Path("environment.json").write_text('{"commit": "abc"}')
    return names


def printed(capsys: Output, *arguments: str) -> str:
    assert main(["compare", *METHODS, *arguments]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def refused(capsys: Output, *arguments: str) -> str:
    assert main(["compare", *arguments]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    return err


@pytest.mark.usefixtures("runs")
def test_planted_effects_of_images_and_seeds_are_separated(capsys: Output) -> None:
    found = json.loads(printed(capsys, "--seeds", "HEAD", "seed2", "seed3", "--json"))
    assert list(found) == ["a", "b", "runs", "metrics", "images", "notes"]
    assert found["runs"] == {"1": "HEAD", "2": "seed2", "3": "seed3"}
    ssim = found["metrics"]["ssim_y"]
    assert ssim["mean"] == 0.5
    assert ssim["image_sd"] == pytest.approx(np.std(list(IMAGES.values()), ddof=1), rel=1e-5)
    assert ssim["seed_sd"] == pytest.approx(0.02)
    assert ssim["residual_sd"] == 0
    assert ssim["seeds_agree"] == 3
    assert ssim["lower_is_better"] is False
    assert found["images"]["0004"]["mse"] == {"1": 0.78, "2": 0.8, "3": 0.82}
    assert found["images"]["0004"]["photograph"] == "d.png"


@pytest.mark.usefixtures("runs")
def test_the_table_has_a_row_per_metric_and_a_warning_of_few_seeds(capsys: Output) -> None:
    text = printed(capsys, "--seeds", "HEAD", "seed2", "seed3", "--metric", "psnr_y")
    lines = text.splitlines()
    assert lines[0] == (
        "x4/deep minus x4/mse, 4 images, 3 seeds: HEAD (seed 1), seed2 (seed 2), seed3 (seed 3)"
    )
    # The mean, t of 3.05 degrees of freedom times its standard error, and the planted effects.
    assert lines[2:4] == [
        "              difference     95 % interval  sd images  sd seeds  sd rest  seed share"
        "  seeds agree",
        "PSNR Y, dB ↑      +0.500  [+0.091, +0.909]      0.258     0.020    0.000         1 %"
        "       3 of 3",
    ]
    assert "With 3 seeds, their variance is hardly known" in text


def test_runs_that_differ_in_another_setting_are_refused(capsys: Output) -> None:
    write_seed(1)
    commit_run()
    keep(2, settings={"seed": 2, "loss": {"lambda2": 0.5}})
    assert refused(capsys, *METHODS, "--seeds", "HEAD", "seed2") == (
        "error: HEAD and seed2: differ in loss.lambda2 (0.9 and 0.5); "
        "--seeds needs runs that differ only in seed\n"
    )


def test_runs_with_the_same_seed_are_refused(capsys: Output) -> None:
    write_seed(1)
    commit_run()
    write_seed(1, mean=0.6)
    commit_run()
    line = refused(capsys, *METHODS, "--seeds", "HEAD", "HEAD~1")
    assert "HEAD and HEAD~1: both have seed 1" in line


def test_a_run_whose_seed_is_no_number_is_named(capsys: Output) -> None:
    write_seed(1)
    commit_run()
    keep(2, settings={"seed": "two", "loss": {"lambda2": 0.9}})
    line = refused(capsys, *METHODS, "--seeds", "HEAD", "seed2")
    assert "seed2:params.yaml: seed: a whole number, not 'two'" in line


def test_runs_of_different_code_are_refused(capsys: Output) -> None:
    write_seed(1)
    Path("srcnn/released").mkdir(parents=True)
    Path("srcnn/released/x4.onnx").write_text("a result")
    Path("srcnn/model.py").write_text("pass")
    commit_run()
    Path("srcnn/released/x4.onnx").write_text("another result")
    keep(2)
    assert "seed share" in printed(capsys, "--seeds", "HEAD", "seed2")
    write_seed(3)
    Path("srcnn/model.py").write_text("...")
    commit_run()
    line = refused(capsys, *METHODS, "--seeds", "seed2", "HEAD")
    assert "seed2 and HEAD: differ in srcnn/model.py; run both with the same code" in line


def test_code_that_git_cannot_compare_is_not_taken_for_equal(capsys: Output) -> None:
    write_seed(1)
    Path("srcnn").mkdir()
    Path("srcnn/model.py").write_text("pass")
    commit_run()
    write_seed(2)
    Path("srcnn/model.py").write_text("...")
    commit_run()
    run = ["git", "rev-parse", "HEAD:srcnn"]
    tree = subprocess.run(run, capture_output=True, text=True, check=True).stdout.strip()
    Path(".git/objects", tree[:2], tree[2:]).unlink()
    line = refused(capsys, *METHODS, "--seeds", "HEAD~1", "HEAD")
    assert "git cannot compare the code of the runs" in line


def test_runs_of_different_images_are_refused_or_restricted(capsys: Output) -> None:
    write_seed(1)
    commit_run()
    keep(2, "abce")
    line = refused(capsys, *METHODS, "--seeds", "HEAD", "seed2")
    assert "only HEAD:x4/deep has 0004 d.png; only seed2:x4/deep has 0004 e.png" in line
    found = json.loads(printed(capsys, "--seeds", "HEAD", "seed2", "--common", "--json"))
    assert list(found["images"]) == ["0001", "0002", "0003"]
    assert any("Left out: 2 images" in note for note in found["notes"])


def test_runs_that_share_images_only_in_pairs_are_refused(capsys: Output) -> None:
    write_seed(1)
    commit_run()
    keep(2, "abef")
    keep(3, "cdgh")
    runs = ("HEAD", "seed2", "seed3")
    assert refused(capsys, *METHODS, "--seeds", *runs, "--common") == (
        "error: --seeds HEAD seed2 seed3: none of the images is shared by all runs\n"
    )


def test_runs_of_different_conventions_are_refused(capsys: Output) -> None:
    write_seed(1)
    commit_run()
    keep(2, change={"mse": {"colour": "BGR"}})
    line = refused(capsys, *METHODS, "--seeds", "HEAD", "seed2")
    assert "mse: colour is 'RGB in [0, 1]' in HEAD, but 'BGR' in seed2" in line


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((*METHODS, "--seeds", "HEAD"), "name two or more runs"),
        ((*METHODS, "--seeds", "HEAD", "seed9"), "seed9: is no commit"),
        (("HEAD:x4/deep", "x4/mse", "--seeds", "HEAD", "seed2"), "HEAD:x4/deep: --seeds names"),
        (("x4/soft", "x4/mse", "--seeds", "HEAD", "seed2"), "HEAD:x4/soft: no such method"),
        ((*METHODS, "--metric", "psnr", "--seeds", "HEAD", "seed2"), "--metric psnr: no such"),
    ],
)
def test_a_wrong_request_is_refused(capsys: Output, arguments: tuple[str, ...], said: str) -> None:
    assert said in refused(capsys, *arguments)


def test_folders_of_stored_results_are_runs(capsys: Output, stored: list[str]) -> None:
    found = json.loads(printed(capsys, "--json", "--seeds", *stored))
    assert found["runs"] == {"1": "results/seed1", "2": "results/seed2"}
    assert found["metrics"]["mse"]["mean"] == pytest.approx(0.49)
    assert found["images"]["0001"]["photograph"] == "a.png"
    assert main(["compare", f"{stored[1]}:x4/deep", f"{stored[0]}:x4/deep", "--json"]) == 0
    difference = json.loads(capsys.readouterr().out)["metrics"]["mse"]["mean_difference"]
    assert difference == pytest.approx(0.02)


def test_stored_results_of_unknown_code_are_refused(capsys: Output, stored: list[str]) -> None:
    file = Path(stored[1], "environment.json")
    for text in ("{}", '{"commit": ""}', '{"commit": "--output=new"}'):
        file.write_text(text)
        assert f"{file}: names no commit" in refused(capsys, *METHODS, "--seeds", *stored)
    assert not Path("new").exists()
    file.write_text('{"commit": "def"}')
    assert "git cannot compare the code" in refused(capsys, *METHODS, "--seeds", *stored)
    file.unlink()
    line = refused(capsys, *METHODS, "--seeds", *stored)
    assert "results/seed2: cannot be looked up" in line
    assert f"no folder of stored results ({file} is missing)" in line


def test_a_file_that_stored_results_lack_is_named(capsys: Output, stored: list[str]) -> None:
    Path(stored[1], "metrics/x4_images.csv").unlink()
    line = refused(capsys, *METHODS, "--seeds", *stored)
    file = Path(stored[1], "metrics/x4_images.csv")
    assert f"{file}: no such file; store the results again" in line
    Path(stored[1], "metrics/x4.csv").unlink()
    line = refused(capsys, *METHODS, "--seeds", *stored)
    assert f"{Path(stored[1], 'metrics')}: no scores (x2.csv, x4.csv, …); store" in line
