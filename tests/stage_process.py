"""Runs a stage in a fork of a process that has imported every stage, which takes seconds."""

import multiprocessing
import os
import runpy
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

STAGES = Path(__file__).parents[1] / "stages"

_METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
_server: Any = multiprocessing.get_context(_METHOD)
_server.set_forkserver_preload(
    [*(f"stages.{file.stem}" for file in STAGES.glob("[!_]*.py")), "skimage.metrics"]
)


def run_stage(
    name: str, *options: str, cwd: Path, env: Mapping[str, str]
) -> "subprocess.CompletedProcess[str]":
    """Run `python -m stages.name` with these options, folder and environment to its end."""
    with TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        argv = [f"stages/{name}.py", *options]
        process = _server.Process(target=_main, args=(f"stages.{name}", argv, cwd, env, out, err))
        process.start()
        process.join()
        assert process.exitcode is not None
        output, errors = out.read_text("utf-8"), err.read_text("utf-8")
    return subprocess.CompletedProcess(argv, process.exitcode, output, errors)


def _main(
    module: str, argv: list[str], cwd: Path, env: Mapping[str, str], out: Path, err: Path
) -> None:
    for number, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.argv[:] = argv
    sys.modules.pop(module, None)
    runpy.run_module(module, run_name="__main__", alter_sys=True)
