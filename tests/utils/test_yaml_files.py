import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, model_validator

from srcnn.errors import InputError
from srcnn.utils.yaml_files import error_line, parse_yaml, read_model, read_yaml

OneLine = Callable[[Any], str]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-05", 0.00001),
        ("1.5E+3", 1500.0),
        ("1.", 1.0),
        ("-.5", -0.5),
        (".inf", math.inf),
        ("3", 3),
        ("-3", -3),
        ("012", 12),
        ("0o17", 15),
        ("0x1F", 31),
        ("4_000_000_000", 4 * 10**9),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
    ],
)
def test_plain_scalars_have_the_values_of_yaml_1_2(text: str, value: Any) -> None:
    found = parse_yaml(f"a: {text}", "a.yaml")["a"]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "text",
    ["on", "off", "yes", "no", "y", "1:30", "2026-01-02", "=", "1e", "e5", "1.2.3"],
)
def test_everything_else_is_text(text: str) -> None:
    assert parse_yaml(f"a: {text}", "a.yaml") == {"a": text}


def test_quotes_make_text_of_a_number() -> None:
    assert parse_yaml("a: '32'\nb: \"true\"\n", "a.yaml") == {"a": "32", "b": "true"}


def test_an_anchor_can_be_merged_and_its_keys_replaced() -> None:
    text = "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\n"
    assert parse_yaml(text, "a.yaml")["b"] == {"x": 1, "y": 3}


def chain(value: str, length: int) -> str:
    """Lines that define a1, a2 …; each one contains the value before it."""
    return "".join(f"a{i + 1}: &a{i + 1} {value.format(f'a{i}')}\n" for i in range(length))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: 1\nb:\n  c: 1\n  c: 2\n", "line 4, column 3: duplicate key c"),
        ("a: [1\n", "line 2, column 1: while parsing a flow sequence"),
        ("a: *b\n", "line 1, column 4: found undefined alias"),
        ("a: 1\n---\nb: 2\n", "line 2, column 1: expected a single document"),
        ("? [1, 2]\n: 3\n", "unhashable key"),
        ("a: !!python/object/apply:os.getcwd []\n", "line 1, column 4: could not determine"),
        (f"a: {'9' * 5000}\n", "5000 digits"),
        (f"a: {'[' * 3000}", ""),
        (b"a: \xe9", "position 3"),
        (f"a: {'[' * 200_000}", "more than 100 levels of nesting"),
        (f"a: {'[' * 50_000}{']' * 50_000}", "more than 100 levels of nesting"),
        ("a: !!bool text\n", ""),
        ("a: !!timestamp text\n", ""),
        ("a: !!timestamp 2026-13-45\n", "line 1, column 4: not a value of !!timestamp"),
        ("a: !!binary x\n", "line 1, column 4"),
        ("a: !!int x\n", "line 1, column 4: not a value of !!int"),
        ("a: !!int [1]\n", "line 1, column 4: not a value of !!int"),
        ("a: !!map x\n", ""),
        ("a: !!map [1]\n", ""),
        ("a: !!omap 3\n", ""),
        ("a: !!set 3\n", ""),
        (f"a: 0x{'f' * 9999}\n", "10001 digits"),
        ("a: {<<: 3}\n", "line 1"),
        ("a: &a [*a]\n", "line 1, column 8: alias a refers to itself"),
        ("a: &a {<<: *a}\n", "alias a refers to itself"),
        (b"a: \0", "position 3"),
        ("- " * 5000 + "1\n", "more than 100 levels of nesting"),
        ("a0: &a0 1\n" + chain("[*{0}]", 200), "levels"),
        (
            "a0: &a0 1\n" + chain("[*{0}, *{0}]", 40),
            "values",
        ),
        (
            "a0: &a0 {x: 1}\n" + chain("{{<<: [*{0}, *{0}]}}", 40),
            "values",
        ),
        ("a: [" + "1," * 200_000 + "]\n", "more than 100,000 values"),
    ],
)
def test_invalid_yaml_is_refused_with_its_place(
    one_line: OneLine, text: str | bytes, reason: str
) -> None:
    with pytest.raises(InputError) as caught:
        parse_yaml(text, "a.yaml")
    assert one_line(caught).startswith("a.yaml: not valid YAML: ")
    assert reason in one_line(caught)


@pytest.mark.parametrize("text", ["", "# a comment\n", "text", "- 1\n"])
def test_a_top_level_that_is_no_mapping_is_refused(one_line: OneLine, text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_yaml(text, "a.yaml")
    assert one_line(caught).startswith("a.yaml: empty, or not a mapping")


def test_a_missing_file_is_named_with_the_hint(tmp_path: Path, one_line: OneLine) -> None:
    with pytest.raises(InputError) as caught:
        read_yaml(tmp_path / "a.yaml", "set a")
    assert one_line(caught) == f"{tmp_path / 'a.yaml'}: no such file (set a)"


def test_a_folder_is_refused_by_its_name(tmp_path: Path, one_line: OneLine) -> None:
    with pytest.raises(InputError) as caught:
        read_yaml(tmp_path)
    assert one_line(caught).startswith(f"{tmp_path}: cannot be read")


class Point(BaseModel):
    model_config = ConfigDict(extra="forbid")

    x: int
    y: int = 0

    @model_validator(mode="after")
    def _is_below_the_diagonal(self) -> "Point":
        if self.y > self.x:
            raise ValueError("y: greater than x")
        return self


class Points(BaseModel):
    points: list[Point]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("points: [{x: 1, z: 2}]", "points.0.z: unknown setting"),
        ("points: [{x: 1}, {y: 2}]", "points.1.x: is missing"),
        ("points: [{x: 1, y: 2}]", "points.0.y: greater than x"),
        ("points: 3", "points: input should be a valid list, not 3"),
        ("points: [{y: 2, z: 2}]", "points.0.x: is missing; points.0.z: unknown setting"),
    ],
)
def test_a_wrong_value_is_named_after_its_file(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "points.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_model(Points, path, "set points")
    assert str(caught.value) == f"{path}: {message}"


def test_a_valid_file_becomes_a_model(tmp_path: Path) -> None:
    (tmp_path / "points.yaml").write_text("points: [{x: 1}]")
    assert read_model(Points, tmp_path / "points.yaml", "").points == [Point(x=1)]


def test_names_can_be_prefixed() -> None:
    with pytest.raises(ValidationError) as caught:
        Point.model_validate({"x": 1, "y": 2})
    assert error_line(caught.value, "shapes", "a") == "shapes.a.y: greater than x"


def test_the_text_of_invalid_json_is_not_repeated() -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(dict[str, int]).validate_json("{" + "x" * 1000)
    assert error_line(caught.value).startswith("invalid JSON: ")
    assert "xxx" not in error_line(caught.value)


def test_a_file_that_is_too_large_or_a_pipe_is_not_read(tmp_path: Path, one_line: OneLine) -> None:
    large, pipe = tmp_path / "large.yaml", tmp_path / "pipe.yaml"
    with large.open("wb") as file:
        file.truncate(10**11)
    os.mkfifo(pipe)
    for path, reason in ((large, "larger than 10,000,000 bytes"), (pipe, "not a regular file")):
        with pytest.raises(InputError) as caught:
            read_yaml(path)
        assert one_line(caught).startswith(f"{path}: ")
        assert reason in one_line(caught)


def test_a_message_shows_no_more_than_a_part_of_a_value(tmp_path: Path, one_line: OneLine) -> None:
    path = tmp_path / "points.yaml"
    for text in (
        f"points: {'x' * 10**6}",
        f"points: [{'{},' * 9999}]",
        f"{'x' * 10**6}: 1",
        f"points: [{{x: {'[' * 90}{']' * 90}}}]",
    ):
        path.write_text(text)
        with pytest.raises(InputError) as caught:
            read_model(Points, path, "")
        assert len(one_line(caught)) < 2000
