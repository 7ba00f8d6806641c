from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from srcnn.analysis.results import (
    Cost,
    Devices,
    Results,
    read_all,
    read_cost,
    read_cpu_time,
    read_curve,
    read_devices,
    read_peaks,
    read_scores,
)
from srcnn.errors import InputError
from srcnn.evaluation.metrics import METRICS
from srcnn.models.model_files import save_model
from srcnn.models.srcnn import SRCNN
from srcnn.utils.files import write_json
from srcnn.utils.tables import write_csv
from tests.small_results import score_table

OneLine = Callable[[Any], str]


@pytest.fixture
def results() -> Results:
    """Results whose images are scored by methods that are not in the order of the alphabet."""
    scores = {
        (image, method): {"mse": mse + step, "lpips": 0.5 * mse}
        for image, mse in (("0011", 1.0), ("0012", 3.0))
        for step, method in enumerate(("nearest", "mse", "perceptual", "deep"))
    }
    return Results(2, {"0011": "cat.png", "0012": "NA"}, score_table(scores), Path(), Path())


def test_methods_and_metrics_keep_the_order_of_the_file(results: Results) -> None:
    assert results.methods == ["nearest", "mse", "perceptual", "deep"]
    assert results.models == ["mse", "perceptual", "deep"]
    assert list(results.means()) == ["mse", "lpips"]


def test_a_metric_is_a_table_of_images_and_methods(results: Results) -> None:
    table = results.table("mse")
    assert list(table.columns) == results.methods
    assert table["perceptual"].to_dict() == {"0011": 3.0, "0012": 5.0}
    assert results.score("0012", "mse").to_dict() == {"mse": 4.0, "lpips": 1.5}


def test_means_are_over_the_images_of_each_method(results: Results) -> None:
    expected = pd.DataFrame({"mse": [2.0, 3.0, 4.0, 5.0], "lpips": 1.0}, index=results.methods)
    pd.testing.assert_frame_equal(results.means(), expected, check_names=False)


def write_inputs(folder: Path, listed: str = "0011") -> None:
    """Write scores of image 0011 and an index of `listed`."""
    scores = {"image": "0011", "method": "mse", **dict.fromkeys(METRICS, 0.5)}
    write_csv(pd.DataFrame([scores]), folder / "metrics/x4.csv")
    index = pd.DataFrame([{"image": listed, "split": "val", "name": "cat.png"}])
    write_csv(index, folder / "data/hr/index.csv")


def test_results_are_read_with_the_names_of_the_photographs(tmp_path: Path) -> None:
    write_inputs(tmp_path)
    (results,) = read_all([4], tmp_path / "metrics", tmp_path / "data")
    assert results.names == {"0011": "cat.png"}
    assert results.score("0011", "mse")["lpips"] == 0.5
    assert results.sr == tmp_path / "data/sr/x4"


@pytest.mark.parametrize(
    ("missing", "stage"), [("metrics/x4.csv", "evaluate"), ("data/hr/index.csv", "fetch_data")]
)
def test_a_missing_file_is_named_with_the_stage_that_makes_it(
    tmp_path: Path, one_line: OneLine, missing: str, stage: str
) -> None:
    write_inputs(tmp_path)
    (tmp_path / missing).unlink()
    with pytest.raises(InputError) as caught:
        read_all([4], tmp_path / "metrics", tmp_path / "data")
    assert str(tmp_path / missing) in one_line(caught)
    assert stage in one_line(caught)


def test_scores_of_an_image_that_is_not_listed_are_refused(
    tmp_path: Path, one_line: OneLine
) -> None:
    write_inputs(tmp_path, listed="0012")
    with pytest.raises(InputError) as caught:
        read_all([4], tmp_path / "metrics", tmp_path / "data")
    assert "does not list image 0011" in one_line(caught)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([("0001", "mse"), ("0002", "mse"), ("0001", "deep")], "no score of image 0002 by deep"),
        ([("0001", "mse"), ("0002", "mse"), ("0001", "mse")], "2 scores of image 0001 by mse"),
    ],
)
def test_a_score_that_is_missing_or_repeated_is_named(
    tmp_path: Path, one_line: OneLine, rows: list[tuple[str, str]], words: str
) -> None:
    scores = [{"image": i, "method": m, **dict.fromkeys(METRICS, 0.5)} for i, m in rows]
    write_csv(pd.DataFrame(scores), tmp_path / "x4.csv")
    with pytest.raises(InputError) as caught:
        read_scores(tmp_path / "x4.csv")
    assert f"{tmp_path / 'x4.csv'}: {words}" in one_line(caught)


@pytest.mark.parametrize("content", ["epoch,loss\n", "epoch,loss\n1,high\n"])
def test_a_curve_without_epochs_or_numbers_is_refused(
    tmp_path: Path, one_line: OneLine, content: str
) -> None:
    (tmp_path / "x2_mse.csv").write_text(content)
    with pytest.raises(InputError) as caught:
        read_curve(tmp_path / "x2_mse.csv")
    assert "run the stage train again" in one_line(caught)


def test_peaks_are_read_in_the_order_of_the_epochs(tmp_path: Path) -> None:
    rows = [(10, "0011", 1.5), (2, "0011", 4.0), (1, "0011", 6.0), (1, "0012", 5.0)]
    rows += [(2, "0012", -1.0), (10, "0012", 0.5)]
    columns = ["epoch", "image", "peak"]
    write_csv(pd.DataFrame(rows, columns=columns), tmp_path / "a.csv")
    peaks = read_peaks(tmp_path / "a.csv")
    assert peaks.to_dict("list") == {"0011": [6.0, 4.0, 1.5], "0012": [5.0, -1.0, 0.5]}
    assert list(peaks.index) == [1, 2, 10]
    write_csv(pd.DataFrame(columns=columns), tmp_path / "b.csv")
    assert read_peaks(tmp_path / "b.csv").empty


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no such file (the stage train makes it)"),
        ("epoch,image\n1,0011\n", "run the stage train again"),
        ("epoch,image,peak\n1,0011\n", "run the stage train again"),
        ("epoch,image,peak\n1,0011,nan\n", "image 0011 in epoch 1 is not a number"),
        ("epoch,image,peak\n1,0011,2\n2,0011,1\n1,0012,2\n", "image 0012 in epoch 2"),
    ],
)
def test_peaks_that_cannot_be_used_are_named(
    tmp_path: Path, one_line: OneLine, content: str | None, words: str
) -> None:
    path = tmp_path / "x2_mse.csv"
    if content:
        path.write_text(content)
    with pytest.raises(InputError) as caught:
        read_peaks(path)
    assert str(path) in one_line(caught)
    assert words in one_line(caught)


def test_a_network_costs_its_kernels_for_each_pixel(tmp_path: Path) -> None:
    save_model(SRCNN(2), tmp_path / "mse.safetensors", {})
    kernels = 9 * 9 * 3 * 64 + 64 * 32 + 5 * 5 * 32 * 3
    assert read_cost(tmp_path / "mse.safetensors") == Cost(kernels + 64 + 32 + 3, kernels)


def test_devices_and_times_are_read(tmp_path: Path) -> None:
    facts = {"device": "a device, of some name", "trained_on": {"x2/mse": "another"}}
    write_json(facts, tmp_path / "environment.json")
    write_json({"measured": "…", "seconds": {"x2": 0.5, "x4": 1}}, tmp_path / "cpu_time.json")
    assert read_devices(tmp_path) == Devices("a device, of some name", {"x2/mse": "another"})
    assert read_cpu_time(tmp_path) == {2: 0.5, 4: 1.0}


@pytest.mark.parametrize(
    ("read", "name"), [(read_devices, "environment.json"), (read_cpu_time, "cpu_time.json")]
)
@pytest.mark.parametrize("content", [None, "{", "[]", '{"device": "a"}'])
def test_devices_and_times_that_cannot_be_read_are_named(
    tmp_path: Path, one_line: OneLine, read: Any, name: str, content: str | None
) -> None:
    if content:
        (tmp_path / name).write_text(content)
    with pytest.raises(InputError) as caught:
        read(tmp_path)
    assert str(tmp_path / name) in one_line(caught)
