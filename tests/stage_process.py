"""Runs stages in forks of a process that has imported every stage, which takes seconds."""

import json
import multiprocessing
import os
import runpy
import socketserver
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

STAGES = Path(__file__).parents[1] / "stages"

_METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
_server: Any = multiprocessing.get_context(_METHOD)
_server.set_forkserver_preload(
    [*(f"stages.{file.stem}" for file in STAGES.glob("[!_]*.py")), "skimage.metrics"]
)


_PYTHON = """\
#!{python} -IS
import json, os, socket, sys
asked = {{"pid": os.getpid(), "argv": sys.argv[1:], "cwd": os.getcwd(), "env": dict(os.environ)}}
with socket.socket(socket.AF_UNIX) as server:
    server.connect({socket!r})
    server.sendall(json.dumps(asked).encode() + b"\\n")
    sys.exit(int(server.makefile().read()))
"""


def run_stage(
    name: str, *options: str, cwd: Path, env: Mapping[str, str]
) -> "subprocess.CompletedProcess[str]":
    """Run `python -m stages.name` with these options, folder and environment to its end."""
    with TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        status = _run(f"stages.{name}", options, cwd, env, out, err)
        output, errors = out.read_text("utf-8"), err.read_text("utf-8")
    return subprocess.CompletedProcess([name, *options], status, output, errors)


@contextmanager
def forking_python() -> Iterator[Path]:
    """A folder for PATH, whose `python -m stages.name` runs the stage in a fork; Linux only."""
    with TemporaryDirectory() as folder:
        socket, python = f"{folder}/socket", Path(folder, "bin/python")
        python.parent.mkdir()
        python.write_text(_PYTHON.format(python=sys.executable, socket=socket), encoding="utf-8")
        python.chmod(0o755)
        with socketserver.ThreadingUnixStreamServer(socket, _Request) as server:
            Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}).start()
            try:
                yield python.parent
            finally:
                server.shutdown()


class _Request(socketserver.StreamRequestHandler):
    """Runs the stage that a `python` of `forking_python` asks for, and answers its exit status."""

    def handle(self) -> None:
        asked = json.loads(self.rfile.readline())
        option, module, *options = asked["argv"]
        assert option == "-m"
        out, err = (Path(f"/proc/{asked['pid']}/fd/{number}") for number in (1, 2))
        status = _run(module, options, Path(asked["cwd"]), asked["env"], out, err)
        self.wfile.write(str(status).encode())


def _run(
    module: str, options: Sequence[str], cwd: Path, env: Mapping[str, str], out: Path, err: Path
) -> int:
    argv = [f"{module.replace('.', '/')}.py", *options]
    process = _server.Process(target=_main, args=(module, argv, cwd, env, out, err))
    process.start()
    process.join()
    assert process.exitcode is not None
    return int(process.exitcode)


def _main(
    module: str, argv: list[str], cwd: Path, env: Mapping[str, str], out: Path, err: Path
) -> None:
    for number, path in ((1, out), (2, err)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
    sys.stdout, sys.stderr = (os.fdopen(number, "w", encoding="utf-8") for number in (1, 2))
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.argv[:] = argv
    sys.modules.pop(module, None)
    runpy.run_module(module, run_name="__main__", alter_sys=True)
