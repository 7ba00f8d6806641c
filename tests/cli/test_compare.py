import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from srcnn.analysis.comparisons import sample_size_note
from srcnn.cli.program import main
from srcnn.evaluation.metrics import METRICS
from srcnn.utils.tables import read_csv, write_csv

Output = pytest.CaptureFixture[str]
Made = Mapping[str, Sequence[float]]

HEADER = ",".join(["image", "method", *METRICS]).encode()

BETTER = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
WORSE = [value + 0.01 * (1 + i) for i, value in enumerate(BETTER)]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project's folder; the program runs in it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def score(scale: int, made: Made, first: int = 1) -> None:
    """Write the scores of a scale, every metric the same; images are counted from `first`."""
    rows = [
        {"image": f"{first + i:04d}", "method": method, **dict.fromkeys(METRICS, value)}
        for method, values in made.items()
        for i, value in enumerate(values)
    ]
    write_csv(pd.DataFrame(rows), Path(f"metrics/x{scale}.csv"))


def compare(capsys: Output, *arguments: str) -> str:
    """What is printed of a comparison that succeeds."""
    assert main(["compare", *arguments]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def as_json(capsys: Output, *arguments: str) -> Any:
    return json.loads(compare(capsys, *arguments, "--json"))


def refused(capsys: Output, *arguments: str) -> str:
    """The one line that says why a comparison fails."""
    assert main(["compare", *arguments]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert len(err.splitlines()) == 1
    return err


def test_a_row_per_metric_shows_both_means_and_the_difference(capsys: Output) -> None:
    score(4, {"mse": [0.25, 0.5, 0.5], "deep": [0.5, 0.25, 1.5]})
    lines = compare(capsys, "x4/deep", "x4/mse").splitlines()
    assert lines[0] == "x4/deep minus x4/mse, 3 images"
    assert lines[2].split()[-3:] == ["interval", "wins–ties–losses", "p"]
    assert lines[3].split() == [
        *("MSE", "↓", "0.750000", "0.416667", "+0.3333333"),
        *("[−0.2500000,", "+1.0000000]", "1–0–2", "1.0000"),
    ]
    assert lines[4].split()[:6] == ["PSNR", "RGB,", "dB", "↑", "0.75", "0.42"]
    assert [line.split()[-2] for line in lines[3:8]] == [
        *("1–0–2", "2–0–1", "2–0–1", "2–0–1", "1–0–2")
    ]


def test_one_metric_shows_each_image_with_its_photograph(capsys: Output) -> None:
    score(4, {"mse": [20.0, 21.0], "deep": [20.5, 21.0]})
    names = [{"image": "0001", "name": "été\t1.png"}, {"image": "0002", "name": "方法.png"}]
    write_csv(pd.DataFrame(names), Path("data/hr/index.csv"))
    text = compare(capsys, "x4/deep", "x4/mse", "--metric", "psnr_rgb")
    assert text.splitlines()[2:9] == [
        "PSNR RGB, dB ↑",
        "image  photograph  x4/deep  x4/mse  difference",
        r"0001   été\t1.png    20.50   20.00      +0.500",
        "0002   方法.png      21.00   21.00      +0.000",
        "",
        "                x4/deep  x4/mse  difference     95 % interval  wins–ties–losses       p",
        "PSNR RGB, dB ↑    20.75   20.50      +0.250  [+0.000, +0.500]             1–1–0  1.0000",
    ]


def test_without_the_photographs_their_names_are_left_out(capsys: Output) -> None:
    score(2, {"mse": [0.5], "deep": [0.25]})
    text = compare(capsys, "x2/deep", "x2/mse", "--metric", "lpips")
    assert "image  x2/deep  x2/mse  difference\n0001    0.2500  0.5000    −0.25000\n" in text
    printed = as_json(capsys, "x2/deep", "x2/mse")
    assert printed["images"]["0001"]["photograph"] is None


def test_significant_differences_are_stated(capsys: Output) -> None:
    score(4, {"mse": BETTER, "deep": WORSE})
    words = " ".join(compare(capsys, "x4/deep", "x4/mse").split())
    assert (
        "x4/deep against x4/mse: significantly better in PSNR RGB, PSNR Y, SSIM Y; "
        "significantly worse in MSE, LPIPS, LPIPS-VGG, DISTS." in words
    )
    text = compare(capsys, "x4/mse", "x4/deep", "--metric", "mse")
    assert "x4/mse against x4/deep: significantly better in MSE.\n" in text


def test_insignificant_differences_are_stated(capsys: Output) -> None:
    score(4, {"mse": BETTER, "deep": [*WORSE[:-1], 0.1]})
    text = compare(capsys, "x4/deep", "x4/mse", "--metric", "ssim_y")
    assert "x4/deep against x4/mse: no significant difference in SSIM Y.\n" in text


@pytest.mark.parametrize("count", [1, 5, 6, 20])
def test_the_note_depends_on_the_number_of_images(capsys: Output, count: int) -> None:
    values = [float(i) for i in range(count)]
    score(4, {"mse": values, "deep": [value + 1 for value in values]})
    said = sample_size_note(count).replace("**", "")
    assert said in " ".join(compare(capsys, "x4/deep", "x4/mse").splitlines())
    printed = as_json(capsys, "x4/deep", "x4/mse")
    assert said in printed["notes"]
    assert printed["metrics"]["mse"]["significant"] == (count >= 6)


def test_the_json_holds_the_comparison_and_each_image(capsys: Output) -> None:
    score(4, {"mse": BETTER, "deep": WORSE})
    printed = as_json(capsys, "x4/deep", "x4/mse")
    assert list(printed) == ["a", "b", "metrics", "images", "notes"]
    assert (printed["a"], printed["b"]) == ("x4/deep", "x4/mse")
    assert list(printed["metrics"]) == list(METRICS)
    assert printed["images"]["0006"]["lpips"] == {"a": 0.66, "b": 0.6, "difference": 0.06}
    mse = printed["metrics"]["mse"]
    assert 0.01 <= mse.pop("low") <= 0.035 <= mse.pop("high") <= 0.06
    assert mse == {
        **{"lower_is_better": True, "a": 0.385, "b": 0.35, "mean_difference": 0.035},
        **{"infinite": 0, "p": 0.03125, "wins": 0, "ties": 0, "losses": 6, "significant": True},
    }


def test_the_json_of_one_metric_holds_no_other(capsys: Output) -> None:
    score(4, {"mse": BETTER, "deep": WORSE})
    printed = as_json(capsys, "x4/deep", "x4/mse", "--metric", "lpips")
    assert list(printed["metrics"]) == ["lpips"]
    assert list(printed["images"]["0001"]) == ["photograph", "lpips"]


def test_an_infinite_psnr_counts_and_has_no_share_in_the_means(capsys: Output) -> None:
    inf = float("inf")
    rows = [
        {"image": f"{i:04d}", "method": method, **dict.fromkeys(METRICS, 0.5), "psnr_y": value}
        for method, values in {"mse": [30.0, inf, 31.0], "deep": [30.5, inf, inf]}.items()
        for i, value in enumerate(values)
    ]
    write_csv(pd.DataFrame(rows), Path("metrics/x4.csv"))
    text = compare(capsys, "x4/deep", "x4/mse", "--metric", "psnr_y")
    table = [line.split() for line in text.splitlines()]
    assert ["0001", "∞", "∞", "+0.000"] in table
    assert ["0002", "∞", "31.00", "+∞"] in table
    assert "infinite PSNR" in text
    printed = as_json(capsys, "x4/deep", "x4/mse", "--metric", "psnr_y")
    assert printed["images"]["0002"]["psnr_y"] == {"a": None, "b": 31, "difference": None}
    found = printed["metrics"]["psnr_y"]
    assert (found["a"], found["b"], found["mean_difference"]) == (30.5, 30.5, 0.25)
    assert (found["infinite"], found["wins"], found["ties"]) == (1, 2, 1)


def test_a_single_image_has_no_interval(capsys: Output) -> None:
    score(4, {"mse": [0.5], "deep": [0.25]})
    assert "none             1–0–0  1.0000" in compare(capsys, "x4/deep", "x4/mse")
    assert as_json(capsys, "x4/deep", "x4/mse")["metrics"]["mse"]["low"] is None


def test_two_scales_are_compared_with_a_note(capsys: Output) -> None:
    score(2, {"mse": [0.1, 0.2]})
    score(4, {"mse": [0.3, 0.3]})
    text = compare(capsys, "x4/mse", "x2/mse")
    assert "The scales differ: the images are the same, upscaled 4 and 2 times" in text
    assert as_json(capsys, "x4/mse", "x2/mse")["metrics"]["mse"]["mean_difference"] == 0.15


def test_a_method_equals_itself(capsys: Output) -> None:
    score(4, {"mse": BETTER})
    assert as_json(capsys, "x4/mse", "x4/mse")["metrics"]["lpips"]["ties"] == len(BETTER)
    assert "no significant difference" in compare(capsys, "x4/mse", "x4/mse")


def test_the_numbers_are_those_of_the_committed_comparisons(
    capsys: Output, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    found = as_json(capsys, "x4/perceptual", "x4/mse")["metrics"]
    rows = read_csv(project / "plots/comparisons.csv", "claims")
    rows = rows.query("scale == '4' and a == 'perceptual' and b == 'mse'")
    assert list(rows["metric"]) == list(found)
    for _, row in rows.iterrows():
        for name in ("mean_difference", "low", "high", "wins", "ties", "losses"):
            assert float(row[name]) == found[row["metric"]][name]


@pytest.mark.parametrize("name", ["x4/sharp", "x3/mse", "mse", "x4", "x4/", "", "/", "../x4/mse"])
def test_an_unknown_method_lists_the_known_ones(capsys: Output, name: str) -> None:
    score(10, {"mse": [0.5]})
    score(4, {"bicubic": [0.5], "mse": [0.5]})
    for arguments in ((name, "x4/mse"), ("x4/mse", name)):
        assert refused(capsys, *arguments) == (
            f"error: {name}: no such method; there are x4/bicubic, x4/mse, x10/mse\n"
        )


def test_an_unknown_metric_lists_the_known_ones(capsys: Output) -> None:
    score(4, {"mse": [0.5], "deep": [0.5]})
    assert refused(capsys, "x4/deep", "x4/mse", "--metric", "psnr") == (
        f"error: --metric psnr: no such metric; there are {', '.join(METRICS)}\n"
    )


@pytest.mark.parametrize("file", [None, "metrics/environment.json", "metrics/xy.csv", "metrics"])
def test_a_folder_without_scores_is_refused(capsys: Output, file: str | None) -> None:
    if file:
        Path(file).parent.mkdir(exist_ok=True)
        Path(file).write_text("words")
    assert "metrics: no scores (x2.csv, x4.csv, …)" in refused(capsys, "x4/a", "x4/b")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "damaged"),
        (b"words\n", "damaged"),
        (b"words\nmore words\n", "damaged"),
        (HEADER + b"\n", "contains no scores"),
        (HEADER + b"\n1,mse,0.5,30\n", "damaged"),
        (HEADER + b"\n1,mse,a,1,1,1,1,1,1\n", "could not convert"),
        (HEADER + b"\n1,mse,0.1,nan,1,1,1,1,1\n", "psnr_rgb of image 1 by mse is not finite"),
        (HEADER + b"\n1,mse,0.1,-inf,1,1,1,1,1\n", "psnr_rgb of image 1 by mse is not finite"),
        (HEADER + b"\n1,mse,inf,1,1,1,1,1,1\n", "mse of image 1 by mse is not finite"),
        (b"\xff\xfe\x00\x00", "damaged"),
        (b"x" * 200_000, "damaged"),
    ],
)
def test_damaged_scores_are_named(capsys: Output, content: bytes, said: str) -> None:
    Path("metrics").mkdir()
    Path("metrics/x4.csv").write_bytes(content)
    line = refused(capsys, "x4/mse", "x4/mse")
    assert line.startswith("error: metrics/x4.csv: ")
    assert said in line


def test_an_image_without_a_score_is_named(capsys: Output) -> None:
    score(4, {"mse": [0.5, 0.5], "deep": [0.5]})
    assert "no score of image 0002 by deep" in refused(capsys, "x4/mse", "x4/deep")


def test_scales_with_different_images_are_refused(capsys: Output) -> None:
    score(2, {"mse": BETTER}, first=1)
    score(4, {"mse": BETTER}, first=2)
    line = refused(capsys, "x2/mse", "x4/mse")
    assert "x2/mse and x4/mse: scored on different images (only x2/mse has 0001; only x4" in line


@pytest.mark.parametrize("content", [b"photograph\ncat.png\n", b"\xff", b"x" * 200_000])
def test_a_damaged_index_is_named(capsys: Output, content: bytes) -> None:
    score(4, {"mse": [0.5], "deep": [0.5]})
    Path("data/hr").mkdir(parents=True)
    Path("data/hr/index.csv").write_bytes(content)
    assert "data/hr/index.csv: damaged" in refused(capsys, "x4/mse", "x4/deep")
