import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from srcnn.analysis.comparisons import compare, write_comparisons
from srcnn.analysis.results import Results, read_scores
from srcnn.evaluation.evaluate import evaluate, write_metrics
from srcnn.evaluation.fidelity import grey_values, luma, mse, psnr, ssim
from srcnn.evaluation.judges import Judge
from srcnn.evaluation.metrics import METRICS, GroundTruth, Metric, convention, mean_score, score
from srcnn.images.image_io import RGB8
from srcnn.images.pairs import Pair
from srcnn.utils.paths import smallest_val_side
from srcnn.utils.tables import read_csv
from stages.provenance import provenance

Array = npt.NDArray[Any]
Judges = dict[str, Judge]
Picture = Callable[..., RGB8]

colour_images = arrays(np.uint8, (16, 18, 3))
seeds = st.integers(0, 2**32 - 1)


def scored(sr: RGB8, hr: RGB8, scale: int, judges: Judges) -> dict[str, float]:
    (scores,) = score([sr], GroundTruth(hr, scale), judges)
    return scores


def noisy(image: Array, amount: float, seed: int) -> Array:
    noise: Array = np.random.default_rng(seed).standard_normal(image.shape)
    return image + amount * noise


def plain_ssim(a: Array, b: Array) -> float:
    """Wang et al. (2004), window by window, in the form of their published formula."""
    x = np.arange(11) - 5
    window = np.exp(-(x[:, None] ** 2 + x[None] ** 2) / (2 * 1.5**2))
    window /= window.sum()
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    values = []
    for top in range(a.shape[0] - 10):
        for left in range(a.shape[1] - 10):
            p, q = (image[top : top + 11, left : left + 11].astype(float) for image in (a, b))
            mean_p, mean_q = (window * p).sum(), (window * q).sum()
            var_p = (window * (p - mean_p) ** 2).sum()
            var_q = (window * (q - mean_q) ** 2).sum()
            covariance = (window * (p - mean_p) * (q - mean_q)).sum()
            values.append(
                (2 * mean_p * mean_q + c1)
                * (2 * covariance + c2)
                / ((mean_p**2 + mean_q**2 + c1) * (var_p + var_q + c2))
            )
    return float(np.mean(values))


def test_mse_is_the_mean_square_and_does_not_overflow_uint8() -> None:
    a, b = np.array([[0, 10]], np.uint8), np.array([[255, 13]], np.uint8)
    assert mse(a, b) == (255**2 + 3**2) / 2
    assert mse(b, a) == mse(a, b)


@pytest.mark.parametrize(
    ("difference", "decibels"),
    [(1, 48.130803608679), (5, 34.151403521958), (25.5, 20.0), (255, 0.0)],
)
def test_psnr_of_a_constant_difference_has_its_known_value(
    difference: float, decibels: float
) -> None:
    a = np.zeros((4, 4))
    assert psnr(a, a + difference) == pytest.approx(decibels, abs=1e-9)


def test_psnr_of_equal_images_is_infinite(picture: Picture) -> None:
    assert psnr(picture(9, 9), picture(9, 9)) == math.inf


@given(a=colour_images, b=colour_images)
def test_psnr_is_symmetric(a: Array, b: Array) -> None:
    assert psnr(a, b) == psnr(b, a)


@given(a=colour_images, seed=seeds)
def test_psnr_falls_with_noise(a: Array, seed: int) -> None:
    values = [psnr(a, noisy(a, amount, seed)) for amount in (0.5, 2, 8, 32)]
    assert values == sorted(values, reverse=True)


@given(a=colour_images, b=colour_images, order=seeds)
def test_psnr_does_not_depend_on_where_the_errors_are(a: Array, b: Array, order: int) -> None:
    shuffled = np.random.default_rng(order).permutation(a.size)
    assert psnr(a.ravel()[shuffled], b.ravel()[shuffled]) == pytest.approx(psnr(a, b))


@pytest.mark.parametrize(
    ("colour", "value"),
    [  # BT.601 studio swing
        ((0, 0, 0), 16),
        ((255, 255, 255), 235),
        ((255, 0, 0), 81.481),
        ((0, 255, 0), 144.553),
        ((0, 0, 255), 40.966),
        ((128, 128, 128), 16 + 219 * 128 / 255),
    ],
)
def test_luma_of_a_known_colour_has_its_known_value(
    colour: tuple[int, int, int], value: float
) -> None:
    image = np.full((2, 3, 3), colour, np.uint8)
    np.testing.assert_allclose(luma(image), np.full((2, 3), value), rtol=1e-12)


def test_grey_values_are_exact_where_the_channels_are_equal_and_luma_in_full_swing_elsewhere(
    picture: Picture,
) -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    np.testing.assert_array_equal(grey_values(levels[..., None].repeat(3, 2)), levels)
    image = picture(9, 12)
    np.testing.assert_allclose(grey_values(image), (luma(image) - 16) * 255 / 219, rtol=1e-12)


def test_a_grey_ground_truth_is_compared_by_its_grey_values(
    judges: Judges, picture: Picture
) -> None:
    hr = picture(40, 48)[..., :1].repeat(3, 2)
    sr = hr // 2 * 2
    (grey,) = score([sr], GroundTruth(hr, 2, is_grey=True), judges)
    (rgb,) = score([sr], GroundTruth(hr, 2), judges)
    assert grey["psnr_y"] == pytest.approx(grey["psnr_rgb"])
    assert rgb["psnr_y"] == pytest.approx(grey["psnr_y"] + 20 * math.log10(255 / 219))
    assert grey["ssim_y"] != rgb["ssim_y"]
    assert {key for key in METRICS if grey[key] != rgb[key]} == {"psnr_y", "ssim_y"}
    (same,) = score([hr], GroundTruth(hr, 2, is_grey=True), judges)
    assert same["psnr_y"] == math.inf


@given(image=colour_images)
def test_luma_stays_in_studio_swing(image: RGB8) -> None:
    y = luma(image)
    assert y.shape == image.shape[:2]
    assert y.min() >= 16 - 1e-9
    assert y.max() <= 235 + 1e-9


@pytest.mark.parametrize(
    ("other", "expected"),
    [  # from the PyPI package pytorch-msssim 1.0.0, win_size=11, win_sigma=1.5, data_range=255
        ("noise", 0.633016),
        ("shift", 0.997417),
        ("negative", -0.419869),
    ],
)
def test_ssim_has_the_values_of_its_published_formula(
    picture: Picture, other: str, expected: float
) -> None:
    a = luma(picture(24, 27))
    b = {"noise": noisy(a, 12, seed=5), "shift": a + 10, "negative": 251 - a}[other]
    assert ssim(a, b) == pytest.approx(plain_ssim(a, b), abs=1e-7)
    assert ssim(a, b) == pytest.approx(expected, abs=2e-5)  # its window is float32


def test_ssim_of_two_flat_images_is_the_luminance_term_alone() -> None:
    a, b, c1 = 100.0, 150.0, 6.5025
    expected = (2 * a * b + c1) / (a**2 + b**2 + c1)
    assert ssim(np.full((11, 11), a), np.full((11, 11), b)) == pytest.approx(expected, abs=1e-9)


@given(image=colour_images)
def test_ssim_of_equal_images_is_one(image: RGB8) -> None:
    assert ssim(luma(image), luma(image)) == pytest.approx(1, abs=1e-12)


@given(a=colour_images, b=colour_images)
def test_ssim_is_symmetric_and_between_minus_one_and_one(a: RGB8, b: RGB8) -> None:
    value = ssim(luma(a), luma(b))
    assert -1 <= value <= 1
    assert value == pytest.approx(ssim(luma(b), luma(a)), abs=1e-12)


@given(seed=seeds)
def test_ssim_falls_with_noise(picture: Picture, seed: int) -> None:
    a = luma(picture(20, 20))
    values = [ssim(a, noisy(a, amount, seed)) for amount in (1, 4, 16, 64)]
    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_every_metric_has_a_convention_that_says_what_was_compared(scale: int) -> None:
    told = convention(scale)
    assert set(told) == set(METRICS)
    for about in told.values():
        assert {"input", "colour", "border", "mean"} <= set(about)
    for metric in ("psnr_rgb", "psnr_y", "ssim_y"):
        assert str(scale) in told[metric]["border"]
        assert told[metric]["range"] == 255


def test_the_metrics_are_those_that_other_tools_rely_on() -> None:
    assert {"mse", "psnr_rgb", "psnr_y", "ssim_y", "lpips", "lpips_vgg", "dists"} <= set(METRICS)


def test_a_score_has_every_metric_in_its_convention(judges: Judges, picture: Picture) -> None:
    hr = picture(40, 48)
    sr = noisy(hr, 9, seed=1).clip(0, 255).astype(np.uint8)
    scores = scored(sr, hr, 3, judges)
    assert list(scores) == list(METRICS)
    inner = slice(3, -3), slice(3, -3)
    difference = sr.astype(float) - hr
    assert scores["mse"] == pytest.approx(np.mean(difference**2) / 255**2)
    assert scores["psnr_rgb"] == pytest.approx(
        10 * np.log10(255**2 / np.mean(difference[inner] ** 2))
    )
    y = [16 + x @ np.array([65.481, 128.553, 24.966]) / 255 for x in (sr / 1.0, hr / 1.0)]
    shaved = [plane[inner] for plane in y]
    assert scores["psnr_y"] == pytest.approx(
        10 * np.log10(255**2 / np.mean((shaved[0] - shaved[1]) ** 2))
    )
    assert scores["ssim_y"] == pytest.approx(plain_ssim(*shaved), abs=1e-7)
    assert min(scores["lpips"], scores["lpips_vgg"], scores["dists"]) > 0


def test_results_that_are_scored_together_have_the_scores_that_they_have_alone(
    judges: Judges, picture: Picture
) -> None:
    hr = picture(40, 48)
    srs = [255 - hr, hr, picture(40, 48, phase=0.2)]
    together = list(score(srs, GroundTruth(hr, 2), judges))
    assert together == [scored(sr, hr, 2, judges) for sr in srs]


def test_the_mean_leaves_out_infinite_values_and_counts_their_images() -> None:
    images = [dict.fromkeys(METRICS, value) for value in (1.0, 2.0, 4.5)]
    images[0] |= {"psnr_rgb": math.inf, "psnr_y": math.inf}
    images[1] |= {"psnr_y": math.inf}
    mean = mean_score(images)
    assert mean == {**dict.fromkeys(METRICS, 2.5), "psnr_rgb": 3.25, "psnr_y": 4.5, "identical": 2}
    assert mean_score(images[:2]) == {
        **{key: 1.5 for key in METRICS if key not in ("psnr_rgb", "psnr_y")},
        "psnr_rgb": 2,
        "identical": 2,
    }
    assert mean_score(images[2:])["identical"] == 0


def test_a_perfect_result_has_the_best_score(judges: Judges, picture: Picture) -> None:
    hr = picture(40, 48)
    assert scored(hr, hr, 2, judges) == {
        "mse": 0,
        "psnr_rgb": math.inf,
        "psnr_y": math.inf,
        "ssim_y": pytest.approx(1),
        "lpips": 0,
        "lpips_vgg": 0,
        "dists": 0,
    }


@pytest.mark.parametrize("scale", [2, 4])
def test_errors_in_the_border_count_in_table_1s_mse_but_not_in_the_published_scores(
    judges: Judges, picture: Picture, scale: int
) -> None:
    hr = picture(40, 48)
    sr = hr.copy()
    sr[:scale] = 255 - sr[:scale]
    sr[:, -scale:] = 255 - sr[:, -scale:]
    scores = scored(sr, hr, scale, judges)
    assert scores["psnr_rgb"] == scores["psnr_y"] == math.inf
    assert scores["ssim_y"] == pytest.approx(1)
    assert scores["mse"] > 0.01
    sr[scale, scale] = 255 - sr[scale, scale]
    assert scored(sr, hr, scale, judges)["psnr_y"] < 60


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_an_image_of_the_smallest_size_has_a_score(
    judges: Judges, picture: Picture, scale: int
) -> None:
    side = smallest_val_side(scale)
    hr = picture(side, side)
    scores = scored(255 - hr, hr, scale, judges)
    assert all(math.isfinite(value) for value in scores.values())


def test_images_of_two_shapes_are_not_compared(judges: Judges, picture: Picture) -> None:
    with pytest.raises(ValueError, match="cannot compare"):
        scored(picture(40, 48), picture(48, 40), 2, judges)


def test_a_new_metric_is_one_entry(
    tmp_path: Path, judges: Judges, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    largest = Metric(
        "Largest error",
        lambda pair: float(np.abs(pair.sr.astype(int) - pair.hr).max()),
        lower_is_better=True,
        digits=0,
        report_digits=0,
        tolerance={"absolute": 1},
        convention={"colour": "RGB", "border": "{scale} pixels wide, not shaved"},
    )
    monkeypatch.setitem(METRICS, "largest", largest)
    images = [Pair("0001", picture(40, 48), picture(20, 24))]
    write_metrics(list(evaluate(images, {}, 2, judges, tmp_path / "sr")), 2, tmp_path)
    results = Results(2, {"0001": "a.png"}, read_scores(tmp_path / "x2.csv"), tmp_path, tmp_path)
    assert (results.table("largest") >= 1).all(axis=None)
    write_comparisons(compare([results]), tmp_path / "comparisons.csv", tmp_path / "comparisons.md")
    assert "largest" in set(read_csv(tmp_path / "comparisons.csv", "claims")["metric"])
    stored = json.loads((tmp_path / "x2_convention.json").read_text())
    assert stored["largest"]["border"] == "2 pixels wide, not shaved"
    assert provenance(torch.device("cpu"), {})["tolerance"]["largest"] == {"absolute": 1}
