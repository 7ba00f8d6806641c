"""CSV tables of the run, read into and written from pandas.

A spreadsheet runs a cell that starts with `=` or a similar character, such as the name of a
photograph. The tables hold such text with an apostrophe before it, as spreadsheets do.

Importing pandas takes 0.4 s, so no module that `srcnn upscale` imports may import this one.
"""

import csv
import io
import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from srcnn.errors import InputError
from srcnn.utils.files import atomic_write

_FORMULA = re.compile(r"('*[=+\-@\t\r\n])")  # the start; with apostrophes, so that it reads back
_ESCAPED = re.compile(f"^'{_FORMULA.pattern}")


def read_csv(
    path: Path,
    stage: str,
    types: Mapping[str, type] | type = str,
    content: bytes | None = None,
) -> pd.DataFrame:
    """Read a table that `stage` writes; InputError if it is missing, damaged or lacks a column.

    `types` has the type of each required column, or of all columns; other columns are text. With
    `content`, which comes from elsewhere, `path` only names the file in messages.
    """
    try:
        # As text first: an image number is no number, and a photograph may be called NA.
        source = path if content is None else io.BytesIO(content)
        table = pd.read_csv(source, dtype=str, keep_default_na=False)
        if not isinstance(table.index, pd.RangeIndex):
            raise ValueError("a row has more fields than the header")
        table = table.astype(types)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file (the stage {stage} makes it)") from None
    except (KeyError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: damaged ({reason}); run the stage {stage} again") from None
    for name in table.select_dtypes(exclude="number"):
        table[name] = table[name].str.replace(_ESCAPED, r"\1", regex=True)
    return table


def write_csv(table: pd.DataFrame, path: Path, float_format: str | None = None) -> None:
    """Write a table with a header; floats by default as the shortest text that reads back."""
    text = {name: table[name].map(_escape) for name in table.select_dtypes(exclude="number")}
    # Python 3.11 does not quote a carriage return, which ends a row for a reader.
    ends_rows = any("\r" in str(cell) for cells in text.values() for cell in cells)
    with atomic_write(path) as temporary:
        table.assign(**text).to_csv(
            temporary,
            index=False,
            lineterminator="\n",
            float_format=float_format,
            quoting=csv.QUOTE_ALL if ends_rows else csv.QUOTE_MINIMAL,
        )


def _escape(cell: object) -> object:
    """Put an apostrophe before text that a spreadsheet may run; text of a number stays."""
    if not isinstance(cell, str) or not _FORMULA.match(cell):
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell
