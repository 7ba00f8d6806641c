import pytest

from srcnn.figures.charts import axis_label, axis_limits, decimals_for, readable_unit


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
    size, name = readable_unit(values)
    assert size == pytest.approx(unit[0])
    assert name == unit[1]


def test_an_axis_label_contains_the_unit_if_there_is_one() -> None:
    assert axis_label("MSE", "10⁻³") == "MSE (10⁻³)"
    assert axis_label("MSE", "") == "MSE"
    assert axis_label("MSE", "10⁻³", "lower is better") == "MSE (10⁻³, lower is better)"
    assert axis_label("MSE", "", "lower is better") == "MSE (lower is better)"


@pytest.mark.parametrize(
    ("value", "decimals"), [(0.0, 0), (0.0111, 4), (0.73, 3), (19.8, 1), (123, 0)]
)
def test_a_number_has_three_significant_digits(value: float, decimals: int) -> None:
    assert decimals_for(value) == decimals


@pytest.mark.parametrize("values", [[1.0, 3.0], [2.0], [0.0, 0.0]])
def test_axis_limits_leave_a_margin_around_the_values(values: list[float]) -> None:
    low, high = axis_limits(values, 0.1)
    assert low < min(values) <= max(values) < high
