import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from srcnn.cli.score import as_json, as_table, score_pairs
from srcnn.cli.score_pairs import find_pairs
from srcnn.evaluation.judges import Judge
from srcnn.evaluation.metrics import METRICS, GroundTruth, convention, score
from srcnn.images.image_io import RGB8, write_png

Picture = Callable[..., RGB8]

Judges = dict[str, Judge]

PERFECT = {"mse": 0.0, "psnr_rgb": math.inf, "psnr_y": math.inf, "ssim_y": 1.0}
PERFECT |= {"lpips": 0.0, "lpips_vgg": 0.0, "dists": 0.0}
POOR = {"mse": 0.0123456, "psnr_rgb": 20.0, "psnr_y": 21.5, "ssim_y": 0.5}
POOR |= {"lpips": 0.25, "lpips_vgg": 0.3, "dists": 0.1}


def scored(folder: Path, scale: int, judges: Judges) -> dict[str, dict[str, float]]:
    return dict(score_pairs(find_pairs(folder / "sr", folder / "hr", scale), scale, judges))


def test_scores_are_those_of_the_metrics_to_six_digits(
    tmp_path: Path, picture: Picture, judges: Judges
) -> None:
    images = {"a": (picture(40, 44), picture(41, 45, phase=0.1)), "b": (picture(36, 36),) * 2}
    for name, (sr, hr) in images.items():
        write_png(tmp_path / f"sr/{name}x2.png", sr)
        write_png(tmp_path / f"hr/{name}.png", hr)
    scores = scored(tmp_path, 2, judges)
    assert list(scores) == ["a", "b"]
    (expected,) = score([images["a"][0]], GroundTruth(images["a"][1][:40, :44], 2), judges)
    assert list(scores["a"]) == list(METRICS)
    for metric, value in scores["a"].items():
        assert value == pytest.approx(expected[metric], rel=1e-4 if metric in judges else 5e-6)
        assert value == float(f"{value:.6g}")


@pytest.mark.parametrize("constant", [True, False])
def test_equal_images_are_perfect_and_their_json_is_valid(
    tmp_path: Path, picture: Picture, judges: Judges, constant: bool
) -> None:
    image = np.full((40, 40, 3), 128, np.uint8) if constant else picture(40, 40)
    for folder in ("sr", "hr"):
        write_png(tmp_path / folder / "a.png", image)
    scores = scored(tmp_path, 4, judges)
    assert scores == {"a": PERFECT}
    printed = json.loads(json.dumps(as_json(scores, 4), allow_nan=False))
    assert printed["images"]["a"]["psnr_y"] is None
    assert "psnr_y" not in printed["mean"]
    assert printed["mean"]["identical"] == 1


def test_two_constant_images_have_finite_scores(tmp_path: Path, judges: Judges) -> None:
    write_png(tmp_path / "sr/a.png", np.zeros((40, 40, 3), np.uint8))
    write_png(tmp_path / "hr/a.png", np.full((40, 40, 3), 255, np.uint8))
    scores = scored(tmp_path, 2, judges)
    assert scores["a"]["mse"] == 1
    assert scores["a"]["psnr_rgb"] == 0
    assert np.isfinite(list(scores["a"].values())).all()


def test_the_json_holds_images_their_mean_and_the_convention() -> None:
    assert as_json({"a": PERFECT, "é": POOR}, 3) == {
        "images": {"a": {**PERFECT, "psnr_rgb": None, "psnr_y": None}, "é": POOR},
        "mean": {
            **{"mse": 0.0061728, "psnr_rgb": 20.0, "psnr_y": 21.5, "ssim_y": 0.75},
            **{"lpips": 0.125, "lpips_vgg": 0.15, "dists": 0.05, "identical": 1},
        },
        "convention": convention(3),
    }


def test_the_table_is_aligned_and_ends_with_the_mean() -> None:
    assert as_table({"baby": POOR, "x/方法": PERFECT}, 2).splitlines() == [
        "image        mse  psnr_rgb  psnr_y  ssim_y   lpips  lpips_vgg   dists",
        "baby    0.012346     20.00   21.50  0.5000  0.2500     0.3000  0.1000",
        "x/方法  0.000000         ∞       ∞  1.0000  0.0000     0.0000  0.0000",
        "mean    0.006173     20.00   21.50  0.7500  0.1250     0.1500  0.0500",
        "",
        "PSNR and SSIM omit 2 pixels on each side; the other metrics use the whole image.",
        "Identical to the ground truth: 1 of 2 images. Their PSNR is infinite, and the mean "
        "leaves it out.",
    ]


def test_a_mean_that_does_not_exist_is_a_dash() -> None:
    row = as_table({"a": PERFECT}, 2).splitlines()[2].split()
    assert row == ["mean", "0.000000", "–", "–", "1.0000", "0.0000", "0.0000", "0.0000"]


def test_control_characters_in_names_are_escaped() -> None:
    table = as_table({"a\nb\x1b[31m": POOR}, 2)
    assert r"a\nb\x1b[31m  " in table
    assert len(table.splitlines()) == 5
    assert table.replace("\n", "").isprintable()
