import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from srcnn.analysis.results import Results
from srcnn.analysis.training_curves import read_curve
from srcnn.errors import InputError
from srcnn.figures.canvas import Canvas
from srcnn.figures.charts import decimals_of, limits, named, unit_of
from srcnn.figures.grid_artefacts import draw_tiles
from srcnn.figures.perception_distortion import draw_plane
from srcnn.figures.style import FONT, NAMES, colours_of, name_of, short_name
from srcnn.figures.training_curves import draw_curves
from srcnn.utils.tables import write_csv
from tests.small_results import score_table

OneLine = Callable[[Any], str]
LOSSES = ("mse", "perceptual")


def shows(page: Canvas, method: str) -> bool:
    """Whether something on the page has the method's colour."""
    colour = np.rint(np.array(to_rgb(colours_of([*LOSSES, method])[method])) * 255)
    return bool((page.pixels() == colour).all(axis=2).any())


# What charts share


@pytest.mark.parametrize(
    ("values", "unit"),
    [
        ([0.0047, 0.001], (1e-3, "10⁻³")),
        ([3e-5], (1e-6, "10⁻⁶")),
        ([0.5, 0.01], (1, "")),
        ([999], (1, "")),
        ([4321], (1e3, "10³")),
        ([0.0], (1, "")),
        ([], (1, "")),
    ],
)
def test_the_largest_value_has_a_readable_unit(
    values: list[float], unit: tuple[float, str]
) -> None:
    size, name = unit_of(values)
    assert size == pytest.approx(unit[0])
    assert name == unit[1]


def test_an_axis_is_named_with_its_unit_if_there_is_one() -> None:
    assert named("MSE", "10⁻³") == "MSE (10⁻³)"
    assert named("MSE", "") == "MSE"


@pytest.mark.parametrize(
    ("value", "decimals"), [(0.0, 0), (0.0111, 4), (0.73, 3), (19.8, 1), (123, 0)]
)
def test_a_number_has_three_significant_digits(value: float, decimals: int) -> None:
    assert decimals_of(value) == decimals


@pytest.mark.parametrize("values", [[1.0, 3.0], [2.0], [0.0, 0.0]])
def test_an_axis_has_room_around_its_values(values: list[float]) -> None:
    low, high = limits(values, 0.1)
    assert low < min(values) <= max(values) < high


def test_each_method_has_its_own_colour_and_name() -> None:
    methods = [method for method in NAMES if method != "hr"]
    methods += ["deep", "thin", "l1", "alone"]  # variants
    assert len(set(colours_of(methods).values())) == len(methods)
    assert (name_of("deep"), short_name("deep")) == ("SRCNN, deep", "deep")
    assert (name_of("mse"), short_name("mse")) == ("SRCNN, MSE loss", "MSE loss")


def test_the_templates_of_dvc_plots_have_the_same_look(project: Path) -> None:
    templates = sorted((project / ".dvc/plots").glob("*.json"))
    assert [template.stem for template in templates] == ["curve", "spread"]
    for template in templates:
        text = template.read_text(encoding="utf-8")
        for anchor in ("DATA", "TITLE", "X", "X_LABEL", "Y", "Y_LABEL"):
            assert f'"<DVC_METRIC_{anchor}>"' in text
        spec = json.loads(text)
        assert spec["config"]["font"].startswith(FONT)
        colours = spec["encoding"]["color"]["scale"]["range"]
        assert colours[:2] == list(colours_of(LOSSES).values())
        assert set(colours) > set(colours_of(method for method in NAMES if method != "hr").values())


# Curves


def made_curve(folder: Path, epochs: int) -> pd.DataFrame:
    """A curve as the stage train writes it, read back."""
    numbers = ("loss", "val_loss", "val_psnr_rgb")
    path = folder / "x2_mse.csv"
    write_csv(({"epoch": i} | dict.fromkeys(numbers, 1 / i) for i in range(1, epochs + 1)), path)
    return read_curve(path)


def test_a_curve_is_read_with_a_value_per_epoch(tmp_path: Path) -> None:
    curve = made_curve(tmp_path, 3)
    assert list(curve["epoch"]) == [1, 2, 3]
    assert list(curve["val_loss"]) == [1, 1 / 2, 1 / 3]


def test_curves_have_a_row_per_scale_and_are_the_same_in_any_style(tmp_path: Path) -> None:
    curve = made_curve(tmp_path, 4)
    of_one, of_two = (
        {(scale, loss): curve for scale in scales for loss in LOSSES} for scales in ((2,), (2, 4))
    )
    one, two = draw_curves(of_one).pixels(), draw_curves(of_two).pixels()
    with mpl.rc_context({"lines.linewidth": 9, "axes.grid": True, "font.family": "serif"}):
        again = draw_curves(of_one).pixels()
    np.testing.assert_array_equal(one, again)
    assert two.shape[1] == one.shape[1]
    assert two.shape[0] > 1.8 * one.shape[0]


def test_a_single_epoch_shows_as_a_dot(tmp_path: Path) -> None:
    curve = made_curve(tmp_path, 1)
    page = draw_curves({(2, loss): curve for loss in LOSSES})
    assert all(shows(page, loss) for loss in LOSSES)
    page = draw_curves({(2, loss): curve for loss in (*LOSSES, "deep")})
    assert all(shows(page, loss) for loss in (*LOSSES, "deep"))


def test_a_missing_file_is_named(tmp_path: Path, one_line: OneLine) -> None:
    with pytest.raises(InputError) as caught:
        read_curve(tmp_path / "x2_mse.csv")
    assert str(tmp_path / "x2_mse.csv") in one_line(caught)


# Tiles


def made_peaks(epochs: int, images: int) -> pd.DataFrame:
    by_image = {
        f"{image:04d}": [image / epoch for epoch in range(1, epochs + 1)] for image in range(images)
    }
    return pd.DataFrame(by_image, index=range(1, epochs + 1))


@pytest.mark.parametrize("epochs", [1, 5])
def test_tiles_are_drawn_in_the_colours_of_the_losses(epochs: int) -> None:
    peaks = made_peaks(epochs, 3)
    both = draw_tiles({(2, loss): peaks for loss in LOSSES})
    assert shows(both, "perceptual")
    one = draw_tiles({(2, "mse"): peaks, (2, "perceptual"): pd.DataFrame()})
    assert shows(one, "mse")
    assert not shows(one, "perceptual")


def test_a_scale_that_was_not_measured_says_so() -> None:
    page = draw_tiles({(scale, loss): pd.DataFrame() for scale in (2, 4) for loss in LOSSES})
    assert (page.pixels() < 128).any()
    assert not any(shows(page, loss) for loss in LOSSES)


# The plane


def scored(scores: dict[str, tuple[float, float]], scale: int = 4) -> Results:
    """Results of two images with these means of MSE and LPIPS."""
    rows = {
        (image, method): {"mse": mse * (1 + share), "lpips": lpips * (1 - share)}
        for image, share in (("0001", -0.5), ("0002", 0.5))
        for method, (mse, lpips) in scores.items()
    }
    return Results(scale, {"0001": "a", "0002": "b"}, score_table(rows), Path(), Path())


@pytest.mark.parametrize("scales", [(2,), (2, 4), (2, 3, 4)])
def test_the_plane_shows_every_method_at_every_scale(scales: tuple[int, ...]) -> None:
    methods = [method for method in NAMES if method != "hr"]
    scores = {method: (0.001 * i, 0.1 / i) for i, method in enumerate(methods, start=1)}
    page = draw_plane([scored(scores, scale) for scale in scales])
    assert all(shows(page, method) for method in methods)


def test_methods_with_equal_scores_can_be_drawn() -> None:
    methods = [method for method in NAMES if method != "hr"]
    page = draw_plane([scored(dict.fromkeys(methods, (0.001, 0.2)))])
    assert shows(page, methods[-1])
