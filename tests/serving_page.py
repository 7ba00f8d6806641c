"""The page of `srcnn serve`, served by a thread of the test, and a client that uses it."""

import asyncio
import socket
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import psutil
import requests
from aiohttp import web

from srcnn.serve.application import application
from srcnn.serve.upscale_queue import UpscaleQueue
from srcnn.web.guarded_application import HOST
from srcnn.web.local_server import listen

TIMEOUT = 60  # on machines that have much else to do


def page_served(folder: Path, max_pixels: int = 10**6) -> AbstractContextManager[str]:
    """Serve the page of `srcnn serve`, as `application_served`."""
    return application_served(lambda port: application(UpscaleQueue(folder, max_pixels), port))


@contextmanager
def application_served(make: Callable[[int], web.Application]) -> Iterator[str]:
    """Serve on a free port until the block ends; yield the address without a trailing slash."""
    listener = socket.create_server((HOST, 0))
    port = listener.getsockname()[1]
    address = f"http://{HOST}:{port}"
    stop: Future[Callable[[], Any]] = Future()

    async def serve() -> None:
        loop, stopped = asyncio.get_running_loop(), asyncio.Event()
        stop.set_result(partial(loop.call_soon_threadsafe, stopped.set))
        await listen(listener, make(port), stopped)

    thread = Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        yield address
    finally:
        stop.result()()
        thread.join()


def worker_after(code: str) -> tuple[str, ...]:
    """The command of a worker process that runs some code first."""
    main = "from srcnn.serve import worker\nworker.main()"
    return (sys.executable, "-P", "-c", f"{code}\n{main}")


def wait_until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


class Gate:
    """Holds every strip of a result in the worker until it is opened."""

    def __init__(self, folder: Path):
        self._opened, self._begun = folder / "opened", folder / "begun"
        self._begun.touch()
        self.code = f"""
import os, time
from srcnn.upscaling import onnx_runner
onnx_runner.TILE = 32
whole_strips = onnx_runner.Upscaler.strips
def strips(model, image):
    with open({str(self._begun)!r}, "a") as file:
        file.write(f"{{os.getpid()}}\\n")
    for strip in whole_strips(model, image):
        while not os.path.exists({str(self._opened)!r}):
            time.sleep(0.01)
        yield strip
onnx_runner.Upscaler.strips = strips
"""

    def open(self) -> None:
        self._opened.touch()

    @property
    def workers(self) -> list[int]:
        """The process id of the worker of each task that has begun."""
        return [int(line) for line in self._begun.read_text().splitlines()]


class Client:
    """Sends the page's requests."""

    def __init__(self, address: str):
        self.address, self.session = address, requests.Session()
        self.session.headers["Origin"] = address

    def post(self, body: Any, name: str = "photo.png", **settings: Any) -> requests.Response:
        query: dict[str, Any] = {"name": name, "scale": 2, "strength": 1} | settings
        return self.session.post(f"{self.address}/jobs", params=query, data=body)

    def sent(self, body: bytes, name: str = "photo.png", **settings: Any) -> str:
        answer = self.post(body, name, **settings)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def get(self, path: str, **headers: str) -> requests.Response:
        return self.session.get(f"{self.address}/{path}", headers=headers)

    def state(self, job: str) -> dict[str, Any]:
        return dict(self.get(f"jobs/{job}").json())

    def until(self, job: str, *states: str) -> dict[str, Any]:
        """Wait until a job is in one of the states."""
        wait_until(lambda: self.state(job).get("state") in states)
        return self.state(job)

    def cancel(self, job: str) -> None:
        assert self.session.delete(f"{self.address}/jobs/{job}").status_code == 204

    def connect(self, text: str = "") -> socket.socket:
        """Open a connection and send the beginning of a request."""
        connection = socket.create_connection((HOST, self.port), timeout=TIMEOUT)
        connection.sendall(text.encode())
        return connection

    def begin_upload(self) -> socket.socket:
        """Send a part of an upload."""
        head = f"POST /jobs?name=a.png&scale=2&strength=1 HTTP/1.1\r\nHost: {HOST}:{self.port}\r\n"
        return self.connect(head + f"Origin: {self.address}\r\nContent-Length: 9999\r\n\r\nwords")

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])


def is_alive(process: int) -> bool:
    """Whether a process exists; one that has ended but was not waited for does not count."""
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
