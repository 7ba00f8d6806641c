"""The numbers in the text of docs/model-card.md; tests/tools/test_results.py checks its tables."""

from math import ceil, prod
from pathlib import Path

import pandas as pd
import pytest

from srcnn.settings import read_settings
from srcnn.upscaling.released_networks import FOLDER, read_network
from srcnn.utils.files import sha256_of
from tests.tiny_project import ROOT

CARD = (ROOT / "docs/model-card.md").read_text(encoding="utf-8")
NETWORKS = sorted(FOLDER.rglob("*.safetensors"))
REFERENCE = ROOT / "results/t91"
SPLITS = pd.read_csv(REFERENCE / "data/hr/index.csv")["split"].value_counts()


def test_the_card_has_the_number_of_parameters() -> None:
    weights, _ = read_network(NETWORKS[0])
    number = sum(prod(weight.shape) for weight in weights.values())
    assert f"{number:_} parameters".replace("_", " ") in CARD


@pytest.mark.parametrize("network", NETWORKS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_released_networks_are_those_of_the_reference_run(network: Path) -> None:
    _, about = read_network(network)
    assert about["model_sha256"] == sha256_of(REFERENCE / "models" / network.relative_to(FOLDER))


def test_the_card_has_the_number_of_batches() -> None:
    used = read_settings(REFERENCE / "params.yaml").train
    batches = ceil(SPLITS["train"] * used.patches_per_image / used.batch_size)
    assert f"An epoch has {batches} batches" in CARD


def test_the_card_counts_the_images() -> None:
    assert dict(SPLITS) == {"train": 81, "select": 10, "val": 114}
    for words in ("81 are for training and ten to choose the epoch", "the 114 images of Set14"):
        assert words in CARD
