"""The numbers in the text of docs/model-card.md; tests/tools/test_results.py checks its tables."""

from math import prod
from pathlib import Path
from typing import Any

import pandas as pd

from srcnn.upscaling.released_networks import FOLDER, read_network
from srcnn.utils.yaml_files import read_yaml
from tests.tiny_project import ROOT

CARD = (ROOT / "docs/model-card.md").read_text(encoding="utf-8")
NETWORKS = sorted(FOLDER.rglob("*.safetensors"))
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


def test_the_card_has_the_number_of_parameters() -> None:
    weights, _ = read_network(NETWORKS[0])
    number = sum(prod(weight.shape) for weight in weights.values())
    assert f"{number:_} parameters".replace("_", " ") in CARD


def test_the_card_has_the_number_of_steps() -> None:
    used = parameters()
    images, size = split_sizes()["train"], used["train.batch_size"]
    batches = images * used["train.patches_per_image"] // size
    assert f"{batches * used['train.epochs.mse']} steps" in CARD


def test_the_card_counts_the_photographs() -> None:
    assert split_sizes() == {"train": 9, "val": 7}
    assert "Nine photographs" in CARD
    assert "seven photographs" in CARD


def test_the_card_names_the_photographs_of_the_scores() -> None:
    paragraph = CARD.partition("The seven are ")[2].partition("\n\n")[0]
    for name in pd.read_csv(ROOT / "metrics/x2_images.csv")["name"]:
        assert Path(name).stem in paragraph
