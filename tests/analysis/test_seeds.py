import numpy as np
import pytest

from srcnn.analysis.seeds import summarise_seeds


def planted(mean: float, images: list[float], seeds: list[float], noise: float = 0) -> np.ndarray:
    """Differences [images, seeds] of planted effects, and a residual that sums to 0 both ways."""
    signs = np.outer((-1.0) ** np.arange(len(images)), (-1.0) ** np.arange(len(seeds)))
    return mean + np.array(images)[:, None] + np.array(seeds) + noise * signs


def test_planted_effects_are_recovered_exactly() -> None:
    found = summarise_seeds(planted(0.5, [-3, -1, 1, 3], [-0.2, 0, 0.2]))
    assert found.mean == pytest.approx(0.5)
    assert found.image_sd == pytest.approx(np.std([-3, -1, 1, 3], ddof=1))
    assert found.seed_sd == pytest.approx(0.2)
    assert found.residual_sd == 0
    variance = np.var([-3, -1, 1, 3], ddof=1) / 4 + 0.04 / 3
    assert found.seed_share == pytest.approx(0.04 / 3 / variance)
    assert found.seeds_agree == 3


def test_the_residual_is_taken_out_of_the_other_parts() -> None:
    # Mean squares of images, seeds and residual: 2·(2/3)·4 = 16/3, 4·2·0.09 = 0.72 and 4/3·0.01·2.
    found = summarise_seeds(planted(1, [-1, 1, -1, 1], [-0.3, 0.3], noise=0.1))
    of_residual = 8 * 0.01 / 3
    assert found.residual_sd == pytest.approx(of_residual**0.5)
    assert found.image_sd == pytest.approx(((2 * 4 / 3 - of_residual) / 2) ** 0.5)
    assert found.seed_sd == pytest.approx(((4 * 2 * 0.09 - of_residual) / 4) ** 0.5)


def test_random_effects_are_recovered_on_average() -> None:
    random = np.random.default_rng(0)
    variances = np.mean(
        [
            [found.image_sd**2, found.seed_sd**2, found.residual_sd**2]  # type: ignore[operator]
            for _ in range(300)
            for found in [
                summarise_seeds(
                    2 * random.standard_normal((20, 1))
                    + random.standard_normal((1, 6))
                    + 0.5 * random.standard_normal((20, 6))
                )
            ]
        ],
        axis=0,
    )
    assert variances == pytest.approx([4, 1, 0.25], rel=0.08)


def test_without_a_seed_effect_the_interval_is_that_of_the_images() -> None:
    effects = [-3.0, -1, 1, 3]
    found = summarise_seeds(planted(0.5, effects, [0, 0]))
    half = 3.182446 * np.std(effects, ddof=1) / 2  # t(0.975, 3 degrees of freedom)
    assert (found.low, found.high) == pytest.approx((0.5 - half, 0.5 + half))
    assert found.seed_share == 0


def test_without_an_image_effect_the_interval_is_that_of_the_seeds() -> None:
    found = summarise_seeds(planted(0.5, [0] * 50, [-1, 1]))
    half = 12.706205 * 2**0.5 / 2**0.5  # t(0.975, 1)
    assert (found.low, found.high) == pytest.approx((0.5 - half, 0.5 + half))
    assert found.seed_share == 1
    assert found.seeds_agree == 1


def test_a_part_that_would_be_negative_is_zero() -> None:
    found = summarise_seeds(planted(0, [0, 0, 0, 0], [0, 0], noise=1))
    assert (found.image_sd, found.seed_sd) == (0, 0)
    assert found.residual_sd == pytest.approx((8 / 3) ** 0.5)
    assert found.high == pytest.approx(-found.low) != 0  # type: ignore[operator]


def test_equal_differences_have_no_variance() -> None:
    found = summarise_seeds(np.full((5, 3), 0.66) - np.full((5, 3), 0.6))
    assert (found.image_sd, found.seed_sd, found.residual_sd, found.seed_share) == (0, 0, 0, 0)
    assert found.low == found.mean == found.high == pytest.approx(0.06)


def test_images_with_an_infinite_difference_are_left_out() -> None:
    values = planted(1, [-1, 0, 1], [0, 0])
    values[1, 0] = np.inf
    found = summarise_seeds(values)
    assert (found.images, found.mean) == (2, 1)
    assert summarise_seeds(np.full((3, 2), -np.inf)).mean is None


def test_a_single_image_has_a_mean_and_no_interval() -> None:
    found = summarise_seeds(np.array([[1.0, 2.0]]))
    assert (found.mean, found.low, found.image_sd, found.seeds_agree) == (1.5, None, None, 2)


def test_the_interval_misses_a_true_zero_in_about_five_percent_with_five_seeds() -> None:
    random, misses = np.random.default_rng(0), 0
    for _ in range(1000):
        effects = random.standard_normal((20, 1)) + random.standard_normal((1, 5))
        found = summarise_seeds(effects + 0.5 * random.standard_normal((20, 5)))
        misses += (found.low or 0) > 0 or (found.high or 0) < 0
    assert 35 <= misses <= 75
