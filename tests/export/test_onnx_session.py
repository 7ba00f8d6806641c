"""No program sends telemetry: ONNX Runtime would, and would first write files in the home folder.

It sends nothing if `CI` is set, so the programs run without it.
"""

import ast
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path

import pytest
import requests
import torch
from PIL import Image

from srcnn.models.model_files import save_model
from srcnn.models.srcnn import SRCNN
from tests.tiny_project import ROOT

TIMEOUT = 60
SESSION = ROOT / "srcnn/export/onnx_session.py"


@pytest.fixture
def variables(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Environment variables with empty home and temporary folders, which must stay empty."""
    for folder in ("home", "tmp"):
        (tmp_path / folder).mkdir()
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name != "CI" and not name.startswith(("XDG_", "ORT_"))
    }
    places = {"HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "tmp")}
    yield inherited | places | {"PYTHONPATH": str(ROOT)}
    assert [*(tmp_path / "home").rglob("*"), *(tmp_path / "tmp").rglob("*")] == []


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    Image.new("RGB", (8, 8), "teal").save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def test_upscaling_leaves_no_files_of_telemetry(photo: Path, variables: dict[str, str]) -> None:
    command = [sys.executable, "-m", "srcnn", "upscale", str(photo)]
    subprocess.run(command, env=variables, check=True, timeout=TIMEOUT)
    assert photo.with_name("photo_x2.png").is_file()


def test_serving_leaves_no_files_of_telemetry(
    photo: Path, tmp_path: Path, variables: dict[str, str]
) -> None:
    command = [sys.executable, "-m", "srcnn", "serve", "--port", "0"]
    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.match(r"http://[\d.:]+", process.stdout.readline())
            assert found
            with Image.open(BytesIO(upscaled(found[0], photo))) as result:
                assert result.size == (16, 16)
            assert [*(tmp_path / "home").rglob("*")] == []
            assert [file.name for file in (tmp_path / "tmp").glob(".*")] == []
            process.terminate()
            assert process.wait(TIMEOUT) == 0
        finally:
            process.kill()


def upscaled(address: str, photo: Path) -> bytes:
    """Upload a photograph as the page does, and download the result."""
    query, deadline = (
        {"name": photo.name, "scale": "2", "strength": "1"},
        time.monotonic() + TIMEOUT,
    )
    with requests.Session() as session:
        session.headers["Origin"] = address
        session.trust_env = False
        sent = session.post(f"{address}/jobs", params=query, data=photo.read_bytes())
        job = f"{address}/jobs/{sent.json()['id']}"
        while session.get(job).json()["state"] != "done":
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return session.get(f"{job}/result").content


def test_the_stage_export_leaves_no_files_of_telemetry(
    tmp_path: Path, variables: dict[str, str]
) -> None:
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    (tmp_path / "data/hr").mkdir(parents=True)
    (tmp_path / "data/hr/index.csv").write_text("image,split,name\n0001,train,a\n0002,val,b\n")
    torch.manual_seed(0)
    for loss in ("mse", "perceptual"):
        model = tmp_path / f"models/x2/{loss}.safetensors"
        model.parent.mkdir(parents=True, exist_ok=True)
        save_model(SRCNN(2), model, {"loss": loss, "trained_on": "a CPU", "kept_epoch": 1})
    command = [sys.executable, "-m", "stages.export", "--scale", "2"]
    subprocess.run(command, cwd=tmp_path, env=variables, check=True, timeout=TIMEOUT)
    assert (tmp_path / "exported/x2/perceptual.onnx").is_file()


def imported(nodes: Iterable[ast.AST]) -> set[str]:
    """The modules that some statements import."""
    names = {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    return names | {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}


def test_telemetry_is_off_before_any_import_of_the_runtime() -> None:
    importing = set()
    for folder in ("srcnn", "stages", "tools", "benchmarks", "tests"):
        for file in (ROOT / folder).rglob("*.py"):
            tree = ast.parse(file.read_bytes())
            if any(name.split(".")[0] == "onnxruntime" for name in imported([*ast.walk(tree)])):
                importing.add(str(file.relative_to(ROOT)))
                assert file == SESSION or "srcnn.export.onnx_session" in imported(tree.body), file
    assert importing == {"srcnn/export/onnx_session.py", "benchmarks/upscale.py"}
