import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from srcnn.analysis.comparisons import compare, sample_size_note, write_comparisons
from srcnn.analysis.results import Results
from srcnn.evaluation.metrics import METRICS
from tests.small_results import score_table

Made = Mapping[str, Sequence[float]]


def made_results(scale: int, made: Made) -> Results:
    """Results whose every metric is, by method, the given value of each image."""
    count = len(next(iter(made.values())))
    names = {f"{i:04d}": f"photo{i}.png" for i in range(1, count + 1)}
    scores = {
        (image, method): dict.fromkeys(METRICS, values[i])
        for i, image in enumerate(names)
        for method, values in made.items()
    }
    return Results(scale, names, score_table(scores), Path(), Path())


def written(folder: Path, *scales: Results) -> tuple[list[dict[str, str]], str]:
    """The comparisons as rows of the CSV file, and as Markdown."""
    write_comparisons(compare(scales), folder / "comparisons.csv", folder / "comparisons.md")
    with (folder / "comparisons.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return rows, (folder / "comparisons.md").read_text()


def test_every_two_methods_are_compared_once_whatever_the_methods(tmp_path: Path) -> None:
    made = {
        name: [float(i), i + 1.0] for i, name in enumerate(["bicubic", "lanczos", "mse", "new"])
    }
    rows, _ = written(tmp_path, made_results(2, made), made_results(4, made))
    assert len(rows) == 2 * len(METRICS) * 6
    pairs = [(row["a"], row["b"]) for row in rows if row["scale"] == "4" and row["metric"] == "mse"]
    assert len({frozenset(pair) for pair in pairs}) == 6
    assert ("mse", "bicubic") in pairs


def test_the_first_is_better_where_it_is_lower_in_errors_and_distances_and_higher_elsewhere(
    tmp_path: Path,
) -> None:
    made = {"mse": [0.5, 0.5, 0.5, 0.5], "perceptual": [0.4, 0.3, 0.5, 0.6]}
    rows, _ = written(tmp_path, made_results(2, made))
    for row in rows:
        counts = tuple(int(row[name]) for name in ("wins", "ties", "losses"))
        lower = row["metric"] in ("mse", "lpips", "lpips_vgg", "dists")
        assert counts == ((2, 1, 1) if lower else (1, 1, 2))
        assert float(row["mean_difference"]) == pytest.approx(-0.05)
        assert float(row["low"]) <= -0.05 <= float(row["high"])


def test_a_single_image_leaves_the_interval_empty(tmp_path: Path) -> None:
    rows, page = written(tmp_path, made_results(2, {"bicubic": [0.5], "mse": [0.25]}))
    assert (rows[0]["mean_difference"], rows[0]["low"], rows[0]["high"]) == ("-0.25", "", "")
    assert "−0.25 no interval · 1–0–0" in page


def test_infinite_differences_count_and_are_left_out_of_the_mean(tmp_path: Path) -> None:
    made = {"bicubic": [30.0, 30, np.inf, 30], "mse": [31.0, np.inf, np.inf, 32]}
    rows, page = written(tmp_path, made_results(2, made))
    row = next(row for row in rows if row["metric"] == "psnr_y")
    means = [row[name] for name in ("images", "infinite", "mean_difference")]
    assert means == ["4", "1", "1"]  # of 1, 0 and 2
    assert [row[name] for name in ("wins", "ties", "losses")] == ["3", "1", "0"]
    assert "(1 infinite) · 3–1–0" in page
    assert "infinite PSNR" in page


def test_differences_that_are_all_infinite_have_no_mean(tmp_path: Path) -> None:
    made = {"bicubic": [30.0, 30.0], "mse": [np.inf, np.inf]}
    rows, page = written(tmp_path, made_results(2, made))
    assert {row["mean_difference"] for row in rows} == {""}
    assert "| – no interval (2 infinite) · 2–0–0 |" in page


def test_comparisons_written_twice_are_the_same_bytes(tmp_path: Path) -> None:
    made = {name: list(np.random.default_rng(i).random(9)) for i, name in enumerate("ab")}
    for folder in ("a", "b"):
        written(tmp_path / folder, made_results(2, made))
    for name in ("comparisons.csv", "comparisons.md"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_the_page_shows_the_main_pairs_at_every_scale(tmp_path: Path) -> None:
    made = {"nearest": [0.9] * 6, "bicubic": [0.7] * 6, "mse": [0.5] * 6, "perceptual": [0.6] * 6}
    _, page = written(tmp_path, made_results(2, made), made_results(4, made))
    for pair in ("perceptual minus mse", "perceptual minus bicubic", "mse minus bicubic"):
        assert f"## {pair}\n\n|  | ×2 | ×4 |" in page
    assert "nearest" not in page
    assert "| LPIPS ↓ | **+0.1** [+0.1, +0.1] · 0–0–6 |" in page


def test_methods_that_only_one_scale_has_are_compared_at_that_scale(tmp_path: Path) -> None:
    ours = {"bicubic": [0.7] * 6, "mse": [0.5] * 6, "perceptual": [0.6] * 6}
    theirs = {"authors_mse": [0.8] * 6, "authors_perceptual": [0.9] * 6}
    rows, page = written(tmp_path, made_results(2, ours), made_results(4, {**ours, **theirs}))
    assert "## perceptual minus mse\n\n|  | ×2 | ×4 |" in page
    for pair in (
        "authors_perceptual minus authors_mse",
        "authors_perceptual minus bicubic",
        "authors_mse minus bicubic",
    ):
        assert f"## {pair}\n\n|  | ×4 |\n" in page
    assert "nan" not in page
    assert page.count("## authors") == 3
    assert {row["scale"] for row in rows if row["a"].startswith("authors")} == {"4"}


def test_with_five_images_nothing_is_bold_and_the_page_says_why(tmp_path: Path) -> None:
    made = {"bicubic": [0.5] * 5, "mse": [0.1, 0.2, 0.1, 0.2, 0.1]}
    _, page = written(tmp_path, made_results(2, made))
    assert "nothing here can be significant" in page
    assert "2/2⁵ = 0.0625" in page
    assert "| **" not in page


@pytest.mark.parametrize(
    ("images", "words"),
    [(1, "1 image, nothing"), (12, "2/2¹² = 0.000488"), (100, "With 100 images, the")],
)
def test_the_note_says_what_so_many_images_can_show(images: int, words: str) -> None:
    assert words in sample_size_note(images)
