import itertools
import math

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from srcnn.analysis.statistics import (
    LEVEL,
    MIN_POWERED,
    MIN_SIGNIFICANT,
    bootstrap_interval,
    power,
    sign_test,
    subtract,
    summarise,
)


@given(values=st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=12))
def test_an_interval_lies_within_the_values_and_is_the_same_every_time(
    values: list[float],
) -> None:
    found = bootstrap_interval(values)
    assert found is not None
    noise = 1e-9 * max(map(abs, values))
    assert min(values) - noise <= found[0] <= found[1] <= max(values) + noise
    assert bootstrap_interval(values) == found


@given(values=st.lists(st.integers(-9, 9), min_size=2, max_size=9), factor=st.sampled_from([2, 8]))
def test_an_interval_mirrors_and_stretches_with_the_values(values: list[int], factor: int) -> None:
    found = bootstrap_interval(values)
    turned = bootstrap_interval([-factor * value for value in values])
    assert found is not None
    assert turned is not None
    np.testing.assert_allclose(turned, [-factor * found[1], -factor * found[0]], atol=0.3 * factor)


def test_an_interval_narrows_with_more_images() -> None:
    widths = []
    for times in (1, 4, 16):
        low, high = bootstrap_interval([-2.0, -1.0, 0.0, 1.0, 2.0] * times) or (0, 0)
        widths.append(high - low)
    assert widths[0] > widths[1] > widths[2]


@pytest.mark.parametrize(("images", "share"), [(5, 0.84), (20, 0.92)])
def test_intervals_cover_the_mean_as_often_as_documented(images: int, share: float) -> None:
    values = np.random.default_rng(1).standard_normal((400, images))
    intervals = filter(None, (bootstrap_interval(list(sample)) for sample in values))
    held = [low <= 0 <= high for low, high in intervals]
    assert np.mean(held) == pytest.approx(share, abs=0.04)


@pytest.mark.parametrize("images", [2, 7, 33])
def test_an_interval_equals_that_of_scipy(images: int) -> None:
    values = np.random.default_rng(2).standard_normal(images)
    options = {"method": "percentile", "n_resamples": 9999, "batch": 1000}
    rng = np.random.default_rng(0)
    expected = scipy.stats.bootstrap((values,), np.mean, rng=rng, **options).confidence_interval
    assert bootstrap_interval(list(values)) == pytest.approx((expected.low, expected.high))


def test_signs_are_tested_as_in_scipy() -> None:
    for above, below in itertools.combinations(range(40), 2):
        expected = scipy.stats.binomtest(above, above + below).pvalue
        assert sign_test(above, below) == pytest.approx(expected)


def test_one_image_has_a_mean_and_no_interval() -> None:
    found = summarise([0.5])
    assert (found.images, found.mean, found.low, found.high) == (1, 0.5, None, None)
    assert found.side == 0


def test_no_image_has_neither_mean_nor_interval() -> None:
    found = summarise([])
    assert (found.images, found.mean, found.low, found.side) == (0, None, None, 0)


@pytest.mark.parametrize("value", [0.0, 1.5, -1e-300])
def test_equal_values_have_that_value_as_their_interval(value: float) -> None:
    found = summarise([value] * 7)
    assert (found.low, found.high) == (value, value)


def test_rounding_errors_of_a_zero_mean_are_zero() -> None:
    found = summarise([0.1, 0.2, -0.3])
    assert found.mean == 0
    assert summarise([0.1, 0.2, -0.3] * 9).side == 0


@pytest.mark.parametrize(
    ("above", "below", "p"),
    [(5, 0, 0.0625), (0, 6, 0.03125), (15, 5, 0.0414), (3, 3, 1), (0, 0, 1)],
)
def test_signs_are_tested_exactly_and_on_both_sides(above: int, below: int, p: float) -> None:
    assert sign_test(above, below) == pytest.approx(p, abs=1e-4)


def test_a_sign_test_needs_the_minimum_of_images_to_be_significant() -> None:
    assert sign_test(MIN_SIGNIFICANT, 0) <= LEVEL < sign_test(MIN_SIGNIFICANT - 1, 0)


def test_the_power_of_the_sign_test_is_exact() -> None:
    known = {5: 0, 6: 0.8**6, 7: 0.8**7, 20: 0.804, 21: 0.769, 22: 0.733, 23: 0.840, 24: 0.811}
    assert {n: power(n) for n in known} == pytest.approx(known, abs=6e-4)
    assert power(30, 1.0) == pytest.approx(1)


def test_the_power_is_enough_from_the_minimum_of_images_on() -> None:
    assert all(power(images) >= 0.8 for images in range(MIN_POWERED, 100))
    assert power(MIN_POWERED - 1) < 0.8


def test_a_mean_that_few_images_cause_is_not_significant() -> None:
    found = summarise([30.0, 31.0, 32.0, *[-0.1] * 4])
    assert found.side == 1
    assert not found.is_significant


def test_infinite_values_count_on_their_side_and_are_left_out_of_the_mean() -> None:
    found = summarise([1.0, 2.0, 3.0, math.inf, math.inf, -math.inf])
    assert (found.images, found.infinite) == (6, 3)
    assert (found.above, found.equal, found.below) == (5, 0, 1)
    assert found.mean == 2
    assert (found.low, found.high) == bootstrap_interval([1.0, 2.0, 3.0])
    assert found.side == 0  # three finite values are too few


def test_values_that_are_all_infinite_have_no_mean_and_decide_nothing() -> None:
    found = summarise([math.inf] * 9)
    assert (found.mean, found.low, found.high, found.above) == (None, None, None, 9)
    assert not found.is_significant


def test_a_difference_of_equal_infinite_values_is_a_tie() -> None:
    first, second = (pd.Series(v) for v in ([math.inf, math.inf, 3.0], [math.inf, 40.0, math.inf]))
    assert list(subtract(first, second)) == [0, math.inf, -math.inf]
