import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from srcnn.analysis.vote_crops import CropReader
from srcnn.analysis.vote_file import append_vote
from srcnn.errors import InputError
from srcnn.evaluation.metrics import METRICS
from srcnn.images.image_io import RGB8, write_png
from srcnn.judge.trials import TrialPlanner
from srcnn.models.model_files import save_model
from srcnn.models.srcnn import SRCNN
from srcnn.settings import read_settings
from srcnn.utils.files import write_json
from srcnn.utils.tables import write_csv
from stages.claims import main
from tests.judge.simulated_voters import people_votes, prefers

OneLine = Callable[[Any], str]
Picture = Callable[..., RGB8]

OUTPUTS = (
    "plots/claims.json",
    "plots/comparisons.csv",
    "plots/claims.md",
    "plots/comparisons.md",
)


@pytest.fixture
def run(tmp_path: Path, picture: Picture, monkeypatch: pytest.MonkeyPatch, project: Path) -> Path:
    """A folder with all that the stage reads, of two small val images at both scales."""
    names = [{"image": f"{i:04d}", "split": "val", "name": f"{i}.png"} for i in (1, 2)]
    write_csv(pd.DataFrame(names), tmp_path / "data/hr/index.csv")
    facts = {"device": "a CPU", "trained_on": {"x2/mse": "a CPU"}}
    write_json(facts, tmp_path / "metrics/environment.json")
    write_json({"seconds": {"x2": 1.0, "x4": 1.0}}, tmp_path / "metrics/cpu_time.json")
    for number, row in enumerate(names):
        write_png(tmp_path / f"data/hr/val/{row['image']}.png", picture(40, 48, number))
    for scale in (2, 4):
        rows = []
        for step, method in enumerate(("bicubic", "lanczos", "mse", "perceptual")):
            for number, row in enumerate(names):
                rows.append({**row, "method": method, **dict.fromkeys(METRICS, 0.1 + step / 9)})
                sr = picture(40, 48, number + 0.1 * step)
                write_png(tmp_path / f"data/sr/x{scale}/{method}/{row['image']}.png", sr)
        write_csv(pd.DataFrame(rows), tmp_path / f"metrics/x{scale}.csv")
        for loss in ("mse", "perceptual"):
            save_model(SRCNN(scale), tmp_path / f"models/x{scale}/{loss}.safetensors", {})
            peaks = tmp_path / f"metrics/grid/x{scale}_{loss}.csv"
            write_csv(pd.DataFrame(columns=["epoch", "image", "peak"]), peaks)
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
        **dict.fromkeys(("C1", "C2", "C3", "C4", "C5", "C6"), "too little data"),
        "C7": "supported",
        "C2_people": "too little data",
    }
    assert re.search(r"^2,mse,perceptual,lanczos,2,", first[1].decode(), re.MULTILINE)


def test_votes_decide_the_verdict_by_people_and_nothing_else(run: Path, project: Path) -> None:
    main(read_settings())
    before = json.loads((run / "plots/claims.json").read_text())
    planner = TrialPlanner(["x4/perceptual", "x4/mse"], CropReader())
    votes = people_votes(planner, range(8), prefers("x4/perceptual", 0.9))
    for vote in votes:
        append_vote(vote)
    main(read_settings())
    after = json.loads((run / "plots/claims.json").read_text())
    part = after.pop("C2_people")["x4"]
    before.pop("C2_people")
    assert before == after
    assert (part["images"], part["as_claimed"], part["verdict"]) == (2, 2, "too little data")
    assert 0.2 < part["low"] < part["mean"] < part["high"] <= 0.5
    page = (run / "plots/claims.md").read_text(encoding="utf-8")
    assert "by metrics: **too little data**<br>by people: **too little data**" in page
    assert "- 112 votes by 8 people at ×4; `plots/votes.md` shows more." in page


def test_a_result_that_is_missing_is_named(run: Path, one_line: OneLine) -> None:
    (run / "data/sr/x4/mse/0002.png").unlink()
    with pytest.raises(InputError) as caught:
        main(read_settings())
    assert "data/sr/x4/mse/0002.png" in one_line(caught)
