import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from ruamel.yaml import YAML

from srcnn.errors import InputError
from srcnn.evaluation.benchmark_sets import (
    find_benchmark,
    read_val_scores,
    score_benchmark,
    write_benchmarks,
)
from srcnn.evaluation.evaluate import evaluate, identify, write_metrics
from srcnn.evaluation.judges import Judge
from srcnn.evaluation.metrics import METRICS, GroundTruth, ImagePair
from srcnn.evaluation.published_scores import PUBLISHED, Published, find_published
from srcnn.images.image_io import RGB8, crop_to_multiple, pixel_checksum, write_png
from srcnn.images.pairs import Pair
from srcnn.images.resize import imresize
from srcnn.models.model_files import save_model
from srcnn.models.srcnn import SRCNN
from srcnn.models.tensors import write_tensors
from srcnn.settings import read_settings
from srcnn.utils.methods import METHODS
from srcnn.utils.tables import write_csv
from srcnn.utils.yaml_files import parse_yaml
from stages import benchmarks
from tests.small_results import small_weights

Judges = dict[str, Judge]
OneLine = Callable[[Any], str]
SetScores = dict[str, Any]
Picture = Callable[..., RGB8]


def model(scale: int) -> SRCNN:
    torch.manual_seed(1)
    made = SRCNN(scale).eval()
    made.start_from_interpolation()
    return made


def made_scores(images: int, *scales: int) -> SetScores:
    """Scores of all methods, each a little better than the one before."""
    means = {
        method: dict.fromkeys(METRICS, 20 + number + 0.123456)
        for number, method in enumerate(METHODS)
    }
    return {"images": images, **{f"x{scale}": means for scale in scales}}


def written(folder: Path, **sets: SetScores) -> tuple[Any, str]:
    """The JSON and the Markdown."""
    write_benchmarks(sets, folder / "benchmarks.json", folder / "benchmarks.md")
    return (
        json.loads((folder / "benchmarks.json").read_text()),
        (folder / "benchmarks.md").read_text(),
    )


def cells(markdown: str) -> list[list[str]]:
    """The cells of the table's rows without its header."""
    lines = [line for line in markdown.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


@pytest.fixture
def folder(tmp_path: Path, picture: Picture) -> Path:
    """A set of a colour and a grey photograph, with sides that are no multiples of 2 or 4."""
    write_png(tmp_path / "set/colour.png", picture(43, 47))
    write_png(tmp_path / "set/more/grey.png", picture(41, 41)[..., 0])
    return tmp_path / "set"


def test_low_resolution_is_made_of_the_image_cropped_to_a_multiple_of_the_scale(
    folder: Path, picture: Picture
) -> None:
    colour, grey = find_benchmark("mine", folder, (2, 4)).pairs(4)
    assert (colour.name, grey.name) == ("colour.png", "more/grey.png")
    np.testing.assert_array_equal(colour.hr, crop_to_multiple(picture(43, 47), 4))
    np.testing.assert_array_equal(colour.lr, imresize(colour.hr, 1 / 4))
    assert grey.hr.shape == (40, 40, 3)
    assert (colour.is_grey, grey.is_grey) == (False, True)
    assert (grey.hr == grey.hr[..., :1]).all()


def test_the_means_equal_those_of_val_images(folder: Path, tmp_path: Path, judges: Judges) -> None:
    benchmark, models = find_benchmark("mine", folder, (2,)), {"mse": model(2)}
    rows = list(evaluate(benchmark.pairs(2), models, 2, judges, tmp_path / "sr"))
    write_metrics(rows, 2, tmp_path)
    expected = json.loads((tmp_path / "x2.json").read_text())
    assert score_benchmark(benchmark, models, 2, judges) == expected


def test_images_that_are_val_images_too_are_not_scored_again(
    folder: Path, tmp_path: Path, judges: Judges, picture: Picture
) -> None:
    benchmark, models = find_benchmark("mine", folder, (2,)), {"mse": model(2)}
    expected = score_benchmark(benchmark, models, 2, judges)
    colour = crop_to_multiple(picture(43, 47), 2)
    grey = next(pair.hr for pair in benchmark.pairs(2) if pair.is_grey)
    for number, hr in enumerate((colour, grey, picture(44, 44)), 1):
        write_png(tmp_path / f"val/{number:04d}.png", hr)
    names = pd.DataFrame({"image": ["0001", "0002", "0003"], "name": ["a", "b", "c"]})
    write_csv(names, tmp_path / "index.csv")
    pairs = [Pair("0001", colour, imresize(colour, 1 / 2), False)]
    rows = list(evaluate(pairs, models, 2, judges))
    rows += [row | {"image": "0002", "psnr_y": 99.0} for row in rows]  # of an RGB image, not grey
    write_metrics(rows, 2, tmp_path)
    write_csv(identify(tmp_path / "val", tmp_path / "index.csv"), tmp_path / "x2_images.csv")
    known = read_val_scores(2, tmp_path)
    assert set(known) == {pixel_checksum(colour), pixel_checksum(grey)}
    assert score_benchmark(benchmark, models, 2, judges, known) == expected
    changed = {key: [row | {"lpips": 7.0} for row in rows] for key, rows in known.items()}
    found = score_benchmark(benchmark, models, 2, judges, changed)
    other = 2 * expected["mse"]["lpips"] - known[pixel_checksum(colour)][-1]["lpips"]
    assert found["mse"]["lpips"] == pytest.approx((7.0 + other) / 2, abs=1e-5)


@pytest.mark.parametrize(("size", "scale", "least"), [((31, 60), 2, 32), ((43, 60), 16, 48)])
def test_an_image_too_small_to_be_scored_is_refused_before_any_is_scored(
    tmp_path: Path,
    picture: Picture,
    one_line: OneLine,
    size: tuple[int, int],
    scale: int,
    least: int,
) -> None:
    write_png(tmp_path / "small.png", picture(*size))
    with pytest.raises(InputError) as caught:
        find_benchmark("mine", tmp_path, (scale,))
    message = one_line(caught)
    assert message.startswith(f"evaluate.benchmarks.mine: {tmp_path / 'small.png'}: ")
    assert f"×{scale}; at least {least}×{least}" in message


def test_a_missing_and_an_empty_folder_are_refused(tmp_path: Path, one_line: OneLine) -> None:
    for folder, said in ((tmp_path / "none", "no such folder"), (tmp_path, "no images")):
        with pytest.raises(InputError) as caught:
            find_benchmark("Set5", folder, (2,))
        assert one_line(caught).startswith(f"evaluate.benchmarks.Set5: {folder}: {said}")


def test_without_a_set_the_metrics_are_empty_and_the_page_says_how_to_name_one(
    tmp_path: Path,
) -> None:
    stored, markdown = written(tmp_path)
    assert stored == {}
    example = markdown.split("```")[1].removeprefix("yaml\n")
    assert parse_yaml(example, "example") == {
        "evaluate": {"benchmarks": {"Set5": "~/sets/Set5/HR"}}
    }


def test_the_metrics_map_set_to_scale_to_method_to_metric(tmp_path: Path) -> None:
    mine, other = made_scores(3, 2, 4), made_scores(1, 2)
    stored, _ = written(tmp_path, mine=mine, other=other)
    assert stored == {"mine": mine, "other": other}
    assert list(stored["mine"]["x4"]) == list(METHODS)


def test_the_table_has_a_row_for_each_set_scale_and_method(tmp_path: Path) -> None:
    _, markdown = written(tmp_path, my_set=made_scores(3, 2, 4))
    rows = cells(markdown)
    assert [row[:3] for row in rows] == [
        ["my\\_set (3)", f"×{scale}", f"`{method}`"] for scale in (2, 4) for method in METHODS
    ]
    assert rows[0][3:] == ["20.12", "20.1235", "20.1235", "–"]


@pytest.mark.parametrize("name", ["Set5", "set5", "SET5"])
def test_published_scores_are_shown_beside_bicubic_and_srcnn(tmp_path: Path, name: str) -> None:
    _, markdown = written(tmp_path, **{name: made_scores(5, 2, 4, 8)})
    published = {(row[1], row[2]): row[6] for row in cells(markdown) if row[6] != "–"}
    assert published == {
        ("×2", "`bicubic`"): "33.66",
        ("×2", "`mse`"): "36.66 (SRCNN 9-5-5)",
        ("×4", "`bicubic`"): "28.42",
        ("×4", "`mse`"): "30.48 (SRCNN 9-5-5)",
    }


@pytest.mark.parametrize(("name", "images"), [("Set5", 4), ("mine", 5), ("BSD100", 99)])
def test_other_sets_and_parts_of_sets_have_no_published_score(
    tmp_path: Path, name: str, images: int
) -> None:
    _, markdown = written(tmp_path, **{name: made_scores(images, 2)})
    assert {row[6] for row in cells(markdown)} == {"–"}


def test_published_bicubic_is_worse_than_published_srcnn_and_falls_with_the_scale() -> None:
    def is_better(first: Published, second: Published) -> bool:
        return first.psnr_y > second.psnr_y and first.ssim_y > second.ssim_y

    bicubic, small, large = (PUBLISHED[key] for key in ("bicubic", "srcnn_9_1_5", "srcnn_9_5_5"))
    for published in (bicubic, small, large):
        for scores in published.values():
            assert is_better(scores[2], scores[3])
            assert is_better(scores[3], scores[4])
    for name in small:
        for scale in (2, 3, 4):
            assert is_better(small[name][scale], bicubic[name][scale])
            assert is_better(large[name][scale], small[name][scale])


@pytest.fixture
def run_stage(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[Any, str]]:
    """A function that runs the stage in its own folder at ×2 and ×4: the JSON and the Markdown."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("srcnn.models.device.best_device", lambda: torch.device("cpu"))

    def run(**sets: str) -> tuple[Any, str]:
        yaml = YAML()
        values = yaml.load(project / "params.yaml")
        values["scales"], values["evaluate"]["benchmarks"] = [2, 4], sets
        yaml.dump(values, Path("params.yaml"))
        benchmarks.main(read_settings())
        return (
            json.loads(Path("metrics/benchmarks.json").read_text()),
            Path("plots/benchmarks.md").read_text(),
        )

    return run


def write_models(*scales: int) -> None:
    write_tensors(small_weights("alexnet"), Path("data/weights/lpips.safetensors"), {})
    write_tensors(small_weights("vgg16"), Path("data/weights/judges_vgg16.safetensors"), {})
    for scale in scales:
        for loss in ("mse", "perceptual"):
            save_model(model(scale), Path(f"models/x{scale}/{loss}.safetensors"), {})


def test_the_stage_needs_no_models_if_no_set_is_named(
    run_stage: Callable[..., tuple[Any, str]],
) -> None:
    stored, markdown = run_stage()
    assert stored == {}
    assert "No set is named" in markdown


def test_the_stage_scores_every_set_at_every_scale(
    run_stage: Callable[..., tuple[Any, str]], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_models(2, 4)
    for name in ("x2", "x4"):  # no val images
        scores = pd.DataFrame(columns=["image", "method", *METRICS])
        write_csv(scores, Path(f"metrics/{name}.csv"))
        write_csv(pd.DataFrame(columns=["image", "sha256"]), Path(f"metrics/{name}_images.csv"))
    stored, markdown = run_stage(mine=str(folder))
    assert list(stored["mine"]) == ["images", "x2", "x4"]
    assert stored["mine"]["images"] == 2
    for scale in ("x2", "x4"):
        assert list(stored["mine"][scale]) == list(METHODS)
        for values in stored["mine"][scale].values():
            assert list(values) == [*METRICS, "identical"]
            assert all(value == float(f"{value:.6g}") for value in values.values())
    assert len(cells(markdown)) == 2 * len(METHODS)
    assert len(capsys.readouterr().out.splitlines()) == 2 * len(METHODS)
    assert not Path("data/sr").exists()


def test_a_missing_model_of_a_later_scale_is_refused_before_any_image_is_scored(
    run_stage: Callable[..., tuple[Any, str]], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_models(2)
    with pytest.raises(InputError, match=r"models/x4/mse\.safetensors"):
        run_stage(mine=str(folder))
    assert capsys.readouterr().out == ""
    assert not Path("metrics").exists()


@pytest.mark.parametrize(("scale", "psnr", "as_rgb"), [(2, 30.23, 30.32), (4, 25.99, 26.09)])
def test_grey_images_of_set14_are_scored_as_papers_do(
    assets: Path, scale: int, psnr: float, as_rgb: float
) -> None:
    benchmark = find_benchmark("Set14", assets / "Set14", (scale,))
    found: dict[bool, list[float]] = {True: [], False: []}
    for pair in benchmark.pairs(scale):
        sr = imresize(pair.lr, scale)
        for rule, scores in found.items():
            truth = GroundTruth(pair.hr, scale, pair.is_grey and rule)
            scores.append(METRICS["psnr_y"].compute(ImagePair(sr, truth, {})))
    assert np.mean(found[True]) == pytest.approx(psnr, abs=0.005)
    assert np.mean(found[False]) == pytest.approx(as_rgb, abs=0.005)
    published = find_published("bicubic", "Set14", len(benchmark.files), scale)
    assert published
    assert np.mean(found[True]) == pytest.approx(published.psnr_y, abs=0.02)


@pytest.mark.parametrize(("scale", "psnr"), [(2, 33.67), (4, 28.43)])
def test_bicubic_has_its_published_score_on_set5(
    assets: Path, judges: Judges, scale: int, psnr: float
) -> None:
    benchmark = find_benchmark("Set5", assets / "Set5/HR", (scale,))
    means = score_benchmark(benchmark, {}, scale, judges)
    assert means["bicubic"]["psnr_y"] == pytest.approx(psnr, abs=0.01)
    published = find_published("bicubic", "Set5", len(benchmark.files), scale)
    assert published
    assert means["bicubic"]["psnr_y"] == pytest.approx(published.psnr_y, abs=0.02)
    assert means["bicubic"]["ssim_y"] == pytest.approx(published.ssim_y, abs=0.002)
