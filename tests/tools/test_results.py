"""`make results`: the documentation shows the numbers of the stored results."""

import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from srcnn.errors import InputError
from srcnn.evaluation.metrics import METRICS
from srcnn.upscaling.released_networks import FOLDER
from srcnn.utils.files import sha256_of, write_json, write_text
from tests.tiny_project import ROOT, change_params
from tools import results
from tools.commands import committed_files
from tools.release import REFERENCE, release
from tools.result_regions import TABLES, find_differences, update_pages

OneLine = Callable[[Any], str]

PAGE = """\
# A page

<!-- results: small/means -->
<!-- end -->
Its LPIPS is <!-- results: small/x2.mse.lpips -->?<!-- end --> at ×2.
"""


def made_means(**changes: float) -> dict[str, float]:
    """The mean of each metric."""
    return dict.fromkeys(METRICS, 0.25) | changes


def made_claims() -> dict[str, Any]:
    """Verdicts on C1 to C7; C1 and C2 have parts."""
    claims: dict[str, Any] = {f"C{i}": {"verdict": "too little data"} for i in range(1, 8)}
    part = {"verdict": "supported", "mean": 1.09495, "images": 114, "as_claimed": 113}
    claims["C1"] = {"verdict": "supported", "x2": part, "x4": part | {"as_claimed": 98}}
    claims["C2"] = {"verdict": "not supported", "x2_lpips": part, "x2_lpips_vgg": part}
    return claims | {"C1_authors": {"verdict": "supported", "x4": part}}


@pytest.fixture
def documented(tmp_path: Path) -> Path:
    """A project with a page and with stored results, `small`."""
    folder = tmp_path / "results/small"
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "params.yaml", folder)
    change_params(folder, scales=[2, 4], train={"lr": 0.001})
    for scale in (2, 4):
        means = {
            "bicubic": made_means(psnr_rgb=26.2158),
            "mse": made_means(psnr_rgb=26.8, lpips=0.131349),
            "perceptual": made_means(psnr_rgb=26.41, lpips=0.114118),
        }
        write_json(means, folder / f"metrics/x{scale}.json")
    scores = {method: made_means() for method in ("bicubic", "authors_mse", "mse", "perceptual")}
    scores["mse"]["psnr_y"] = 36.316
    sets = {"Set5": {"images": 5, "x2": scores, "x4": scores}}
    write_json(sets, folder / "metrics/benchmarks.json")
    write_json(made_claims(), folder / "plots/claims.json")
    write_text("**Table I.** Text.\n\n| a | b |\n| 1 | 2 |\n\nNotes.\n", folder / "plots/table1.md")
    sections = "".join(f"\n## perceptual minus {o}\n\n| {o} |\n" for o in ("mse", "bicubic"))
    write_text(f"# Comparison\n{sections}", folder / "plots/comparisons.md")
    about = {"device": "a CPU", "versions": {"python": "3.11", "torch": "2.14"}}
    about |= {"trained_on": {"x2/mse": "a GPU"}, "training_hours": {"x2/mse": 1.5}, "commit": "abc"}
    write_json(about, folder / "environment.json")
    write_text(PAGE, tmp_path / "README.md")
    return tmp_path


def shown(project: Path, name: str) -> str:
    """What a region with this name shows."""
    (project / "README.md").write_text(f"<!-- results: {name} --><!-- end -->")
    update_pages(project)
    return re.sub(r"\s*<!--.*?-->\s*", "", (project / "README.md").read_text())


def test_every_number_in_the_documentation_is_that_of_the_results() -> None:
    assert list(find_differences(ROOT)) == []


def test_the_stored_results_are_small_and_have_figures_as_png_only() -> None:
    files = [ROOT / name for name in committed_files(ROOT, "results")]
    assert sum(file.stat().st_size for file in files) < 6e6
    known = {".csv", ".json", ".md", ".png", ".safetensors", ".yaml"}
    assert {file.suffix for file in files} <= known


def test_the_released_networks_are_those_of_the_reference_results(tmp_path: Path) -> None:
    if not (ROOT / REFERENCE).exists():
        pytest.skip(f"{REFERENCE} does not exist yet")
    for file in release(ROOT / REFERENCE, tmp_path):
        assert (FOLDER / file.relative_to(tmp_path)).read_bytes() == file.read_bytes()


def test_a_changed_number_is_named_with_its_place_and_written_again(documented: Path) -> None:
    page = documented / "README.md"
    assert update_pages(documented) == [Path("README.md")]
    right = page.read_text()
    assert right.count("| perceptual | 0.25000 | 26.41 |") == 2
    assert "Its LPIPS is <!-- results: small/x2.mse.lpips -->0.1313<!-- end --> at ×2." in right
    assert list(find_differences(documented)) == []
    assert update_pages(documented) == []
    page.write_text(right.replace("26.41", "26.42").replace("0.1313<", "0.1314<"))
    table, number = find_differences(documented)
    assert table.startswith("README.md:3: small/means: not as in the results")
    assert re.match(r"README\.md:\d\d: small/x2\.mse\.lpips: ", number)
    assert update_pages(documented) == [Path("README.md")]
    assert page.read_text() == right


def test_changed_results_are_a_difference_too(documented: Path) -> None:
    update_pages(documented)
    scores = documented / "results/small/metrics/x2.json"
    scores.write_text(scores.read_text().replace("26.2158", "26.3"))
    (line,) = find_differences(documented)
    assert "small/means" in line


def test_the_command_names_the_differences_and_fails(
    documented: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(documented)
    monkeypatch.setattr(sys, "argv", ["results", "check"])
    with pytest.raises(SystemExit) as ended:
        results.main()
    assert ended.value.code == 1
    assert len(capsys.readouterr().out.splitlines()) == 2
    monkeypatch.setattr(sys, "argv", ["results", "tables"])
    results.main()
    assert capsys.readouterr().out == "README.md: written\n"
    monkeypatch.setattr(sys, "argv", ["results", "check"])
    results.main()
    assert capsys.readouterr().out == "README.md and docs/ agree with the results\n"


def test_the_verdicts_are_six_lines(documented: Path) -> None:
    lines = shown(documented, "small/verdicts").splitlines()
    assert [line[4:6] for line in lines] == ["C1", "C2", "C3", "C4", "C5", "C6"]
    assert lines[0] == (
        "- **C1, supported:** The perceptual model's mean squared error is equal or higher "
        "(×2: 113, ×4: 98 of 114 images)."
    )
    assert lines[1].endswith("images (×2 LPIPS: 113, ×2 LPIPS-VGG: 113 of 114 images).")
    assert lines[5].endswith("better-looking one.")


def test_networks_are_listed_with_size_and_checksum(documented: Path) -> None:
    folder = documented / "srcnn/released/x2"
    folder.mkdir(parents=True)
    (folder / "mse.safetensors").write_bytes(b"weights")
    digest = sha256_of(folder / "mse.safetensors")
    (row,) = shown(documented, "released/networks").splitlines()[2:]
    assert row == f"| `x2/mse.safetensors` | ×2 | MSE (Eq. 1) | 7 | `{digest}` |"


def test_the_table_of_papers_has_published_scores_beside_ours(documented: Path) -> None:
    first, second = shown(documented, "small/literature").split("\n\n")
    head, _, *rows = first.splitlines()
    assert head == "| ×2 | Set5<br>PSNR Y, dB ↑ | Set5<br>SSIM Y ↑ | Set5<br>LPIPS ↓ |"
    assert rows[1] == "| SRCNN 9-1-5, published | 36.34 | 0.9509 | – |"
    assert rows[2] == "| SRCNN 9-5-5, published | 36.66 | 0.9542 | – |"
    assert "| Authors, MSE loss | 0.25 | 0.2500 | 0.2500 |" in rows
    assert "| Ours (9-1-5 in RGB), MSE loss | 36.32 | 0.2500 | 0.2500 |" in rows
    assert "| SRCNN 9-1-5, published | 30.09 | 0.8525 | – |" in second


def test_a_set_that_no_paper_has_shows_dashes(documented: Path) -> None:
    path = documented / "results/small/metrics/benchmarks.json"
    path.write_text(path.read_text().replace('"images": 5', '"images": 4'))
    assert "| SRCNN 9-1-5, published | – | – | – |" in shown(documented, "small/literature")


def test_other_tables_come_from_their_files(documented: Path) -> None:
    assert shown(documented, "small/table1") == "| a | b |\n| 1 | 2 |"
    assert shown(documented, "small/comparison") == "| mse |"
    rows = shown(documented, "small/scores").splitlines()
    assert [row.split(" | ")[:2] for row in rows[2:4]] == [["| ×2", "bicubic"], ["| ×2", "mse"]]
    assert "| `train.lr` | 0.001 |" in shown(documented, "small/settings")
    assert "| training of `x2/mse` | a GPU | 1.50 |" in shown(documented, "small/environment")
    change_params(documented / "results/small", train={"lr": 0.003})
    assert "| `train.lr` | 0.003 |" in shown(documented, "small/settings")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x4.bicubic.psnr_rgb", "26.22"),
        ("x4.perceptual-mse.psnr_rgb", "−0.39"),
        ("x2.perceptual-mse.lpips", "−0.0172"),
        ("Set5.x2.mse.psnr_y", "36.32"),
        ("C2.verdict", "not supported"),
        ("C1.x4.mean", "1.09"),
        ("C1.x4.as_claimed", "98"),
        ("params.train.patch_size", "48"),
        ("environment.training_hours.x2/mse", "1.5"),
    ],
)
def test_a_number_in_a_line_is_rounded_as_in_tables(documented: Path, name: str, text: str) -> None:
    assert shown(documented, f"small/{name}") == text


@pytest.mark.parametrize(
    ("region", "message"),
    [
        ("<!-- results: other/means --><!-- end -->", "other/means: no folder results/other"),
        ("<!-- results: small/mean --><!-- end -->", f"there are {', '.join(TABLES)}"),
        ("<!-- results: small/x2.mse.psnr --><!-- end -->", "psnr: no metric; there are mse,"),
        ("<!-- results: small/Set9.x2.mse.mse --><!-- end -->", "Set9: not in the results"),
        ("<!-- results: small/params.train.x --><!-- end -->", "train.x: not in the results"),
        ("<!-- results: small/means -->", "needs an `<!-- end -->`"),
        ("<!-- results: small/means --> <!-- results: small/scores --><!-- end -->", "needs an"),
    ],
)
def test_a_wrong_region_is_an_error_and_changes_no_page(
    documented: Path, one_line: OneLine, region: str, message: str
) -> None:
    page = documented / "README.md"
    page.write_text(region)
    for use in (find_differences, update_pages):
        with pytest.raises(InputError) as caught:
            list(use(documented))
        assert message in one_line(caught)
        assert one_line(caught).startswith(str(page))
    assert page.read_text() == region
