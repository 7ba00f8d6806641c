from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from srcnn.analysis.results import read_curve
from srcnn.errors import InputError
from srcnn.figures.training_curves import draw_curves, draw_grid_artefacts
from srcnn.utils.tables import write_csv
from tests.small_results import LOSSES, shows

OneLine = Callable[[Any], str]


def made_curve(folder: Path, epochs: int) -> pd.DataFrame:
    """A curve as the stage train writes it, read back."""
    numbers = ("loss", "val_loss", "val_psnr_rgb")
    path = folder / "x2_mse.csv"
    rows = [{"epoch": i} | dict.fromkeys(numbers, 1 / i) for i in range(1, epochs + 1)]
    write_csv(pd.DataFrame(rows), path)
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
    one, two = draw_curves(of_one).render(), draw_curves(of_two).render()
    with mpl.rc_context({"lines.linewidth": 9, "axes.grid": True, "font.family": "serif"}):
        again = draw_curves(of_one).render()
    np.testing.assert_array_equal(one, again)
    assert two.shape[1] == one.shape[1]
    assert two.shape[0] > 1.8 * one.shape[0]


def test_a_single_epoch_shows_as_a_dot(tmp_path: Path) -> None:
    curve = made_curve(tmp_path, 1)
    canvas = draw_curves({(2, loss): curve for loss in LOSSES})
    assert all(shows(canvas, loss) for loss in LOSSES)
    canvas = draw_curves({(2, loss): curve for loss in (*LOSSES, "deep")})
    assert all(shows(canvas, loss) for loss in (*LOSSES, "deep"))


def test_a_missing_file_is_named(tmp_path: Path, one_line: OneLine) -> None:
    with pytest.raises(InputError) as caught:
        read_curve(tmp_path / "x2_mse.csv")
    assert str(tmp_path / "x2_mse.csv") in one_line(caught)


def made_peaks(epochs: int, images: int) -> pd.DataFrame:
    by_image = {
        f"{image:04d}": [image / epoch for epoch in range(1, epochs + 1)] for image in range(images)
    }
    return pd.DataFrame(by_image, index=range(1, epochs + 1))


@pytest.mark.parametrize("epochs", [1, 5])
def test_grid_artefacts_are_drawn_in_the_colours_of_the_losses(epochs: int) -> None:
    peaks = made_peaks(epochs, 3)
    both = draw_grid_artefacts({(2, loss): peaks for loss in LOSSES})
    assert shows(both, "perceptual")
    one = draw_grid_artefacts({(2, "mse"): peaks, (2, "perceptual"): pd.DataFrame()})
    assert shows(one, "mse")
    assert not shows(one, "perceptual")


def test_a_scale_that_was_not_measured_says_so() -> None:
    canvas = draw_grid_artefacts(
        {(scale, loss): pd.DataFrame() for scale in (2, 4) for loss in LOSSES}
    )
    assert (canvas.render() < 128).any()
    assert not any(shows(canvas, loss) for loss in LOSSES)
