from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, model_validator

from srcnn.errors import InputError
from srcnn.utils.validation import error_line, read_model


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
