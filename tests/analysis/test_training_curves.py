from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from srcnn.analysis.training_curves import read_curve, read_peaks
from srcnn.errors import InputError
from srcnn.utils.tables import write_csv

OneLine = Callable[[Any], str]


@pytest.mark.parametrize("content", ["epoch,loss\n", "epoch,loss\n1,high\n"])
def test_a_curve_without_epochs_or_numbers_is_refused(
    tmp_path: Path, one_line: OneLine, content: str
) -> None:
    (tmp_path / "x2_mse.csv").write_text(content)
    with pytest.raises(InputError) as caught:
        read_curve(tmp_path / "x2_mse.csv")
    assert "run the stage train again" in one_line(caught)


def test_peaks_are_read_in_the_order_of_the_epochs(tmp_path: Path) -> None:
    rows = [(10, "0011", 1.5), (2, "0011", 4.0), (1, "0011", 6.0), (1, "0012", 5.0)]
    rows += [(2, "0012", -1.0), (10, "0012", 0.5)]
    columns = ["epoch", "image", "peak"]
    write_csv(pd.DataFrame(rows, columns=columns), tmp_path / "a.csv")
    peaks = read_peaks(tmp_path / "a.csv")
    assert peaks.to_dict("list") == {"0011": [6.0, 4.0, 1.5], "0012": [5.0, -1.0, 0.5]}
    assert list(peaks.index) == [1, 2, 10]
    write_csv(pd.DataFrame(columns=columns), tmp_path / "b.csv")
    assert read_peaks(tmp_path / "b.csv").empty


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no such file (the stage train makes it)"),
        ("epoch,image\n1,0011\n", "run the stage train again"),
        ("epoch,image,peak\n1,0011\n", "run the stage train again"),
        ("epoch,image,peak\n1,0011,nan\n", "image 0011 in epoch 1 is not a number"),
        ("epoch,image,peak\n1,0011,2\n2,0011,1\n1,0012,2\n", "image 0012 in epoch 2"),
    ],
)
def test_peaks_that_cannot_be_used_are_named(
    tmp_path: Path, one_line: OneLine, content: str | None, words: str
) -> None:
    path = tmp_path / "x2_mse.csv"
    if content:
        path.write_text(content)
    with pytest.raises(InputError) as caught:
        read_peaks(path)
    assert str(path) in one_line(caught)
    assert words in one_line(caught)
