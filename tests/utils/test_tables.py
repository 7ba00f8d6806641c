import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from srcnn.errors import InputError
from srcnn.utils.tables import read_csv, write_csv

OneLine = Callable[[Any], str]


def test_committed_tables_keep_their_bytes_when_read_and_written(
    tmp_path: Path, project: Path
) -> None:
    files = [file for name in ("metrics", "plots") for file in (project / name).rglob("*.csv")]
    assert files
    for file in files:
        write_csv(read_csv(file, "evaluate"), tmp_path / "a.csv")
        assert (tmp_path / "a.csv").read_bytes() == file.read_bytes(), file


def test_numbers_keep_their_bytes_when_read_and_written(tmp_path: Path, project: Path) -> None:
    names = ("mse", "psnr_rgb", "psnr_y", "ssim_y", "lpips")
    file = project / "metrics/x2.csv"
    write_csv(read_csv(file, "evaluate", dict.fromkeys(names, float)), tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_bytes() == file.read_bytes()


def test_text_stays_text(tmp_path: Path) -> None:
    rows = [{"image": "0011", "name": "NA"}, {"image": "0012", "name": 'a, "b"'}]
    rows.append({"image": "nan", "name": ""})
    write_csv(pd.DataFrame(rows), tmp_path / "a.csv")
    assert read_csv(tmp_path / "a.csv", "fetch_data").to_dict("records") == rows


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "'=", "''+"])
def test_a_spreadsheet_runs_no_cell(tmp_path: Path, start: str) -> None:
    rows = [{"image": "0001", "name": f"{start}cmd|' /C calc'!A0.png", "mse": "-0.25"}]
    write_csv(pd.DataFrame(rows).astype({"mse": float}), tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(newline="") as file:
        [row] = csv.DictReader(file)
    assert row == {"image": "0001", "name": f"'{rows[0]['name']}", "mse": "-0.25"}
    assert read_csv(tmp_path / "a.csv", "fetch_data").to_dict("records") == rows


def test_a_carriage_return_starts_no_row(tmp_path: Path) -> None:
    table = pd.DataFrame({"name": ["a\r=1+1.png"], "mse": [0.5]})
    write_csv(table, tmp_path / "a.csv", float_format="%.3g")
    assert (tmp_path / "a.csv").read_bytes() == b'"name","mse"\n"a\r=1+1.png","0.5"\n'
    types = {"name": str, "mse": float}
    assert read_csv(tmp_path / "a.csv", "fetch_data", types).equals(table)


def test_numbers_stay_numbers_also_as_text(tmp_path: Path) -> None:
    table = pd.DataFrame({"float": [-0.5], "int": [-1], "text": ["-0.5"], "mixed": [-1e-7]})
    write_csv(table.astype({"mixed": object}), tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text() == "float,int,text,mixed\n-0.5,-1,-0.5,-1e-07\n"


beginnings = st.text("'=+-@\t\r\n1", max_size=4)
anything = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


@given(st.lists(st.tuples(beginnings, anything).map("".join), min_size=1))
def test_any_text_reads_back(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    write_csv(pd.DataFrame({"name": names, "image": "0001"}), path)
    assert list(read_csv(path, "fetch_data")["name"]) == names


def test_a_table_without_rows_has_a_header(tmp_path: Path) -> None:
    write_csv(pd.DataFrame(columns=["epoch", "peak"]), tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text() == "epoch,peak\n"
    assert read_csv(tmp_path / "a.csv", "train", {"epoch": int, "peak": float}).empty


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"image\n1\n",
        b"image,peak\n1\n",
        b"image,peak\n1,\n",
        b"image,peak\n1,high\n",
        b"image,peak\n1,2,3\n",
        b"image,peak\n1,2\n1,2,3\n",
        b'image,peak\n"1,2\n',
        b"\xff\xfe\x00\x00",
        b"x" * 200_000,
    ],
)
def test_a_damaged_table_is_named_in_one_line(
    tmp_path: Path, one_line: OneLine, content: bytes
) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_csv(tmp_path / "a.csv", "train", {"image": str, "peak": float})
    assert one_line(caught).startswith(f"{tmp_path / 'a.csv'}: damaged (")


def test_a_missing_table_is_named_with_its_stage(tmp_path: Path, one_line: OneLine) -> None:
    with pytest.raises(InputError) as caught:
        read_csv(tmp_path / "a.csv", "train")
    assert one_line(caught) == f"{tmp_path / 'a.csv'}: no such file (the stage train makes it)"
