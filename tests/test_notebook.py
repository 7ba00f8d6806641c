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


def test_the_notebook_computes_the_committed_scores(scores: pd.DataFrame) -> None:
    names = pd.read_csv(ROOT / "metrics/x4_images.csv").set_index("image")["name"]
    run = pd.read_csv(ROOT / "metrics/x4.csv")
    committed = run[run["image"].map(names) == "chelsea.png"].set_index("method")
    assert set(scores.index) == {"bicubic", "mse", "perceptual"}
    for method, row in scores.iterrows():
        assert row["psnr_y"] == pytest.approx(committed["psnr_y"][method], abs=0.01)
        assert row["ssim_y"] == pytest.approx(committed["ssim_y"][method], abs=0.0005)


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
