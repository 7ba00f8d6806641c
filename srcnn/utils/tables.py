"""CSV tables of the run, read into and written from pandas.

Importing pandas takes 0.4 s, so no module that `srcnn upscale` imports may import this one.
"""

import io
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from srcnn.errors import InputError
from srcnn.utils.files import atomic_write


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
        return table.astype(types)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file (the stage {stage} makes it)") from None
    except (KeyError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: damaged ({reason}); run the stage {stage} again") from None


def write_csv(table: pd.DataFrame, path: Path, float_format: str | None = None) -> None:
    """Write a table with a header; floats by default as the shortest text that reads back."""
    with atomic_write(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n", float_format=float_format)
