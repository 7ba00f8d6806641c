"""The page of `srcnn serve`, served by a thread of the test."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

from aiohttp import web

from srcnn.serve.server import HOST, application
from srcnn.serve.upscale_queue import UpscaleQueue


@contextmanager
def page_served(folder: Path, max_pixels: int = 10**6) -> Iterator[str]:
    """Serve on a free port until the block ends; yield the address without a trailing slash."""
    queue = UpscaleQueue(folder, max_pixels)
    listening = socket.create_server((HOST, 0))
    port = listening.getsockname()[1]
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(application(queue, port), access_log=None, shutdown_timeout=0.1)

    async def start() -> None:
        await runner.setup()
        await web.SockSite(runner, listening).start()

    thread = Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(start(), loop).result()
        yield f"http://{HOST}:{port}"
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
        queue.close()
