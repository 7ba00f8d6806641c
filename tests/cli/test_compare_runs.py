import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from srcnn.cli.program import main
from tests.git_runs import commit_run, keep_as_experiment, write_run
from tests.tiny_project import run

Output = pytest.CaptureFixture[str]

SCORES = {name: float(i) for i, name in enumerate("abcdef", start=1)}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder outside any repository; the program runs in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    return tmp_path


def plus(change: float, names: str = "abcdef") -> dict[str, float]:
    return {name: SCORES.get(name, 9.0) + change for name in names}


def as_json(capsys: Output, *arguments: str) -> Any:
    assert main(["compare", *arguments, "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return json.loads(out)


def refused(capsys: Output, *arguments: str) -> str:
    """The one line that says why a comparison fails."""
    assert main(["compare", *arguments]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert len(err.splitlines()) == 1
    return err


def two_runs(*, half: Mapping[str, Any], head: Mapping[str, Any]) -> None:
    """A repository whose HEAD is one run, and whose experiment `half` is another."""
    write_run(**head)
    commit_run()
    write_run(**half)
    Path("note").write_text("the runs may be equal")
    commit_run()
    keep_as_experiment("half")


def test_images_are_paired_by_checksum_when_their_numbers_differ(capsys: Output) -> None:
    two_runs(half={"made": {"mse": plus(0.5, "fedcba")}}, head={"made": {"mse": plus(0)}})
    found = as_json(capsys, "half:x4/mse", "HEAD:x4/mse")
    assert (found["a"], found["b"]) == ("half:x4/mse", "HEAD:x4/mse")
    for values in found["images"].values():
        assert values["ssim_y"]["difference"] == 0.5
    assert found["images"]["0001"]["photograph"] == "f.png"
    assert found["metrics"]["ssim_y"]["wins"] == 6


def test_copies_of_a_photograph_are_paired_in_order(capsys: Output) -> None:
    write_run({"mse": plus(0)})
    images = Path("metrics/x4_images.csv")
    images.write_text(images.read_text().replace("b" * 64, "a" * 64))
    commit_run()
    found = as_json(capsys, "x4/mse", "HEAD:x4/mse")
    assert [values["mse"]["b"] for values in found["images"].values()] == list(SCORES.values())


@pytest.mark.parametrize("name", ["HEAD", "v1", "main-2", "lr=0.01", "whole hash", "short hash"])
def test_every_kind_of_name_selects_a_run(capsys: Output, name: str) -> None:
    write_run({"mse": plus(0.25)})
    commit = commit_run()
    write_run({"mse": plus(9)})
    Path("note").write_text("")
    commit_run("an experiment")
    run("git", "tag", "v1", "HEAD~1", cwd=Path())
    run("git", "branch", "main-2", "HEAD~1", cwd=Path())
    base = run("git", "rev-parse", "HEAD", cwd=Path()).strip()
    run("git", "update-ref", f"refs/exps/{base[:2]}/{base[2:]}/lr=0.01", commit, cwd=Path())
    run("git", "checkout", "--quiet", commit, cwd=Path())
    write_run({"mse": plus(0)})
    name = {"whole hash": commit, "short hash": commit[:8]}.get(name, name)
    found = as_json(capsys, f"{name}:x4/mse", "x4/mse", "--metric", "mse")
    assert found["metrics"]["mse"]["mean_difference"] == 0.25


def test_an_experiment_of_the_current_commit_comes_before_others(capsys: Output) -> None:
    write_run({"mse": plus(0)})
    commit_run()
    write_run({"mse": plus(1)})
    commit_run()
    keep_as_experiment("half")
    Path("note").write_text("")
    commit_run()
    write_run({"mse": plus(2)})
    commit_run()
    keep_as_experiment("half")
    found = as_json(capsys, "half:x4/mse", "HEAD:x4/mse")
    assert found["metrics"]["mse"]["mean_difference"] == 2
    Path("note").write_text("a third commit, without such an experiment")
    commit_run()
    assert "half: 2 experiments have this name; use a commit's hash" in refused(
        capsys, "half:x4/mse", "x4/mse"
    )


def test_methods_of_one_commit_need_no_checksums(capsys: Output) -> None:
    write_run({"mse": plus(0), "deep": plus(1)}, metrics=["mse", "lpips"])
    Path("metrics/x4_images.csv").unlink()
    commit_run()
    run("git", "tag", "old", cwd=Path())
    found = as_json(capsys, "old:x4/deep", "HEAD:x4/mse")
    assert list(found["metrics"]) == ["mse", "lpips"]
    assert found["metrics"]["mse"]["mean_difference"] == 1


def test_a_run_in_a_folder_of_the_repository_is_found(
    capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("project").mkdir()
    run("git", "init", "--quiet", cwd=Path())
    monkeypatch.chdir("project")
    write_run({"mse": plus(0)})
    run("git", "add", ".", cwd=Path())
    run("git", "commit", "--quiet", "-m", "a run", cwd=Path())
    assert as_json(capsys, "HEAD:x4/mse", "x4/mse")["metrics"]["mse"]["ties"] == 6


def test_a_mismatched_convention_names_the_metric_and_both_values(capsys: Output) -> None:
    made = {"mse": plus(0)}
    two_runs(
        half={"made": made, "change": {"ssim_y": {"border": "none shaved"}}}, head={"made": made}
    )
    line = refused(capsys, "half:x4/mse", "HEAD:x4/mse")
    assert (
        "half:x4/mse and HEAD:x4/mse: ssim_y: border is 'none shaved' in half, but "
        "'SCALE pixels shaved on each side' in HEAD; --metric can be mse, psnr_rgb, psnr_y, lpips"
    ) in line
    assert "ssim_y: border is" in refused(
        capsys, "half:x4/mse", "HEAD:x4/mse", "--metric", "ssim_y"
    )
    found = as_json(capsys, "half:x4/mse", "HEAD:x4/mse", "--metric", "lpips")
    assert found["metrics"]["lpips"]["ties"] == 6


def test_a_metric_of_only_one_run_is_named(capsys: Output) -> None:
    made = {"mse": plus(0)}
    two_runs(half={"made": made, "metrics": ["mse", "psnr_y"]}, head={"made": made})
    line = refused(capsys, "half:x4/mse", "HEAD:x4/mse")
    assert "lpips: no scores in half; " in line
    assert line.endswith("; --metric can be mse, psnr_y\n")
    assert "lpips: no scores in half" in refused(
        capsys, "half:x4/mse", "x4/mse", "--metric", "lpips"
    )
    assert list(as_json(capsys, "half:x4/mse", "x4/mse", "--metric", "mse")["metrics"]) == ["mse"]


def test_images_of_only_one_run_are_named_or_left_out(capsys: Output) -> None:
    two_runs(half={"made": {"mse": plus(1, "xbcdefg")}}, head={"made": {"mse": plus(0)}})
    line = refused(capsys, "half:x4/mse", "HEAD:x4/mse")
    assert line == (
        "error: half:x4/mse and HEAD:x4/mse: scored on different images (only half:x4/mse has "
        "0001 x.png, 0007 g.png; only HEAD:x4/mse has 0001 a.png); "
        "--common compares the 5 that both have\n"
    )
    found = as_json(capsys, "half:x4/mse", "HEAD:x4/mse", "--common")
    assert [found["images"][name]["photograph"][0] for name in found["images"]] == list("bcdef")
    assert found["metrics"]["mse"]["mean_difference"] == 1
    assert any(note.startswith("Left out: 3 images: only half:x4/mse") for note in found["notes"])


def test_runs_without_a_shared_image_are_refused(capsys: Output) -> None:
    two_runs(half={"made": {"mse": plus(1, "xyz")}}, head={"made": {"mse": plus(0)}})
    assert "; none is shared" in refused(capsys, "half:x4/mse", "HEAD:x4/mse", "--common")


def test_runs_at_two_scales_are_compared_with_a_note(capsys: Output) -> None:
    two_runs(half={"made": {"mse": plus(1)}, "scale": 2}, head={"made": {"mse": plus(0)}})
    found = as_json(capsys, "half:x2/mse", "HEAD:x4/mse")
    assert found["metrics"]["mse"]["mean_difference"] == 1
    assert any("The scales differ" in note and "2 and 4 pixels" in note for note in found["notes"])


@pytest.mark.parametrize("name", ["nowhere", "--all", "HEAD~9", "ha\nlf"])
def test_an_unknown_revision_is_named(capsys: Output, name: str) -> None:
    two_runs(half={"made": {"mse": plus(1)}}, head={"made": {"mse": plus(0)}})
    assert "is no commit, tag, branch or DVC experiment" in refused(
        capsys, "x4/mse", "--", f"{name}:x4/mse"
    )


def test_an_empty_name_of_a_run_is_refused(capsys: Output) -> None:
    write_run({"mse": plus(0)})
    assert "a run has an empty name" in refused(capsys, "x4/mse", ":x4/mse")
    assert "a run has an empty name" in refused(capsys, "x4/mse", "x4/mse", "--seeds", "", "HEAD")


def test_without_a_repository_only_the_working_tree_can_be_read(capsys: Output) -> None:
    write_run({"mse": plus(0)})
    assert "HEAD: cannot be looked up in git (fatal: not a git repository" in refused(
        capsys, "HEAD:x4/mse", "x4/mse"
    )


@pytest.mark.parametrize("file", ["x4.csv", "x4_images.csv", "x4_convention.json"])
def test_a_file_that_a_commit_lacks_is_named(capsys: Output, file: str) -> None:
    write_run({"mse": plus(0)})
    Path("metrics", file).rename("kept")
    commit_run()
    Path("kept").rename(f"metrics/{file}")
    line = refused(capsys, "HEAD:x4/mse", "x4/mse")
    assert ("HEAD:metrics: no scores" if file == "x4.csv" else f"HEAD:metrics/{file}: not") in line


@pytest.mark.parametrize("file", ["x4.csv", "x4_images.csv", "x4_convention.json"])
def test_a_damaged_file_of_a_commit_is_named(capsys: Output, file: str) -> None:
    write_run({"mse": plus(0)})
    content = Path("metrics", file).read_bytes()
    Path("metrics", file).write_bytes(b"\xff\xfe")
    commit_run()
    Path("metrics", file).write_bytes(content)
    assert f"HEAD:metrics/{file}: damaged" in refused(capsys, "HEAD:x4/mse", "x4/mse")


def test_an_unknown_method_lists_those_of_the_run(capsys: Output) -> None:
    two_runs(half={"made": {"deep": plus(1)}}, head={"made": {"mse": plus(0)}})
    assert "half:x4/mse: no such method; there are x4/deep" in refused(
        capsys, "half:x4/mse", "x4/mse"
    )
