"""The command `srcnn judge`: how it starts, what it refuses, how it ends."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

from srcnn.cli.program import main
from srcnn.images.image_io import RGB8
from tests.judge.small_project import A, B, make_project
from tests.serving_page import TIMEOUT, Client
from tests.tiny_project import ROOT


@pytest.mark.parametrize("ended_by", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_a_signal_and_names_damaged_votes(
    tmp_path: Path, picture: Callable[..., RGB8], ended_by: signal.Signals
) -> None:
    make_project(tmp_path, picture)

    (tmp_path / "metrics/votes.csv").write_text("damaged\n")
    command = [sys.executable, "-m", "srcnn", "judge", A, B, "--port", "0", "--no-browser"]
    own = os.environ | {"PYTHONPATH": str(ROOT)}
    with Popen(command, cwd=tmp_path, env=own, stdout=PIPE, stderr=PIPE, text=True) as process:
        assert process.stdout
        line = process.stdout.readline()
        found = re.fullmatch(r"(http://127\.0\.0\.1:\d+)/ \(press Ctrl-C to stop\)\n", line)
        assert found, line
        assert "Compare pictures" in Client(found[1]).get("").text
        process.send_signal(ended_by)
        _, errors = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 0
    assert errors == (
        "warning: metrics/votes.csv, line 1: 1 columns instead of 13; it does not count\n"
    )


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        ([], "name two or more methods, such as x4/perceptual x4/mse"),
        ([A], "name two or more methods, such as x4/perceptual x4/mse"),
        ([A, "x4/none"], f"x4/none: no such method; there are {B}, {A}"),
    ],
)
def test_wrong_methods_are_one_line(
    tmp_path: Path,
    picture: Callable[..., RGB8],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    methods: list[str],
    message: str,
) -> None:
    make_project(tmp_path, picture)
    monkeypatch.chdir(tmp_path)
    assert main(["judge", *methods, "--no-browser"]) == 1
    assert capsys.readouterr().err == f"error: {message}\n"


def test_the_server_imports_nothing_slow() -> None:
    code = (
        "import sys, srcnn.judge.server; "
        "assert not {'torch', 'onnxruntime', 'pandas', 'scipy', 'skimage', 'pydantic'} "
        "& sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
