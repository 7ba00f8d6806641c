"""Starts and ends a web server that listens on this machine only."""

import asyncio
import logging
import signal
import socket
import threading
import webbrowser
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from aiohttp import web

from srcnn.errors import InputError
from srcnn.utils.system import SIGNALS, can_open_browser
from srcnn.web.guarded_application import HOST

IDLE_SECONDS = 20  # after which a connection without a complete request header is closed
MAX_CONNECTIONS = 100  # at a time; a browser opens at most six
SHUTDOWN_SECONDS = 0.2  # for requests in progress when the server ends

OpenApplication = Callable[[int], AbstractContextManager[web.Application]]
"""Makes the application for a port, as a context that removes its files at the end."""


def run_server(port: int, open_application: OpenApplication, *, browser: bool) -> None:
    """Serve an application until Ctrl-C, a termination signal, or the end of the terminal.

    Port 0 stands for any free port. With `browser`, the page is opened if there is a desktop.

    Raises:
        InputError: the port is not available.
    """
    try:
        listener = socket.create_server((HOST, port))
    except OSError as error:
        reason = str(error.strerror or error).partition(" (while")[0]
        raise InputError(f"port {port}: {reason}; use --port 0 for any free port") from None
    for library in ("aiohttp", "asyncio"):
        logging.getLogger(library).setLevel(logging.CRITICAL)  # malformed requests are not news
    with listener:
        asyncio.run(_serve(listener, open_application, browser=browser))


async def _serve(
    listener: socket.socket, open_application: OpenApplication, *, browser: bool
) -> None:
    stop = asyncio.Event()
    _stop_on_signals(stop)
    port = listener.getsockname()[1]
    with open_application(port) as application:
        address = f"http://{HOST}:{port}/"
        print(f"{address} (press Ctrl-C to stop)", flush=True)
        if browser and can_open_browser():
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
        await listen(listener, application, stop)


def _stop_on_signals(stop: asyncio.Event) -> None:
    """Set `stop` at the first signal to end the program, and ignore the following ones.

    Not by the event loop, which restores the default handlers before the program has ended.
    """
    always = (signal.SIGINT, signal.SIGTERM)
    # The others are ignored if the server was started by nohup.
    numbers = [n for n in SIGNALS if n in always or signal.getsignal(n) == signal.SIG_DFL]
    loop = asyncio.get_running_loop()

    def handle(*_: Any) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        loop.call_soon_threadsafe(stop.set)

    for number in numbers:
        signal.signal(number, handle)


async def listen(
    listener: socket.socket, application: web.Application, stop: asyncio.Event
) -> None:
    """Answer requests until `stop` is set; then close all connections and the application."""
    runner = web.AppRunner(
        application,
        access_log=None,
        keepalive_timeout=IDLE_SECONDS,
        shutdown_timeout=SHUTDOWN_SECONDS,
    )
    await runner.setup()
    assert runner.server
    try:
        async with asyncio.TaskGroup() as group:
            accepting = group.create_task(_accept(listener, runner.server))
            await stop.wait()
            accepting.cancel()
    finally:
        listener.close()
        await runner.cleanup()


async def _accept(listener: socket.socket, server: web.Server) -> None:
    """Accept connections, a limited number at a time; the others wait in the listener's backlog."""
    loop = asyncio.get_running_loop()
    listener.setblocking(False)
    while True:
        while len(server.connections) >= MAX_CONNECTIONS:
            await asyncio.sleep(0.05)
        try:
            connection, _ = await loop.sock_accept(listener)
            await loop.connect_accepted_socket(server, connection)
        except OSError:  # the client has gone, or no file descriptor is free
            await asyncio.sleep(0.05)
