import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from srcnn.analysis.comparisons import compare, how_little, write_comparisons
from srcnn.analysis.results import Results
from srcnn.analysis.statistics import FEW, FEWEST, LEVEL, interval, sign_test, summarise
from srcnn.evaluation.metrics import METRICS
from tests.small_results import score_table

OneLine = Callable[[Any], str]
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
    comparisons = [comparison for results in scales for comparison in compare(results)]
    write_comparisons(comparisons, folder / "comparisons.csv", folder / "comparisons.md")
    with (folder / "comparisons.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return rows, (folder / "comparisons.md").read_text()


# Intervals and signs


@given(values=st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=12))
def test_an_interval_lies_within_the_values_and_is_the_same_every_time(
    values: list[float],
) -> None:
    found = interval(values)
    assert found is not None
    noise = 1e-9 * max(map(abs, values))
    assert min(values) - noise <= found[0] <= found[1] <= max(values) + noise
    assert interval(values) == found


@given(values=st.lists(st.integers(-9, 9), min_size=2, max_size=9), factor=st.sampled_from([2, 8]))
def test_an_interval_turns_and_stretches_with_the_values(values: list[int], factor: int) -> None:
    found, turned = interval(values), interval([-factor * value for value in values])
    assert found is not None
    assert turned is not None
    np.testing.assert_allclose(turned, [-factor * found[1], -factor * found[0]], atol=0.3 * factor)


def test_an_interval_narrows_with_more_images() -> None:
    widths = []
    for times in (1, 4, 16):
        low, high = interval([-2.0, -1.0, 0.0, 1.0, 2.0] * times) or (0, 0)
        widths.append(high - low)
    assert widths[0] > widths[1] > widths[2]


@pytest.mark.parametrize(("images", "share"), [(5, 0.84), (20, 0.92)])
def test_as_many_intervals_hold_the_mean_as_is_said(images: int, share: float) -> None:
    values = np.random.default_rng(1).standard_normal((400, images))
    held = [low <= 0 <= high for low, high in filter(None, (interval(list(v)) for v in values))]
    assert np.mean(held) == pytest.approx(share, abs=0.04)


def test_one_image_has_a_mean_and_no_interval() -> None:
    found = summarise([0.5])
    assert (found.images, found.mean, found.low, found.high) == (1, 0.5, None, None)
    assert found.side == 0


def test_no_image_has_neither() -> None:
    found = summarise([])
    assert (found.images, found.mean, found.low, found.side) == (0, None, None, 0)


@pytest.mark.parametrize("value", [0.0, 1.5, -1e-300])
def test_values_that_are_all_alike_have_the_value_for_an_interval(value: float) -> None:
    found = summarise([value] * 7)
    assert (found.low, found.high) == (value, value)


def test_what_floats_leave_of_nothing_is_nothing() -> None:
    found = summarise([0.1, 0.2, -0.3])
    assert found.mean == 0
    assert summarise([0.1, 0.2, -0.3] * 9).side == 0


@pytest.mark.parametrize(
    ("above", "below", "p"),
    [(5, 0, 0.0625), (0, 6, 0.03125), (15, 5, 0.0414), (3, 3, 1), (0, 0, 1)],
)
def test_signs_are_tested_exactly_and_on_both_sides(above: int, below: int, p: float) -> None:
    assert sign_test(above, below) == pytest.approx(p, abs=1e-4)


def test_the_fewest_images_are_those_that_a_sign_test_can_tell() -> None:
    assert sign_test(FEWEST, 0) <= LEVEL < sign_test(FEWEST - 1, 0)


def test_few_images_are_those_that_a_sign_test_mostly_fails_to_tell() -> None:
    def found(images: int) -> float:
        """How often what is true of four images in five is found."""
        enough = min(
            n for n in range(images + 1) if n > images / 2 and sign_test(n, images - n) <= LEVEL
        )
        return float(binom.sf(enough - 1, images, 0.8))

    assert all(found(images) < 0.8 for images in range(FEWEST, FEW))
    assert found(FEW) >= 0.8
    assert all(found(images) > 0.72 for images in range(FEW, 60))


def test_a_mean_that_one_image_makes_is_not_significant() -> None:
    found = summarise([30.0, 31.0, 32.0, *[-0.1] * 4])
    assert found.side == 1
    assert not found.is_significant


# Comparisons


def test_every_two_methods_are_compared_once_whatever_the_methods(tmp_path: Path) -> None:
    made = {
        name: [float(i), i + 1.0] for i, name in enumerate(["bicubic", "lanczos", "mse", "new"])
    }
    rows, _ = written(tmp_path, made_results(2, made), made_results(4, made))
    assert len(rows) == 2 * len(METRICS) * 6
    pairs = [(row["a"], row["b"]) for row in rows if row["scale"] == "4" and row["metric"] == "mse"]
    assert len({frozenset(pair) for pair in pairs}) == 6
    assert ("mse", "bicubic") in pairs


def test_the_first_is_better_where_it_is_lower_in_mse_and_lpips_and_higher_elsewhere(
    tmp_path: Path,
) -> None:
    made = {"mse": [0.5, 0.5, 0.5, 0.5], "perceptual": [0.4, 0.3, 0.5, 0.6]}
    rows, _ = written(tmp_path, made_results(2, made))
    for row in rows:
        counts = tuple(int(row[name]) for name in ("wins", "ties", "losses"))
        lower = row["metric"] in ("mse", "lpips")
        assert counts == ((2, 1, 1) if lower else (1, 1, 2))
        assert float(row["mean_difference"]) == pytest.approx(-0.05)
        assert float(row["low"]) <= -0.05 <= float(row["high"])


def test_a_single_image_leaves_the_interval_empty(tmp_path: Path) -> None:
    rows, page = written(tmp_path, made_results(2, {"bicubic": [0.5], "mse": [0.25]}))
    assert (rows[0]["mean_difference"], rows[0]["low"], rows[0]["high"]) == ("-0.25", "", "")
    assert "−0.25 no interval · 1–0–0" in page


def test_comparisons_written_twice_are_the_same_bytes(tmp_path: Path) -> None:
    made = {name: list(np.random.default_rng(i).random(9)) for i, name in enumerate("ab")}
    for folder in ("a", "b"):
        written(tmp_path / folder, made_results(2, made))
    for name in ("comparisons.csv", "comparisons.md"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_the_page_shows_the_pairs_that_matter_at_every_scale(tmp_path: Path) -> None:
    made = {"nearest": [0.9] * 6, "bicubic": [0.7] * 6, "mse": [0.5] * 6, "perceptual": [0.6] * 6}
    _, page = written(tmp_path, made_results(2, made), made_results(4, made))
    for pair in ("perceptual less mse", "perceptual less bicubic", "mse less bicubic"):
        assert f"## {pair}\n\n| | ×2 | ×4 |" in page
    assert "nearest" not in page
    assert "| LPIPS ↓ | **+0.1** [+0.1, +0.1] · 0–0–6 |" in page


def test_with_five_images_nothing_is_bold_and_the_page_says_why(tmp_path: Path) -> None:
    made = {"bicubic": [0.5] * 5, "mse": [0.1, 0.2, 0.1, 0.2, 0.1]}
    _, page = written(tmp_path, made_results(2, made))
    assert "nothing here is significant" in page
    assert "2/2⁵ = 0.0625" in page
    assert "| **" not in page


@pytest.mark.parametrize(
    ("images", "words"), [(1, "1 image nothing"), (12, "2/2¹² = 0.00049"), (100, "100 images: a")]
)
def test_how_little_so_many_images_show_is_said(images: int, words: str) -> None:
    assert words in how_little(images)
