"""The web application of `srcnn serve`: addresses, uploads, and security headers.

It refuses requests from web pages other than its own.
"""

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from srcnn.errors import InputError
from srcnn.images.kinds import IMAGE_SUFFIXES, READABLE
from srcnn.report import ASSETS as REPORT_ASSETS
from srcnn.serve.upscale_queue import QueueFull, UpscaleQueue
from srcnn.serve.upscale_task import UpscaleTask

HOST = "127.0.0.1"
UPLOAD_BYTES = 64_000_000  # limit on the size of an upload
UPLOAD_SECONDS = 60  # limit on its duration, including the check of the upload

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

_FOLDER = Path(__file__).parent / "assets"
_ASSETS = {
    **{f"/{name}": _FOLDER / name for name in ("page.css", "uploads.js", "before_after.js")},
    "/report.css": REPORT_ASSETS / "page.css",  # colours, controls, and the two images
    "/zoom_pan.js": REPORT_ASSETS / "zoom_pan.js",
}


def application(queue: UpscaleQueue, port: int) -> web.Application:
    """The web application; it refuses requests for another host or port."""
    handlers = _Handlers(queue)
    app = web.Application(middlewares=[_guard(port)])
    app.on_response_prepare.append(_add_headers)
    app.router.add_get("/", handlers.page)
    for name in _ASSETS:
        app.router.add_get(name, handlers.asset)
    app.router.add_post("/jobs", handlers.upload)
    app.router.add_get("/jobs/{id}", handlers.state)
    app.router.add_delete("/jobs/{id}", handlers.delete)
    app.router.add_get(r"/jobs/{id}/{file:before\.png|after\.png|result}", handlers.file)
    return app


def _guard(port: int) -> Middleware:
    """Refuse requests from other web pages, and return every error as one line.

    `Origin` shows whether another site's page sends the request. `Host` shows whether such a page
    reads the answer through a host name that it points to this machine (DNS rebinding).
    """
    suffix = "" if port == 80 else f":{port}"  # browsers omit the default port
    hosts = {f"{name}{suffix}" for name in (HOST, "localhost")}

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.host.lower() not in hosts:
            return _error(403, f"this server answers only to http://{HOST}:{port}/")
        own = f"http://{request.host}"
        if request.method not in ("GET", "HEAD") and request.headers.get("Origin") != own:
            return _error(403, "only this server's own page may send requests")
        try:
            return await handler(request)
        except InputError as error:
            return _error(503 if isinstance(error, QueueFull) else 422, str(error))
        except web.HTTPException as error:
            return _error(error.status, error.reason)
        except Exception as error:  # for example a full disk; the page shows it
            return _error(500, str(InputError(f"{type(error).__name__}: {error}")))

    return guard


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"error": message}, status=status)


def _parameters(request: web.Request) -> tuple[str, int, float]:
    """File name, scale and strength of an upload, from the query."""
    name = re.split(r"[/\\]", request.query.get("name", ""))[-1]
    name = "".join(character for character in name if character.isprintable())
    try:
        return name[-200:], int(request.query["scale"]), float(request.query["strength"])
    except (KeyError, ValueError):
        raise InputError("scale and strength must be numbers") from None


@dataclass(frozen=True)
class _Handlers:
    """Answers the page's requests."""

    queue: UpscaleQueue

    async def page(self, request: web.Request) -> web.Response:
        html = (_FOLDER / "page.html").read_text(encoding="utf-8")
        html = html.replace("{upload}", str(UPLOAD_BYTES)).replace("{kinds}", READABLE)
        html = html.replace("{suffixes}", ",".join(IMAGE_SUFFIXES))
        return web.Response(text=html, content_type="text/html")

    async def asset(self, request: web.Request) -> web.FileResponse:
        return web.FileResponse(_ASSETS[request.path])

    async def upload(self, request: web.Request) -> web.Response:
        """Receive a photograph, the request's body, check its size, and queue it."""
        reason = f"larger than the upload limit of {UPLOAD_BYTES // 10**6} MB"
        too_large = web.HTTPRequestEntityTooLarge(UPLOAD_BYTES, reason=reason)
        name, scale, strength = _parameters(request)
        if (request.content_length or 0) > UPLOAD_BYTES:
            raise too_large
        task = self.queue.create(name, scale, strength)
        try:
            async with asyncio.timeout(UPLOAD_SECONDS):
                with task.upload.open("wb") as file:
                    async for part in request.content.iter_chunked(2**18):
                        file.write(part)
                        if file.tell() > UPLOAD_BYTES:
                            raise too_large
                await self.queue.submit(task)
        except BaseException as error:
            await self.queue.delete(task)
            if not isinstance(error, TimeoutError):
                raise
            reason = f"the upload took longer than {UPLOAD_SECONDS} seconds; send it again"
            raise InputError(reason) from None
        return web.json_response(self._state(task), status=202)

    async def state(self, request: web.Request) -> web.Response:
        return web.json_response(self._state(self._task(request)))

    async def delete(self, request: web.Request) -> web.Response:
        await self.queue.delete(self._task(request))
        return web.Response(status=204)

    async def file(self, request: web.Request) -> web.FileResponse:
        """Send the result or one of the two images to compare."""
        task, file = self._task(request), request.match_info["file"]
        if task.state != "done":
            raise InputError("the result is not ready")
        if file != "result":
            return web.FileResponse(task.folder / file)
        name = quote(task.result_name, safe="")
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
        return web.FileResponse(task.result, headers=headers)

    def _task(self, request: web.Request) -> UpscaleTask:
        task = self.queue.get(request.match_info["id"])
        if task is None:
            raise web.HTTPNotFound(reason="the result was deleted; upscale the photograph again")
        return task

    def _state(self, task: UpscaleTask) -> dict[str, Any]:
        return {
            "id": task.id,
            "state": task.state,
            "position": self.queue.position(task),
            "progress": round(task.progress, 3),
            "error": task.error,
            "name": task.result_name,
            "width": task.size[0],
            "height": task.size[1],
            "bytes": task.result_bytes,
            "reduction": task.reduction,
            "notes": task.notes,
        }
