"""The web application of `srcnn serve`: addresses, and uploads with their limits."""

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import web

from srcnn.errors import InputError
from srcnn.images.kinds import IMAGE_SUFFIXES, READABLE
from srcnn.report import ASSETS as REPORT_ASSETS
from srcnn.serve.upscale_queue import UpscaleQueue
from srcnn.serve.upscale_task import UpscaleTask
from srcnn.web.guarded_application import guarded_application

UPLOAD_BYTES = 64_000_000  # limit on the size of an upload
UPLOAD_SECONDS = 60  # limit on its duration, including the check of the upload

_FOLDER = Path(__file__).parent / "assets"
_ASSETS = {
    **{f"/{name}": _FOLDER / name for name in ("page.css", "uploads.js", "before_after.js")},
    "/report.css": REPORT_ASSETS / "page.css",  # colours, controls, and the two images
    "/zoom_pan.js": REPORT_ASSETS / "zoom_pan.js",
}


def application(queue: UpscaleQueue, port: int) -> web.Application:
    """The web application; it closes the queue at its end."""
    handlers = _Handlers(queue)
    app = guarded_application(port, _ASSETS)

    async def close_queue(_: web.Application) -> None:
        await queue.close()

    app.on_cleanup.append(close_queue)
    app.router.add_get("/", handlers.page)
    app.router.add_post("/jobs", handlers.upload)
    app.router.add_get("/jobs/{id}", handlers.state)
    app.router.add_delete("/jobs/{id}", handlers.delete)
    app.router.add_get(r"/jobs/{id}/{file:before\.png|after\.png|result}", handlers.file)
    return app


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
