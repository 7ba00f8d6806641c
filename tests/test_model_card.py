"""The numbers of docs/model-card.md, and the means in README.md."""

import json
import re
from collections.abc import Iterator
from hashlib import sha256
from math import prod
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from srcnn.evaluation.metrics import METRICS
from srcnn.upscaling.released_networks import FOLDER, read_network
from srcnn.utils.yaml_files import read_yaml
from tests.tiny_project import ROOT

CARD = (ROOT / "docs/model-card.md").read_text(encoding="utf-8")
NETWORKS = sorted(FOLDER.rglob("*.safetensors"))
SCALES = [path for path in sorted((ROOT / "metrics").glob("x*.json")) if path.stem[1:].isdigit()]
STAGES = read_yaml(ROOT / "dvc.lock")["stages"]


def parameters() -> dict[str, Any]:
    """The settings that trained the released networks, as DVC has recorded them."""
    found: dict[str, Any] = {}
    for network in NETWORKS:
        stage = f"train_{network.stem}@{network.parent.name[1:]}"
        for name, value in STAGES[stage]["params"]["params.yaml"].items():
            assert found.setdefault(name, value) == value, f"{stage} has another {name}"
    return found


def split_sizes() -> dict[str, int]:
    splits = [image["split"] for image in read_yaml(ROOT / "datasets/sample.yaml")["images"]]
    return {split: splits.count(split) for split in ("train", "val")}


def score_cells(path: Path, methods: tuple[str, ...] = ()) -> Iterator[str]:
    """The method and its means, as a row of a Markdown table shows them."""
    for method, scores in json.loads(path.read_text(encoding="utf-8")).items():
        if not methods or method in methods:
            cells = [metric.text(scores[k], metric.report_digits) for k, metric in METRICS.items()]
            yield " | ".join([method, *cells])


@pytest.mark.parametrize("network", NETWORKS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_card_has_size_and_checksum_of_each_network(network: Path) -> None:
    content = network.read_bytes()
    name = f"{network.parent.name}/{network.name}"
    row = re.search(rf"\| `{name}` \| ×(\d+) \| .* \| (\d+) \| `(\w+)` \|", CARD)
    assert row, f"docs/model-card.md has no row for {name}"
    assert row.groups() == (name[1], str(len(content)), sha256(content).hexdigest())


def test_the_card_has_the_number_of_parameters() -> None:
    weights, _ = read_network(NETWORKS[0])
    number = sum(prod(weight.shape) for weight in weights.values())
    assert f"{number:_} parameters".replace("_", " ") in CARD


def test_the_card_has_the_settings_of_the_training() -> None:
    used = parameters()
    rows = dict(re.findall(r"^\| `([\w.]+)` \| (.*?) \|$", CARD, re.MULTILINE))
    used["loss.layers"] = str(used["loss.layers"]).strip("{}").replace("'", "")
    assert rows == {name: str(used[name]).replace("True", "true") for name in rows}
    assert {"seed", "train.patch_size", "loss.lambda2"} <= rows.keys()


def test_the_card_has_the_number_of_steps() -> None:
    used = parameters()
    images, size = split_sizes()["train"], used["train.batch_size"]
    batches = images * used["train.patches_per_image"] // size
    assert f"{batches * used['train.epochs.mse']} steps" in CARD


def test_the_card_counts_the_photographs() -> None:
    assert split_sizes() == {"train": 9, "val": 7}
    assert "Nine photographs" in CARD
    assert "seven photographs" in CARD


@pytest.mark.parametrize("scores", SCALES, ids=lambda path: path.stem)
def test_the_card_has_the_scores_of_the_run(scores: Path) -> None:
    for cells in score_cells(scores, ("bicubic", "mse", "perceptual")):
        assert f"| ×{scores.stem[1:]} | {cells} |" in CARD


@pytest.mark.parametrize("scores", SCALES, ids=lambda path: path.stem)
def test_the_readme_has_the_means_of_the_run(scores: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for cells in score_cells(scores):
        assert f"\n| {cells} |\n" in readme


def test_the_card_names_the_photographs_of_the_scores() -> None:
    paragraph = CARD.partition("The seven are ")[2].partition("\n\n")[0]
    for name in pd.read_csv(ROOT / "metrics/x2_images.csv")["name"]:
        assert Path(name).stem in paragraph
