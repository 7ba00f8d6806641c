from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from srcnn.errors import InputError
from srcnn.utils.json_files import read_json

OneLine = Callable[[Any], str]


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"a": {"b": 1}}', "[" * 100_000])
def test_damaged_files_are_one_line_that_names_file_and_stage(
    tmp_path: Path, content: str, one_line: OneLine
) -> None:
    path = tmp_path / "x2.json"
    path.write_text(content)
    with pytest.raises(InputError) as caught:
        read_json(path, "evaluate", dict[str, float])
    assert one_line(caught).startswith(f"{path}: damaged (")
    assert one_line(caught).endswith("run the stage evaluate again")


def test_a_missing_file_names_the_stage_that_makes_it(tmp_path: Path, one_line: OneLine) -> None:
    with pytest.raises(InputError) as caught:
        read_json(tmp_path / "x2.json", "evaluate")
    assert one_line(caught).endswith("x2.json: no such file (the stage evaluate makes it)")
