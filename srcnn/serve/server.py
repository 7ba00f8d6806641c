"""Starts the web server of `srcnn serve`."""

from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from srcnn.serve.application import application
from srcnn.serve.server_folder import server_folder
from srcnn.serve.upscale_queue import UpscaleQueue
from srcnn.web.local_server import run_server


def serve(port: int, *, browser: bool, max_pixels: int) -> None:
    """Serve the page until Ctrl-C, a termination signal, or the end of the terminal.

    Port 0 stands for any free port; `max_pixels` is the limit for a result.

    Raises:
        InputError: the port is not available.
    """

    @contextmanager
    def open_application(port: int) -> Iterator[web.Application]:
        with server_folder() as folder:
            yield application(UpscaleQueue(folder, max_pixels), port)

    run_server(port, open_application, browser=browser)
