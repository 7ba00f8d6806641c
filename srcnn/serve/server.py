"""`srcnn serve`: a page on this machine to try the networks on photographs.

It answers this machine alone, and of the pages that a browser may have open only its own.
"""

import asyncio
import logging
import os
import re
import signal
import socket
import tempfile
import threading
import webbrowser
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import web

from srcnn.errors import InputError
from srcnn.report import ASSETS as REPORT_ASSETS
from srcnn.serve.upscale_queue import Full, UpscaleQueue
from srcnn.serve.upscale_task import Task

HOST = "127.0.0.1"
UPLOAD = 64_000_000
"""Bytes of a photograph."""

PATIENCE = 60
"""Seconds that an upload may take."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}

_ASSETS_FOLDER = Path(__file__).parent / "assets"
_ASSETS = {
    "/page.css": _ASSETS_FOLDER / "page.css",
    "/page.js": _ASSETS_FOLDER / "page.js",
    "/pictures.js": _ASSETS_FOLDER / "pictures.js",
    "/report.css": REPORT_ASSETS / "page.css",  # colours, controls and the two pictures
    "/zoom_pan.js": REPORT_ASSETS / "zoom_pan.js",
}
_PICTURES = ("before.png", "after.png")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def serve(port: int, *, browser: bool, most_pixels: int) -> None:
    """Serve the page until Ctrl-C or the end of the terminal.

    Args:
        port: where; 0 for any that is free.
        browser: whether to open the page.
        most_pixels: of a result.

    Raises:
        InputError: the port cannot be had.
    """
    try:
        listening = socket.create_server((HOST, port))
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else error
        raise InputError(
            f"port {port}: {why}; srcnn serve --port 0 takes any that is free"
        ) from None
    logging.getLogger("aiohttp").setLevel(logging.CRITICAL)  # nonsense from a client is no news
    if signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:  # and nohup has not seen to it
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
    ended = False
    with (
        suppress(KeyboardInterrupt),  # which is how it is meant to end
        listening,
        tempfile.TemporaryDirectory(prefix="srcnn-serve-", ignore_cleanup_errors=True) as folder,
    ):
        address = f"http://{HOST}:{listening.getsockname()[1]}/"
        print(f"{address} (Ctrl-C ends it)", flush=True)
        if browser and os.environ.keys() & {"DISPLAY", "WAYLAND_DISPLAY", "BROWSER"}:
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
        queue = UpscaleQueue(Path(folder), most_pixels)
        try:
            app = application(queue, listening.getsockname()[1])
            web.run_app(app, sock=listening, print=None, access_log=None, shutdown_timeout=1)
        finally:
            ended = queue.close()
    if not ended:
        os._exit(0)  # or Python would wait for the strip that nobody wants any more


def application(queue: UpscaleQueue, port: int) -> web.Application:
    """The page, and what it asks for.

    Args:
        queue: does the work.
        port: where it is served, for which alone it answers.
    """
    page = _Page(queue)
    app = web.Application(middlewares=[_guard(port)])
    app.on_response_prepare.append(_add_headers)
    app.router.add_get("/", page.page)
    for name in _ASSETS:
        app.router.add_get(name, page.asset)
    app.router.add_post("/jobs", page.post)
    app.router.add_get("/jobs/{id}", page.state)
    app.router.add_delete("/jobs/{id}", page.delete)
    app.router.add_get(r"/jobs/{id}/{file:before\.png|after\.png|result}", page.file)
    return app


def _guard(port: int) -> Any:
    """Refuse what does not come from the page itself, and say in a line what goes wrong.

    Another site's page may send requests here, and by a name of its own that leads to this
    machine (DNS rebinding) read the answers: hence both headers.
    """
    end = "" if port == 80 else f":{port}"  # which browsers leave out
    hosts = {f"{name}{end}" for name in (HOST, "localhost")}

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.host.lower() not in hosts:
            return _refusal(403, f"this is http://{HOST}:{port}/ and answers to no other name")
        own = f"http://{request.host}"
        if request.method not in ("GET", "HEAD") and request.headers.get("Origin") != own:
            return _refusal(403, "only the page itself may send something here")
        try:
            return await handler(request)
        except InputError as error:
            return _refusal(503 if isinstance(error, Full) else 422, str(error))
        except web.HTTPException as error:
            return _refusal(error.status, error.reason)
        except Exception as error:  # such as a full disk: the page says it, and the server goes on
            return _refusal(500, str(InputError(f"{type(error).__name__}: {error}")))

    return guard


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)


def _refusal(status: int, line: str) -> web.Response:
    return web.json_response({"error": line}, status=status)


def _too_long() -> web.Response:
    return _refusal(413, f"more than the {UPLOAD // 10**6} MB that a photograph may have")


def _asked(request: web.Request) -> tuple[str, int, float]:
    """Name, scale and strength of a photograph."""
    name = re.split(r"[/\\]", request.query.get("name", ""))[-1]
    name = "".join(character for character in name if character.isprintable())
    try:
        return name[-200:], int(request.query["scale"]), float(request.query["strength"])
    except (KeyError, ValueError):
        raise InputError("scale and strength have to be numbers") from None


class _Page:
    """Answers to the page's requests."""

    def __init__(self, queue: UpscaleQueue):
        self.queue = queue

    async def page(self, request: web.Request) -> web.Response:
        html = (_ASSETS_FOLDER / "page.html").read_text(encoding="utf-8")
        html = html.replace("{upload}", str(UPLOAD))
        return web.Response(text=html, content_type="text/html")

    async def asset(self, request: web.Request) -> web.FileResponse:
        return web.FileResponse(_ASSETS[request.path])

    async def post(self, request: web.Request) -> web.Response:
        """Take a photograph, which is the body; its name, scale and strength are the query."""
        name, scale, strength = _asked(request)
        if (request.content_length or 0) > UPLOAD:
            return _too_long()
        task = self.queue.new(name, scale, strength)
        try:
            async with asyncio.timeout(PATIENCE):
                if await self._written(request, task.original) > UPLOAD:
                    self.queue.drop(task)
                    return _too_long()
            await asyncio.to_thread(self.queue.put, task)
        except TimeoutError:
            self.queue.drop(task)
            raise InputError(f"it was not here after {PATIENCE} seconds; send it again") from None
        except BaseException:
            self.queue.drop(task)
            raise
        return web.json_response(self._state(task), status=202)

    async def _written(self, request: web.Request, path: Path) -> int:
        """Write the body to a file, up to what a photograph may have; its length or more."""
        with path.open("wb") as file:
            async for part in request.content.iter_chunked(2**18):
                file.write(part)
                if file.tell() > UPLOAD:
                    break
            return file.tell()

    async def state(self, request: web.Request) -> web.Response:
        return web.json_response(self._state(self._task(request)))

    async def delete(self, request: web.Request) -> web.Response:
        self.queue.drop(self._task(request))
        return web.Response(status=204)

    async def file(self, request: web.Request) -> web.FileResponse:
        """The result, or one of the two pictures to compare."""
        task, file = self._task(request), request.match_info["file"]
        if task.state != "done":
            raise InputError("it is not done")
        if file in _PICTURES:
            return web.FileResponse(task.folder / file)
        name = quote(task.result_name, safe="")
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
        return web.FileResponse(task.result, headers=headers)

    def _task(self, request: web.Request) -> Task:
        task = self.queue.get(request.match_info["id"])
        if task is None:
            raise web.HTTPNotFound(reason="it is not kept any more; enlarge it again")
        return task

    def _state(self, task: Task) -> dict[str, Any]:
        state: dict[str, Any] = {"id": task.id, "state": task.state}
        if task.state == "waiting":
            state["place"] = self.queue.place(task)
        elif task.state == "running":
            state["done"] = round(task.done, 3)
        elif task.state == "failed":
            state["error"] = task.error
        elif task.state == "done":
            width, height = task.size
            about = {"name": task.result_name, "width": width, "height": height}
            state |= about | {"bytes": task.bytes, "reduced": task.reduced, "notes": task.notes}
        return state
