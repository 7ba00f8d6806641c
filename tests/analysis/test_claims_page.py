"""The stage claims: what it reads, what it writes."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from srcnn.analysis import claims
from srcnn.analysis.claim_inputs import Cost, read_cost, read_devices, texture_energies
from srcnn.analysis.claims_page import write_claims
from srcnn.analysis.claims_text import TEXTS
from srcnn.analysis.results import Results
from srcnn.analysis.training_curves import read_peaks
from srcnn.analysis.verdicts import Claim
from srcnn.errors import InputError
from srcnn.evaluation.metrics import METRICS
from srcnn.images.image_io import RGB8, write_png
from srcnn.models.srcnn import SRCNN, save_model
from srcnn.settings import read_settings
from srcnn.utils.files import write_json
from srcnn.utils.tables import write_csv
from stages.claims import main
from tests.analysis.test_claims import CPU, IMAGE_CLAIMS, LITTLE, YES, judged, made_results

OneLine = Callable[[Any], str]
Picture = Callable[..., RGB8]

# Evidence


def test_a_network_costs_its_kernels_for_each_pixel(tmp_path: Path) -> None:
    save_model(SRCNN(2), tmp_path / "mse.safetensors", {})
    kernels = 9 * 9 * 3 * 64 + 64 * 32 + 5 * 5 * 32 * 3
    assert read_cost(tmp_path / "mse.safetensors") == Cost(kernels + 64 + 32 + 3, kernels)


def test_peaks_are_read_in_the_order_of_the_epochs(tmp_path: Path) -> None:
    rows = [(10, "0011", 1.5), (2, "0011", 4.0), (1, "0011", 6.0), (1, "0012", 5.0)]
    rows += [(2, "0012", -1.0), (10, "0012", 0.5)]
    columns = ["epoch", "image", "peak"]
    write_csv(pd.DataFrame(rows, columns=columns), tmp_path / "a.csv")
    peaks = read_peaks(tmp_path / "a.csv")
    assert peaks.to_dict("list") == {"0011": [6.0, 4.0, 1.5], "0012": [5.0, -1.0, 0.5]}
    assert list(peaks.index) == [1, 2, 10]
    write_csv([], tmp_path / "b.csv", columns)
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


@pytest.mark.parametrize("content", [None, "{", "[]", '{"device": "a"}'])
def test_an_environment_that_cannot_be_used_is_named(
    tmp_path: Path, one_line: OneLine, content: str | None
) -> None:
    path = tmp_path / "environment.json"
    if content:
        path.write_text(content)
    with pytest.raises(InputError) as caught:
        read_devices(path)
    assert str(path) in one_line(caught)


# Pages


def pages(folder: Path, *written: Claim, count: int = 9) -> tuple[dict[str, Any], str]:
    """The claims as JSON and as Markdown."""
    write_claims(written, count, folder / "claims.json", folder / "claims.md")
    return json.loads((folder / "claims.json").read_text()), (folder / "claims.md").read_text()


def test_the_page_has_the_rule_and_a_section_for_each_claim(tmp_path: Path) -> None:
    _, page = pages(tmp_path, *(judged(key, 1, 9) for key in TEXTS))
    assert page.index("## The rule") < page.index("## C1")
    assert "Seven claims are judged" in page
    for key, text in TEXTS.items():
        assert f"| [{key}](#{key.lower()}) | {text.title} | **supported** |" in page
        assert text.paper in page
    for line in page.splitlines():
        if line.startswith("|"):
            assert line.count(" | ") in (3, 5)


def test_json_holds_numbers_by_claim_and_value(tmp_path: Path) -> None:
    facts, _ = pages(tmp_path, judged("C1", 1, 9), judged("C7", 1, 9))
    assert facts["C1"]["verdict"] == YES
    numbers = {"mean", "low", "high", "images", "as_claimed"}
    assert set(facts["C1"]["x4"]) == {"verdict", "is_ratio", *numbers}
    assert 1 < facts["C1"]["x4"]["low"] < facts["C1"]["x4"]["mean"] < facts["C1"]["x4"]["high"]
    assert facts["C7"]["multiply_adds_per_pixel"] == 20000


def test_names_of_photographs_cannot_break_the_page(tmp_path: Path) -> None:
    results = made_results(2, [0.009, 0.02], [0.3, 0.3])
    named = Results(2, {"0001": "a|*b*.png", "0002": "b"}, results.scores, Path(), Path())
    _, page = pages(tmp_path, claims.error([named]))
    assert "otherwise in a\\|\\*b\\*.png." in page


@pytest.fixture
def run(tmp_path: Path, picture: Picture, monkeypatch: pytest.MonkeyPatch, project: Path) -> Path:
    """A folder with all that the stage reads, of two small val images at both scales."""
    names = [{"image": f"{i:04d}", "split": "val", "name": f"{i}.png"} for i in (1, 2)]
    write_csv(names, tmp_path / "data/hr/index.csv")
    facts = {"device": CPU, "trained_on": {"x2/mse": CPU}}
    write_json(facts, tmp_path / "metrics/environment.json")
    for number, row in enumerate(names):
        write_png(tmp_path / f"data/hr/val/{row['image']}.png", picture(40, 48, number))
    for scale in (2, 4):
        rows = []
        for step, method in enumerate(("bicubic", "lanczos", "mse", "perceptual")):
            for number, row in enumerate(names):
                rows.append({**row, "method": method, **dict.fromkeys(METRICS, 0.1 + step / 9)})
                sr = picture(40, 48, number + 0.1 * step)
                write_png(tmp_path / f"data/sr/x{scale}/{method}/{row['image']}.png", sr)
        write_csv(rows, tmp_path / f"metrics/x{scale}.csv")
        for loss in ("mse", "perceptual"):
            save_model(SRCNN(scale), tmp_path / f"models/x{scale}/{loss}.safetensors", {})
            peaks = tmp_path / f"metrics/grid/x{scale}_{loss}.csv"
            write_csv([], peaks, ("epoch", "image", "peak"))
    (tmp_path / "params.yaml").symlink_to(project / "params.yaml")
    monkeypatch.chdir(tmp_path)
    return tmp_path


OUTPUTS = (
    "plots/claims.json",
    "plots/comparisons.csv",
    "plots/claims.md",
    "plots/comparisons.md",
)


def test_the_stage_writes_the_same_bytes_every_time(run: Path) -> None:
    main(read_settings())
    first = [(run / name).read_bytes() for name in OUTPUTS]
    main(read_settings())
    assert [(run / name).read_bytes() for name in OUTPUTS] == first
    facts = json.loads(first[0])
    assert {key: facts[key]["verdict"] for key in facts} == {
        **dict.fromkeys(IMAGE_CLAIMS, LITTLE),
        "C7": YES,
    }
    assert re.search(r"^2,mse,perceptual,lanczos,2,", first[1].decode(), re.MULTILINE)


def test_texture_is_found_by_method_and_image(run: Path) -> None:
    names = {"0001": "a", "0002": "b"}
    results = Results(2, names, pd.DataFrame(), run / "data/hr/val", run / "data/sr/x2")
    energies = texture_energies(results, ["bicubic", "mse"])
    assert {method: list(found) for method, found in energies.items()} == {
        "bicubic": ["0001", "0002"],
        "mse": ["0001", "0002"],
    }
    assert max(energies["bicubic"].values()) < 1e-8 < min(energies["mse"].values())


def test_a_result_that_is_missing_is_named(run: Path, one_line: OneLine) -> None:
    (run / "data/sr/x4/mse/0002.png").unlink()
    with pytest.raises(InputError) as caught:
        main(read_settings())
    assert "data/sr/x4/mse/0002.png" in one_line(caught)
