import json
import math
import re
import shutil
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from srcnn.errors import InputError
from srcnn.evaluation.metrics import METRICS
from srcnn.images.image_io import RGB8, read_rgb, write_png
from srcnn.report.page import write_report
from srcnn.report.run import read_run
from srcnn.settings import read_settings
from stages import report as stage
from tests.small_run import CLAIMS, NAMES, RUN_METHODS, SCALES, SETTINGS, make_run

Picture = Callable[..., RGB8]
OneLine = Callable[[Any], str]

EVIL = "<img src=x onerror=alert(1)>.png", "</script><script>alert(2)</script>.png", "\"&'.png"


class Elements(HTMLParser):
    """Every element of a page by its tag, attributes and text."""

    def __init__(self, text: str):
        super().__init__()
        self.all: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.all.append((tag, dict(attrs)))
        self._open = tag

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self._open, []).append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.all if name == tag]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, picture: Picture) -> Path:
    """The files of a run. Copy them before you change them."""
    folder = tmp_path_factory.mktemp("run")
    make_run(folder, picture)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path, dirs_exist_ok=True)


def written(run: Any, folder: Path, **options: int) -> str:
    write_report(run, folder / "plots/report.html", **options)
    return (folder / "plots/report.html").read_text(encoding="utf-8")


def data_of(text: str) -> Any:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found
    return json.loads(found[1])


def run_in(folder: Path) -> Any:
    return read_run(
        SETTINGS, folder / "params.yaml", folder / "metrics", folder / "plots", folder / "data"
    )


def test_the_page_needs_no_other_file_and_no_network(folder: Path) -> None:
    elements = Elements(written(run_in(folder), folder))
    for name in ("src", "href"):
        for tag, attributes in elements.all:
            value = attributes.get(name)
            assert value is None or value.startswith(("#", "data:")), (tag, value)


def test_only_the_page_s_own_script_and_style_may_run(folder: Path) -> None:
    text = written(run_in(folder), folder)
    policy = next(m["content"] for m in Elements(text).of("meta") if "http-equiv" in m) or ""
    assert policy.startswith("default-src 'none'; img-src data:; ")
    for tag in ("script", "style"):
        body = re.findall(rf"<{tag}(?: type=\"module\")?>(.*?)</{tag}>", text, re.DOTALL)
        assert len(body) == 1
        hashed = b64encode(sha256(body[0].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{hashed}'" in policy
    assert "unsafe" not in policy


def test_the_same_run_gives_the_same_bytes(tmp_path: Path, picture: Picture) -> None:
    pages = [written(make_run(tmp_path / name, picture), tmp_path / name) for name in "ab"]
    assert pages[0] == pages[1]


def test_file_names_are_escaped_everywhere(tmp_path: Path, picture: Picture) -> None:
    text = written(make_run(tmp_path, picture, EVIL), tmp_path)
    elements = Elements(text)
    assert not any("onerror" in attributes for _, attributes in elements.all)
    assert len(elements.of("script")) == 2
    assert [image["name"] for image in data_of(text)["images"]] == list(EVIL)
    assert elements.texts["th"].count(EVIL[0]) == len(SCALES) * len(RUN_METHODS)


def test_settings_are_shown_as_text(folder: Path) -> None:
    elements = Elements(written(run_in(folder), folder))
    assert "# same <seed>, same bytes" in elements.texts["span"]


def test_pictures_inside_the_page_are_close_to_the_files(folder: Path) -> None:
    pictures = data_of(written(run_in(folder), folder))["pictures"]
    assert len(pictures) == len(NAMES) * (1 + len(SCALES) * len(RUN_METHODS))
    kind, _, content = pictures["x4/mse/0012"].partition(",")
    assert kind == "data:image/webp;base64"
    shown = np.asarray(Image.open(BytesIO(b64decode(content))).convert("RGB")).astype(float)
    exact = read_rgb(folder / "data/sr/x4/mse/0012.png")
    assert np.abs(shown - exact).mean() < 6


def test_pictures_that_exceed_the_limit_are_linked_as_files(folder: Path) -> None:
    text = written(run_in(folder), folder, limit=10_000)
    data = data_of(text)
    assert data["files"]
    assert len(data["pictures"]) == len(NAMES) * (1 + len(SCALES) * len(RUN_METHODS))
    assert data["pictures"]["hr/0011"] == "../data/hr/val/0011.png"
    assert data["pictures"]["x2/lanczos/0013"] == "../data/sr/x2/lanczos/0013.png"
    assert all((folder / "plots" / path).is_file() for path in data["pictures"].values())
    assert all(image["thumbnail"].startswith("data:") for image in data["images"])
    policy = next(m["content"] for m in Elements(text).of("meta") if "http-equiv" in m) or ""
    assert "img-src data: 'self' file:;" in policy


@pytest.mark.parametrize("limit", [0, 7_000_000])
def test_a_missing_picture_is_named(folder: Path, limit: int, one_line: OneLine) -> None:
    (folder / "data/sr/x2/bicubic/0012.png").unlink()
    with pytest.raises(InputError) as caught:
        written(run_in(folder), folder, limit=limit)
    assert "data/sr/x2/bicubic/0012.png" in one_line(caught)
    assert not (folder / "plots/report.html").exists()


def test_a_picture_of_another_size_is_refused(folder: Path, picture: Picture) -> None:
    write_png(folder / "data/sr/x2/bicubic/0012.png", picture(20, 20))
    with pytest.raises(InputError, match=r"bicubic/0012\.png: size differs from"):
        written(run_in(folder), folder)


@pytest.mark.parametrize(
    ("file", "stage"),
    [
        ("x2.json", "evaluate"),
        ("x4.csv", "evaluate"),
        ("x4_convention.json", "evaluate"),
        ("environment.json", "provenance"),
        ("training/x2_mse.csv", "train"),
    ],
)
def test_a_missing_result_is_named_with_its_stage(
    folder: Path, file: str, stage: str, one_line: OneLine
) -> None:
    (folder / "metrics" / file).unlink()
    with pytest.raises(InputError) as caught:
        run_in(folder)
    assert f"metrics/{file}" in one_line(caught)
    assert f"stage {stage}" in one_line(caught)


def test_a_damaged_result_is_named(folder: Path, one_line: OneLine) -> None:
    (folder / "metrics/x2.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match=r"x2\.json: damaged"):
        run_in(folder)


def test_methods_keep_their_order_and_unknown_ones_are_variants(
    tmp_path: Path, picture: Picture
) -> None:
    run = make_run(tmp_path, picture, methods=("sharpest<", "lanczos", "perceptual", "mse"))
    methods = data_of(written(run, tmp_path))["methods"]
    assert [method["id"] for method in methods] == [
        "sharpest<",
        "lanczos",
        "perceptual",
        "mse",
        "hr",
    ]
    assert [method["name"] for method in methods[:2]] == ["SRCNN, sharpest<", "Lanczos"]


def test_the_best_mean_of_each_metric_is_bold(folder: Path) -> None:
    run = replace(run_in(folder), benchmarks={})
    bold = re.findall("<strong>(.*?)</strong>", written(run, folder))
    assert bold[:5] == ["0.00420", "32.10", "32.10", "32.1000", "0.3400"]
    assert len(bold) == len(METRICS) * len(SCALES)


def plant_psnr(folder: Path, bicubic: float | list[float] = 27.1, **psnr: Any) -> str:
    """The page of a run with this PSNR RGB at ×4: by method, for each image or for all."""
    path = folder / "metrics/x4.csv"
    table = pd.read_csv(path, dtype={"image": str})
    for method, values in {"bicubic": bicubic, **psnr}.items():
        table.loc[table["method"] == method, "psnr_rgb"] = values
    table.to_csv(path, index=False)
    return written(run_in(folder), folder)


def warnings_of(text: str) -> list[str]:
    paragraphs = re.findall(r'<p class="warning">(.*?)</p>', text)
    return [re.sub("<.*?>", "", paragraph) for paragraph in paragraphs]


def test_a_network_below_its_own_interpolation_is_named_at_the_top(folder: Path) -> None:
    text = plant_psnr(folder, mse=2.5, perceptual=26.98)
    assert warnings_of(text) == [
        "SRCNN, MSE loss, ×4: the mean PSNR RGB is 2.50 dB, below the 27.10 dB of bicubic, its own "
        "input; training failed or diverged, or was too short.",
        "SRCNN, perceptual loss, ×4: the mean PSNR RGB is 26.98 dB, below the 27.10 dB of bicubic, "
        "its own input; a small drop can be the price of the perceptual loss, a large one is a "
        "sign that training failed or diverged.",
    ]
    assert text.index("warning") < text.index("<nav")


def test_networks_that_reach_their_interpolation_need_no_warning(folder: Path) -> None:
    assert warnings_of(plant_psnr(folder, mse=27.1, perceptual=27.0996)) == []


def test_a_network_that_restores_every_image_exactly_needs_no_warning(folder: Path) -> None:
    assert warnings_of(plant_psnr(folder, mse=math.inf)) == []


def test_an_image_that_a_network_restores_exactly_is_left_out_of_both_means(folder: Path) -> None:
    text = plant_psnr(folder, bicubic=[30.0, 30.0, 60.0], mse=[32.0, 32.0, math.inf])
    assert not any("MSE loss" in warning for warning in warnings_of(text))


def test_a_network_is_compared_with_the_interpolation_of_the_settings(folder: Path) -> None:
    plant_psnr(folder, mse=27.05)
    model = SETTINGS.model.model_copy(update={"upsampling": "bilinear"})
    settings = SETTINGS.model_copy(update={"model": model})
    assert warnings_of(written(replace(run_in(folder), settings=settings), folder)) == []


def test_identical_results_are_counted_beside_the_means(
    tmp_path: Path, picture: Callable[..., RGB8]
) -> None:
    run = make_run(tmp_path, picture, identical="lanczos")
    text = " ".join(written(run, tmp_path).split())
    assert "which the mean leaves out: Lanczos ×2: 1 of 3, Lanczos ×4: 1 of 3." in text
    assert '<td data-value="Infinity">∞</td>' in text
    assert "identical to the ground truth" not in written(make_run(tmp_path, picture), tmp_path)


def test_claims_are_shown_with_their_verdicts_and_numbers(folder: Path) -> None:
    text = written(run_in(folder), folder)
    verdicts = re.findall('class="key">(.*?)<.*?class="verdict">(.*?)<', text)
    assert verdicts == [("C1", "too little data"), ("C7", "supported")]
    texts = Elements(text).texts
    assert {"1.01 × to 1.03 ×", "2 of 3"} <= set(texts["td"])
    assert "parameters: 20099" in texts["p"]


def test_a_verdict_by_people_is_shown_with_its_claim(folder: Path) -> None:
    by_people = {"verdict": "supported", "x4": {**CLAIMS["C1"]["x2"], "verdict": "supported"}}
    run = replace(run_in(folder), claims={"C2": CLAIMS["C1"], "C2_people": by_people})
    text = written(run, folder)
    verdicts = re.findall('class="key">(.*?)<.*?class="verdict">(.*?)<', text)
    assert verdicts == [("C2", "too little data")]
    assert "by people: ×4" in Elements(text).texts["th"]
    assert "by people: supported" in Elements(text).texts["p"]


def test_the_parts_of_a_claim_name_metrics_and_units_as_the_tables_do(folder: Path) -> None:
    keys = ("x2_lpips_vgg", "x4_lpips", "x4_against_mse", "x2_mse_first_epoch_less_6_db")
    claims = {"C2": {"verdict": "supported", **dict.fromkeys(keys, CLAIMS["C1"]["x2"])}}
    heads = Elements(written(replace(run_in(folder), claims=claims), folder)).texts["th"]
    names = ["×2 LPIPS-VGG", "×4 LPIPS", "×4 against MSE", "×2 MSE first epoch less 6 dB"]
    assert [head for head in heads if head in names] == names


def test_the_environment_is_shown_in_lines(folder: Path) -> None:
    trained_on = {"x2/mse": "a CPU", "x4/mse": "a CPU"}
    tolerance = {"lpips": {"absolute": 0.006}}
    environment = {"device": "a CPU", "trained_on": trained_on, "tolerance": tolerance}
    run = replace(run_in(folder), environment=environment)
    lines = list(filter(str.strip, Elements(written(run, folder)).texts["dd"]))
    assert lines == ["a CPU", "x2/mse, x4/mse: a CPU", "lpips: absolute 0.006"]


def test_comparisons_are_shown_with_a_sign(folder: Path) -> None:
    cells = Elements(written(run_in(folder), folder)).texts["td"]
    assert "−0.01690" in cells
    assert "3 – 0 – 0" in cells


def test_benchmark_sets_are_shown_with_published_scores(folder: Path) -> None:
    cells = Elements(written(run_in(folder), folder)).texts["td"]
    assert {"Set5", "33.66", "36.66 (SRCNN 9-5-5)"} <= set(cells)
    without = replace(run_in(folder), benchmarks={})
    assert "benchmarks" not in {a.get("id") for _, a in Elements(written(without, folder)).all}


def test_table_1_contains_the_paper_s_rows(folder: Path) -> None:
    cells = Elements(written(run_in(folder), folder)).texts["td"]
    assert cells.count("0.0053") == 2


def test_the_stage_writes_the_page(
    folder: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    stage.main(read_settings(project / "params.yaml"))
    assert (folder / "plots/report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
