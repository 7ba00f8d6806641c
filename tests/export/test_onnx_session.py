"""ONNX Runtime, as the package starts it, sends no telemetry."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.tiny_project import ROOT


@pytest.mark.parametrize(
    "module", ["upscaling.onnx_runner", "export.network_files", "serve.server"]
)
def test_telemetry_is_off_before_the_runtime_is_imported(module: str) -> None:
    code = (
        f"import sys, srcnn.{module}, os; "
        "assert 'onnxruntime' not in sys.modules or os.environ['ORT_DISABLE_TELEMETRY'] == '1'; "
        "from srcnn.export.onnx_session import onnx_session; "
        "assert os.environ['ORT_DISABLE_TELEMETRY'] == '1'"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_upscaling_leaves_nothing_in_the_home_or_temporary_folder(tmp_path: Path) -> None:
    for folder in ("home", "tmp"):
        (tmp_path / folder).mkdir()
    Image.new("RGB", (8, 8), "teal").save(tmp_path / "photo.png")
    # With CI set, the runtime sends nothing in any case.
    variables = {name: value for name, value in os.environ.items() if name != "CI"}
    variables |= {"HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "tmp")}
    for name in [*variables]:
        if name.startswith(("XDG_", "ORT_")):
            del variables[name]
    command = [sys.executable, "-m", "srcnn", "upscale", str(tmp_path / "photo.png")]
    subprocess.run(command, cwd=ROOT, env=variables, check=True)
    assert (tmp_path / "photo_x2.png").is_file()
    assert [*(tmp_path / "home").rglob("*"), *(tmp_path / "tmp").rglob("*")] == []
