"""The notebook, run from top to bottom without a network."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import skimage.data

from srcnn.evaluation.metrics import METRICS, GroundTruth, ImagePair
from srcnn.images.image_io import crop_to_multiple
from srcnn.images.resize import imresize
from srcnn.models.model_files import load_model
from srcnn.models.tiled_inference import super_resolve
from tests.tiny_project import ROOT

NOTEBOOK = ROOT / "notebooks/tour.ipynb"

RUN = """
import json, sys
from pathlib import Path

def refuse(event, _):
    if event in ("socket.connect", "socket.getaddrinfo"):
        raise RuntimeError("the notebook uses the network")

sys.addaudithook(refuse)
names = {"__name__": "__main__"}
for cell in json.loads(Path(sys.argv[1]).read_text("utf-8"))["cells"]:
    if cell["cell_type"] == "code":
        exec(compile("".join(cell["source"]), f"cell {cell['id']}", "exec"), names)
print(names["scores"].to_json())
"""
"""A program that runs the code cells in order and prints the table of scores."""


def cells(kind: str) -> list[dict[str, Any]]:
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == kind]


@pytest.fixture(scope="module")
def scores() -> pd.DataFrame:
    """The scores that the notebook computes."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", RUN, NOTEBOOK],
        cwd=NOTEBOOK.parent,  # as Jupyter does
        env=os.environ | {"MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return pd.DataFrame(json.loads(done.stdout))


def test_the_notebook_computes_the_scores_of_the_reference_networks(scores: pd.DataFrame) -> None:
    assert list(scores.index) == ["bicubic", "mse", "perceptual"]
    hr = crop_to_multiple(skimage.data.chelsea(), 4)
    lr = imresize(hr, 1 / 4)
    results = {
        loss: super_resolve(load_model(ROOT / f"results/t91/models/x4/{loss}.safetensors"), lr)
        for loss in ("mse", "perceptual")
    }
    results["bicubic"] = imresize(lr, 4)
    for method, sr in results.items():
        pair = ImagePair(sr, GroundTruth(hr, 4), {})
        for key, tolerance in (("psnr_y", 0.01), ("ssim_y", 0.0005)):
            expected = METRICS[key].compute(pair)
            assert scores.loc[method, key] == pytest.approx(expected, abs=tolerance)


def test_the_notebook_is_stored_without_outputs() -> None:
    for cell in cells("code"):
        assert not cell["outputs"], f"cell {cell['id']}: clear the outputs"
        assert cell["execution_count"] is None, f"cell {cell['id']}: clear the outputs"


def test_every_link_of_the_notebook_leads_to_a_file() -> None:
    text = "\n".join("".join(cell["source"]) for cell in cells("markdown"))
    links = re.findall(r"\]\((?!http)([^)#]+)", text)
    assert links
    for link in links:
        assert Path(NOTEBOOK.parent, link).exists(), link
