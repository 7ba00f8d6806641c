import csv
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from srcnn.analysis.results import read_scores
from srcnn.errors import InputError
from srcnn.evaluation.evaluate import (
    evaluate,
    identify,
    mean_scores,
    tabulate_scores,
    write_metrics,
)
from srcnn.evaluation.judges import Judge
from srcnn.evaluation.metrics import METRICS, GroundTruth, convention, score
from srcnn.images.image_io import RGB8, read_rgb, write_png
from srcnn.images.pairs import Pair
from srcnn.images.resize import imresize
from srcnn.models.srcnn import SRCNN
from srcnn.utils.methods import METHODS

MakePair = Callable[..., Pair]
OneLine = Callable[[Any], str]
Judges = dict[str, Judge]
Rows = list[dict[str, Any]]
Picture = Callable[..., RGB8]


def models(scale: int) -> dict[str, SRCNN]:
    made = {}
    for seed, name in enumerate(("mse", "perceptual")):
        torch.manual_seed(seed)
        made[name] = SRCNN(scale).eval()
        made[name].start_from_interpolation()
    return made


@pytest.fixture(scope="module")
def pairs(make_pair: MakePair) -> list[Pair]:
    return [make_pair("0011", 40, 48, 2), make_pair("0012", 36, 44, 2, phase=1)]


@pytest.fixture(scope="module")
def sr_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sr")


@pytest.fixture(scope="module")
def rows(pairs: list[Pair], sr_folder: Path, judges: Judges) -> Rows:
    return list(evaluate(pairs, models(2), 2, judges, sr_folder))


def test_every_image_is_scored_by_every_method(rows: Rows) -> None:
    assert [(row["image"], row["method"]) for row in rows] == [
        (image, method) for image in ("0011", "0012") for method in METHODS
    ]
    assert METHODS == ("nearest", "bilinear", "bicubic", "lanczos", "mse", "perceptual")
    assert all(set(row) == {"image", "method", *METRICS} for row in rows)


def test_images_are_read_one_by_one(pairs: list[Pair], tmp_path: Path, judges: Judges) -> None:
    asked = []

    def noted() -> Iterator[Pair]:
        for pair in pairs:
            asked.append(pair.name)
            yield pair

    for row in evaluate(noted(), models(2), 2, judges, tmp_path):
        assert asked[-1] == row["image"]
    assert len(asked) == len(pairs)


def test_saved_images_are_the_scored_ones(
    rows: Rows, pairs: list[Pair], sr_folder: Path, judges: Judges
) -> None:
    hr = {pair.name: pair.hr for pair in pairs}
    for row in rows:
        sr = read_rgb(sr_folder / row["method"] / f"{row['image']}.png")
        (scores,) = score([sr], GroundTruth(hr[row["image"]], 2), judges)
        for metric, value in scores.items():
            # The last digits depend on how an array lies in memory; judges use float32.
            tolerance = 1e-4 if metric in judges else 1e-12
            assert row[metric] == pytest.approx(value, rel=tolerance, abs=0)
    assert len(list(sr_folder.rglob("*.*"))) == len(rows)


def test_the_interpolations_are_matlabs_on_uint8(
    rows: Rows, pairs: list[Pair], sr_folder: Path
) -> None:
    for pair in pairs:
        bicubic = read_rgb(sr_folder / f"bicubic/{pair.name}.png")
        np.testing.assert_array_equal(bicubic, imresize(pair.lr, 2, kernel="bicubic"))
        nearest = read_rgb(sr_folder / f"nearest/{pair.name}.png")
        np.testing.assert_array_equal(nearest, pair.lr.repeat(2, 0).repeat(2, 1))


def test_a_better_interpolation_scores_better(rows: Rows) -> None:
    mean = mean_scores(tabulate_scores(rows))
    assert mean["lanczos"]["psnr_y"] > mean["bilinear"]["psnr_y"]
    assert mean["bicubic"]["psnr_y"] > mean["bilinear"]["psnr_y"] > mean["nearest"]["psnr_y"]


def test_the_means_are_over_the_images_of_each_method(rows: Rows) -> None:
    mean = mean_scores(tabulate_scores(rows))
    assert tuple(mean) == METHODS
    for method, metric in ((method, metric) for method in METHODS for metric in METRICS):
        values = [row[metric] for row in rows if row["method"] == method]
        assert mean[method][metric] == pytest.approx(sum(values) / 2, rel=1e-5)


def test_the_metrics_file_maps_method_to_metric_to_mean(tmp_path: Path, rows: Rows) -> None:
    write_metrics(rows, 2, tmp_path)
    stored = json.loads((tmp_path / "x2.json").read_text())
    assert list(stored) == list(METHODS)
    for method, values in mean_scores(tabulate_scores(rows)).items():
        assert list(stored[method]) == [*METRICS, "identical"]
        assert stored[method] == values


def test_the_table_has_a_row_for_every_image_and_method(tmp_path: Path, rows: Rows) -> None:
    write_metrics(rows, 2, tmp_path)
    with (tmp_path / "x2.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert list(table[0]) == ["image", "method", *METRICS]
    assert [(row["image"], row["method"]) for row in table] == [
        (row["image"], row["method"]) for row in rows
    ]


def test_the_convention_is_stored_beside_the_numbers(tmp_path: Path, rows: Rows) -> None:
    write_metrics(rows, 2, tmp_path)
    assert json.loads((tmp_path / "x2_convention.json").read_text()) == convention(2)


def test_numbers_have_six_significant_digits(tmp_path: Path, rows: Rows) -> None:
    write_metrics(rows, 2, tmp_path)
    with (tmp_path / "x2.csv").open(newline="") as file:
        numbers = [row[metric] for row in csv.DictReader(file) for metric in METRICS]
    stored = json.loads((tmp_path / "x2.json").read_text(), parse_float=str)
    numbers += [str(values[metric]) for values in stored.values() for metric in METRICS]
    for number in numbers:
        assert float(number) == float(f"{float(number):.6g}")
    assert any(len(number.strip("0.").replace(".", "")) == 6 for number in numbers)


def test_rows_that_are_written_read_back_to_six_digits(tmp_path: Path, rows: Rows) -> None:
    write_metrics(rows, 2, tmp_path)
    read = read_scores(tmp_path / "x2.csv")
    for row, expected in zip(read.to_dict("records"), rows, strict=True):
        assert (row["image"], row["method"]) == (expected["image"], expected["method"])
        for metric in METRICS:
            assert row[metric] == pytest.approx(expected[metric], rel=1e-5)


def test_the_same_rows_give_the_same_bytes(tmp_path: Path, rows: Rows) -> None:
    for folder in ("a", "b"):
        write_metrics(rows, 2, tmp_path / folder)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_identical_results_are_counted_and_their_psnr_is_left_out(
    tmp_path: Path, make_pair: MakePair, judges: Judges
) -> None:
    # Every interpolation restores an image of one colour exactly.
    flat = Pair("0001", np.full((40, 40, 3), 128, np.uint8), np.full((20, 20, 3), 128, np.uint8))
    other = make_pair("0002", 40, 48)
    rows = list(evaluate([flat, other], {}, 2, judges))
    write_metrics(rows, 2, tmp_path)
    stored = json.loads((tmp_path / "x2.json").read_text())
    scores = read_scores(tmp_path / "x2.csv").set_index(["image", "method"])
    for method, means in stored.items():
        assert scores.loc[("0001", method), "psnr_y"] == np.inf
        assert means["psnr_y"] == scores.loc[("0002", method), "psnr_y"]
        assert means["mse"] == pytest.approx(scores.loc[("0002", method), "mse"] / 2, rel=1e-5)
        assert means["identical"] == 1
    assert "0001,bicubic,0.0,inf,inf,1.0,0.0,0.0,0.0\n" in (tmp_path / "x2.csv").read_text()


def test_if_all_results_are_identical_there_is_no_mean_psnr(tmp_path: Path, judges: Judges) -> None:
    flat = Pair("0001", np.full((40, 40, 3), 128, np.uint8), np.full((20, 20, 3), 128, np.uint8))
    write_metrics(evaluate([flat], {}, 2, judges), 2, tmp_path)

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    stored = json.loads((tmp_path / "x2.json").read_text(), parse_constant=refuse)
    names = ["mse", "ssim_y", "lpips", "lpips_vgg", "dists", "identical"]
    assert list(stored["bicubic"]) == names
    assert stored["bicubic"]["identical"] == 1


@pytest.mark.parametrize(("height", "width"), [(4, 40), (12, 40), (24, 24)])
def test_an_image_too_small_to_be_scored_is_named_in_one_line(
    tmp_path: Path,
    make_pair: MakePair,
    judges: Judges,
    one_line: OneLine,
    height: int,
    width: int,
) -> None:
    pair = make_pair("0011", height, width, 2)
    with pytest.raises(InputError) as caught:
        list(evaluate([pair], {}, 2, judges, tmp_path))
    assert "0011" in one_line(caught)


def test_images_are_identified_by_their_pixels_and_not_by_their_numbers(tmp_path: Path) -> None:
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    files = {"0003": pixels, "0004": pixels.reshape(4, 2, 3), "0005": pixels}
    for number, image in files.items():
        write_png(tmp_path / f"val/{number}.png", image)
    index = 'image,split,name\n0001,train,z\n0003,val,NA\n0004,val,b.png\n0005,val,"c,d.png"\n'
    (tmp_path / "index.csv").write_text(index)
    found = identify(tmp_path / "val", tmp_path / "index.csv")
    assert list(found["image"]) == list(files)
    assert list(found["name"]) == ["NA", "b.png", "c,d.png"]
    first, turned, again = found["sha256"]
    assert first == again == hashlib.sha256(b"2x4\n" + bytes(range(24))).hexdigest() != turned


def test_an_image_that_the_index_does_not_list_is_named(tmp_path: Path, one_line: OneLine) -> None:
    write_png(tmp_path / "val/0003.png", np.zeros((2, 2, 3), np.uint8))
    (tmp_path / "index.csv").write_text("image,split,name\n0001,val,a.png\n")
    with pytest.raises(InputError) as caught:
        identify(tmp_path / "val", tmp_path / "index.csv")
    assert "val/0003.png; run the stage fetch_data again" in one_line(caught)
