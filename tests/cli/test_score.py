import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from srcnn.cli.score import Scores, as_json, as_table, mean_scores, score_pairs
from srcnn.cli.score_pairs import find_pairs
from srcnn.evaluation.lpips import LPIPS
from srcnn.evaluation.metrics import BEST_PSNR, METRICS, convention, score
from srcnn.images.image_io import RGB8, write_png

Picture = Callable[..., RGB8]

PERFECT = {"mse": 0.0, "psnr_rgb": 100.0, "psnr_y": 100.0, "ssim_y": 1.0, "lpips": 0.0}
POOR = {"mse": 0.0123456, "psnr_rgb": 20.0, "psnr_y": 21.5, "ssim_y": 0.5, "lpips": 0.25}


def scored(folder: Path, scale: int, lpips: LPIPS) -> dict[str, dict[str, float]]:
    return dict(score_pairs(find_pairs(folder / "sr", folder / "hr", scale), scale, lpips))


def test_scores_are_those_of_the_metrics_to_six_digits(
    tmp_path: Path, picture: Picture, lpips: LPIPS
) -> None:
    images = {"a": (picture(40, 44), picture(41, 45, phase=0.1)), "b": (picture(36, 36),) * 2}
    for name, (sr, hr) in images.items():
        write_png(tmp_path / f"sr/{name}x2.png", sr)
        write_png(tmp_path / f"hr/{name}.png", hr)
    scores = scored(tmp_path, 2, lpips)
    assert list(scores) == ["a", "b"]
    expected = score(images["a"][0], images["a"][1][:40, :44], 2, lpips)
    assert list(scores["a"]) == list(METRICS)
    for metric, value in scores["a"].items():
        assert value == pytest.approx(expected[metric], rel=1e-4 if metric == "lpips" else 5e-6)
        assert value == float(f"{value:.6g}")


@pytest.mark.parametrize("constant", [True, False])
def test_equal_images_are_perfect_and_their_json_is_valid(
    tmp_path: Path, picture: Picture, lpips: LPIPS, constant: bool
) -> None:
    image = np.full((40, 40, 3), 128, np.uint8) if constant else picture(40, 40)
    for folder in ("sr", "hr"):
        write_png(tmp_path / folder / "a.png", image)
    scores = scored(tmp_path, 4, lpips)
    assert scores == {"a": PERFECT}
    assert PERFECT["psnr_y"] == BEST_PSNR
    json.dumps(as_json(scores, 4), allow_nan=False)


def test_two_constant_images_have_finite_scores(tmp_path: Path, lpips: LPIPS) -> None:
    write_png(tmp_path / "sr/a.png", np.zeros((40, 40, 3), np.uint8))
    write_png(tmp_path / "hr/a.png", np.full((40, 40, 3), 255, np.uint8))
    scores = scored(tmp_path, 2, lpips)
    assert scores["a"]["mse"] == 1
    assert scores["a"]["psnr_rgb"] == 0
    assert np.isfinite(list(scores["a"].values())).all()


def test_the_mean_is_over_the_images() -> None:
    scores: Scores = {"a": PERFECT, "b": POOR}
    assert mean_scores(scores) == {
        "mse": 0.0061728,
        "psnr_rgb": 60.0,
        "psnr_y": 60.75,
        "ssim_y": 0.75,
        "lpips": 0.125,
    }
    assert mean_scores({"b": POOR}) == POOR


def test_the_json_holds_images_their_mean_and_the_convention() -> None:
    assert as_json({"a": PERFECT, "é": POOR}, 3) == {
        "images": {"a": PERFECT, "é": POOR},
        "mean": mean_scores({"a": PERFECT, "é": POOR}),
        "convention": convention(3),
    }


def test_the_table_is_aligned_and_ends_with_the_mean() -> None:
    assert as_table({"baby": POOR, "x/方法": PERFECT}, 2).splitlines() == [
        "image        mse  psnr_rgb  psnr_y  ssim_y   lpips",
        "baby    0.012346     20.00   21.50  0.5000  0.2500",
        "x/方法  0.000000    100.00  100.00  1.0000  0.0000",
        "mean    0.006173     60.00   60.75  0.7500  0.1250",
        "",
        "PSNR and SSIM omit 2 pixels on each side; the other metrics use the whole image.",
    ]


def test_control_characters_in_names_are_escaped() -> None:
    table = as_table({"a\nb\x1b[31m": POOR}, 2)
    assert r"a\nb\x1b[31m  " in table
    assert len(table.splitlines()) == 5
    assert table.replace("\n", "").isprintable()
