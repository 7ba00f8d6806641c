"""The command `srcnn serve`: how it starts and ends."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from subprocess import PIPE, Popen
from threading import Thread
from typing import Any

import numpy as np
import psutil
import pytest
import requests

from srcnn.cli.program import main
from tests.png_files import png_file
from tests.serving_page import TIMEOUT, Client, is_alive, wait_until, worker_after
from tests.tiny_project import ROOT


def noise(side: int) -> bytes:
    """A PNG of random pixels."""
    return png_file(np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8))


@contextmanager
def command(
    folder: Path, worker: str = "", browser: str = "true"
) -> Iterator[tuple[Client, Popen[str]]]:
    """The command, run in a folder that is also the place of its temporary files.

    `worker` is code that its worker processes run first.
    """
    code = f"""
import sys
from srcnn.cli.program import main
from srcnn.serve import worker_pool
worker_pool.COMMAND = {worker_after(worker)!r}
sys.exit(main(["serve", "--port", "0"]))
"""
    arguments = [
        sys.executable,
        *(["-c", code] if worker else ["-m", "srcnn", "serve", "--port", "0"]),
    ]
    own = {"TMPDIR": str(folder), "PYTHONPATH": str(ROOT), "BROWSER": browser}
    with Popen(
        arguments, cwd=folder, env=os.environ | own, stdout=PIPE, stderr=PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.fullmatch(r"(http://127\.0\.0\.1:\d+)/ \(press Ctrl-C to stop\)\n", line)
            assert found, line
            yield Client(found[1]), process
        finally:
            process.kill()


def folders(parent: Path) -> list[Path]:
    return list(parent.glob("srcnn-serve-*"))


@pytest.mark.parametrize("ended_by", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_command_serves_only_this_machine_opens_the_page_and_leaves_no_files(
    tmp_path: Path, photo: bytes, ended_by: signal.Signals
) -> None:
    browser = tmp_path / "browser"
    browser.write_text('#!/bin/sh\necho "$1" > opened\n')
    browser.chmod(0o755)
    with command(tmp_path, browser=f"{browser} %s") as (client, process):
        assert "Upscale photographs" in client.get("").text
        client.until(client.sent(photo), "done")
        sockets = psutil.Process(process.pid).net_connections()
        assert {each.laddr.ip for each in sockets if each.status == "LISTEN"} == {"127.0.0.1"}
        opened = tmp_path / "opened"
        wait_until(lambda: opened.exists() and opened.read_text() == f"{client.address}/\n")
        assert folders(tmp_path)
        process.send_signal(ended_by)
        assert (*process.communicate(timeout=TIMEOUT), process.returncode) == ("", "", 0)
    assert not folders(tmp_path)


def upload(client: Client, stack: ExitStack) -> None:
    stack.enter_context(client.begin_upload())


def half_a_header(client: Client, stack: ExitStack) -> None:
    stack.enter_context(client.connect("GET / HTTP/1.1\r\nHost:"))


def slow_check(client: Client, stack: ExitStack) -> None:
    Thread(target=suppressed, args=(client.post, noise(9), "a.tif"), daemon=True).start()
    time.sleep(1)


def running(client: Client, stack: ExitStack) -> None:
    client.until(client.sent(noise(40), scale=4), "running")
    client.sent(noise(40))  # waits


def slow_reader(client: Client, stack: ExitStack) -> None:
    job = client.sent(noise(600), "a.bmp")  # more than a socket buffers
    client.until(job, "done")
    host = client.address.removeprefix("http://")
    reader = client.connect(f"GET /jobs/{job}/result HTTP/1.1\r\nHost: {host}\r\n\r\n")
    assert stack.enter_context(reader).recv(100).startswith(b"HTTP/1.1 200")


def suppressed(send: Callable[..., Any], *arguments: Any) -> None:
    with suppress(requests.ConnectionError):
        send(*arguments)


SLOW = """
import time
from srcnn.serve import worker
from srcnn.upscaling.onnx_runner import Upscaler
image_size, whole_strips = worker.image_size, Upscaler.strips
def check(path):
    time.sleep(1000 * (path.suffix == ".tif"))
    return image_size(path)
def strips(model, image):
    time.sleep(1000 * (model.scale == 4))
    return whole_strips(model, image)
worker.image_size, Upscaler.strips = check, strips
"""


@pytest.mark.parametrize("state", [upload, half_a_header, slow_check, running, slow_reader])
def test_ctrl_c_pressed_twice_ends_the_command_in_every_state(
    tmp_path: Path, state: Callable[[Client, ExitStack], None]
) -> None:
    with ExitStack() as stack, command(tmp_path, SLOW) as (client, process):
        state(client, stack)
        workers = psutil.Process(process.pid).children()
        for _ in range(2):
            process.send_signal(signal.SIGINT)
            time.sleep(0.05)
        assert (*process.communicate(timeout=TIMEOUT), process.returncode) == ("", "", 0)
    assert not folders(tmp_path)
    assert not [worker for worker in workers if is_alive(worker.pid)]


def test_a_killed_command_leaves_no_worker_and_the_next_one_removes_its_folder(
    tmp_path: Path,
) -> None:
    other = tmp_path / "srcnn-serve-other"  # of another program
    other.mkdir()
    with command(tmp_path, SLOW) as (client, killed), ExitStack() as stack:
        running(client, stack)
        workers = psutil.Process(killed.pid).children()
        (abandoned,) = set(folders(tmp_path)) - {other}
        with command(tmp_path, SLOW):
            assert abandoned in folders(tmp_path)  # while it is alive
        killed.kill()
        killed.wait()
        wait_until(lambda: not any(is_alive(worker.pid) for worker in workers))
        with command(tmp_path, SLOW):
            assert abandoned not in folders(tmp_path)
            assert other in folders(tmp_path)


def test_no_process_of_the_command_sends_telemetry(tmp_path: Path) -> None:
    code = """
import os
from srcnn.serve import worker
answer = worker._upscale
def upscale(*arguments, **settings):
    done = answer(*arguments, **settings)
    return {**done, "notes": [os.environ["ORT_DISABLE_TELEMETRY"]]}
worker._upscale = upscale
"""
    with command(tmp_path, code) as (client, _):
        assert client.until(client.sent(noise(9)), "done", "failed")["notes"] == ["1"]


def test_a_port_in_use_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", "--port", str(port)]) == 1
    assert capsys.readouterr().err == (
        f"error: port {port}: Address already in use; use --port 0 for any free port\n"
    )


@pytest.mark.parametrize("option", ["--port=65536", "--port=-1", "--port=x", "--max-megapixels=0"])
def test_an_invalid_option_is_refused(capsys: pytest.CaptureFixture[str], option: str) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["serve", option])
    assert exit_.value.code == 2
    assert "is not a whole number from" in capsys.readouterr().err


def test_the_server_imports_nothing_slow() -> None:
    code = (
        "import sys, srcnn.serve.server; "
        "assert not {'torch', 'onnxruntime', 'pandas', 'scipy', 'skimage'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
