import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from srcnn.analysis.results import Results
from srcnn.figures.table1 import write_table
from srcnn.utils.methods import AUTHORS_METHODS
from tests.small_results import score_table

OneLine = Callable[[Any], str]


def made_results(scale: int, errors: list[float], names: list[str] | None = None) -> Results:
    """Results whose perceptual MSE are `errors` and whose MSE model's are a tenth lower."""
    names = names or [f"photo{i}.jpg" for i in range(len(errors))]
    images = [f"{i:04d}" for i in range(11, 11 + len(errors))]
    scores = {}
    for image, error in zip(images, errors, strict=True):
        scores[image, "perceptual"] = {"mse": error}
        scores[image, "mse"] = {"mse": error * 0.9}
    return Results(
        scale, dict(zip(images, names, strict=True)), score_table(scores), Path(), Path()
    )


def written(folder: Path, *scales: Results) -> tuple[list[dict[str, str]], str, str]:
    """The table as CSV rows, Markdown and LaTeX."""
    write_table(scales, folder)
    with (folder / "table1.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return rows, (folder / "table1.md").read_text(), (folder / "table1.tex").read_text()


def markdown_cells(markdown: str) -> list[list[str]]:
    """The cells of a table's rows, head first, without the line below the head."""
    lines = [line for line in markdown.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


FIVE = [0.00123456789, 0.002, 0.003, 0.004, 0.005]


def test_the_csv_has_a_line_for_every_number_and_six_digits(tmp_path: Path) -> None:
    rows, _, _ = written(tmp_path, made_results(2, FIVE), made_results(4, FIVE))
    assert len(rows) == 2 * 2 * 6 + 2 * 5
    first = ("2", "reproduction", "Modified SRCNN", "Image1", "photo0.jpg", "0.00123457")
    assert rows[0] == dict(
        zip(("scale", "source", "row", "image", "photograph", "mse"), first, strict=True)
    )
    mean = next(row for row in rows if row["image"] == "mean" and row["scale"] == "4")
    assert float(mean["mse"]) == pytest.approx(sum(FIVE) / 5, rel=1e-5)


def test_the_paper_s_numbers_are_marked_and_have_no_scale(tmp_path: Path) -> None:
    rows, markdown, latex = written(tmp_path, made_results(4, FIVE))
    paper = [row for row in rows if row["source"] == "paper"]
    assert [float(row["mse"]) for row in paper if row["row"] == "Modified SRCNN"] == [
        *(0.0006, 0.0032, 0.0038, 0.0024, 0.0053)
    ]
    assert [float(row["mse"]) for row in paper if row["row"] == "MSE Loss (SRCNN)"] == [
        *(0.0003, 0.0031, 0.0036, 0.0024, 0.0053)
    ]
    assert {row["scale"] for row in paper} == {""}
    for line in markdown_cells(markdown)[-2:]:
        assert "paper" in line[0]
        assert all(cell.startswith("*") and cell.endswith("*") for cell in line)
    assert "paper & Modified SRCNN & 0.0006 & 0.0032 & 0.0038 & 0.0024 & 0.0053 & --" in latex


@pytest.mark.parametrize("kind", [1, 2])
def test_a_note_says_that_the_paper_s_images_and_scale_are_unknown(
    tmp_path: Path, kind: int
) -> None:
    text = str(written(tmp_path, made_results(4, FIVE))[kind])
    assert "of other images" in text
    assert "does not say at which scale" in text


def test_markdown_has_a_row_per_scale_and_model_with_four_decimals(tmp_path: Path) -> None:
    _, markdown, _ = written(tmp_path, made_results(2, FIVE), made_results(4, [0.01] * 5))
    head, _, *rows = markdown_cells(markdown)
    assert head[2] == "Image1<br>photo0.jpg"
    assert {len(row) for row in (head, *rows)} == {8}
    assert [row[:3] for row in rows[:4]] == [
        ["×2", "Modified SRCNN", "0.0012"],
        ["×2", "MSE Loss (SRCNN)", "0.0011"],
        ["×4", "Modified SRCNN", "0.0100"],
        ["×4", "MSE Loss (SRCNN)", "0.0090"],
    ]
    assert rows[0][-1] == f"{sum(FIVE) / 5:.4f}"


def test_the_published_networks_have_rows_with_their_names_after_ours(tmp_path: Path) -> None:
    ours = made_results(4, FIVE)
    published = [
        pd.DataFrame({"image": list(ours.names), "method": method, "mse": [0.02] * 5})
        for method in AUTHORS_METHODS
    ]
    results = replace(ours, scores=pd.concat([ours.scores, *published], ignore_index=True))
    rows, markdown, latex = written(tmp_path, made_results(2, FIVE), results)
    names = list(dict.fromkeys(row["row"] for row in rows if row["scale"] == "4"))
    assert names == [
        "Modified SRCNN",
        "MSE Loss (SRCNN)",
        "Authors, MSE loss",
        "Authors, perceptual loss",
        "Authors, MSE loss, permute",
        "Authors, perceptual loss, permute",
    ]
    for name in names[2:]:
        assert ["×4", name, *["0.0200"] * 6] in markdown_cells(markdown)
        assert f"$\\times$4 & {name} & 0.0200" in latex
    assert not [row for row in rows if row["scale"] == "2" and "Published" in row["row"]]


def test_fewer_than_five_images_leave_dashes(tmp_path: Path) -> None:
    rows, markdown, latex = written(tmp_path, made_results(4, [0.002, 0.004]))
    ours = [row for row in rows if row["source"] == "reproduction"]
    assert [row["image"] for row in ours[:3]] == ["Image1", "Image2", "mean"]
    assert markdown_cells(markdown)[2][2:] == ["0.0020", "0.0040", "–", "–", "–", "0.0030"]
    assert "0.0020 & 0.0040 & -- & -- & -- & 0.0030" in latex


def test_more_than_five_images_count_in_the_mean_only(tmp_path: Path) -> None:
    rows, markdown, _ = written(tmp_path, made_results(4, [0.001] * 5 + [0.007]))
    assert "Image6" not in {row["image"] for row in rows}
    assert markdown_cells(markdown)[2][-1] == "0.0020"


def test_latex_stands_alone_with_every_row_of_eight_cells(tmp_path: Path) -> None:
    _, _, latex = written(tmp_path, made_results(2, FIVE), made_results(4, FIVE))
    rows = [line for line in latex.splitlines() if line.endswith("\\\\")]
    assert {line.count("&") for line in rows} == {7}
    assert latex.count("{") == latex.count("}")
    for part in ("\\begin{table}", "\\toprule", "\\bottomrule", "\\end{tabular}", "\\end{table}"):
        assert latex.count(part) == 1
    assert latex.isascii()


def test_names_with_special_characters_are_escaped(tmp_path: Path) -> None:
    names = ["50%_a&b.jpg", "x|y*z.png", "café.png", "{$}#~^\\.png", "写.png"]
    _, markdown, latex = written(tmp_path, made_results(4, FIVE, names))
    assert "50%\\_a\\&b.jpg" in markdown
    assert "x\\|y\\*z.png" in markdown
    assert {line.count(" | ") for line in markdown.splitlines() if line.startswith("|")} == {7}
    assert "50\\%\\_a\\&b.jpg" in latex
    assert "cafe.png" in latex
    assert "\\{\\$\\}\\#\\textasciitilde{}\\textasciicircum{}\\textbackslash{}.png" in latex
    assert latex.isascii()
