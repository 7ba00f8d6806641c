"""What the web applications of this project share: security headers, errors, fixed files.

They refuse requests from web pages other than their own.
"""

from collections.abc import Mapping
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from srcnn.errors import InputError

HOST = "127.0.0.1"

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


class Unavailable(InputError):  # noqa: N818  # named like its parent's other subclasses
    """The server cannot do this now, but later."""


def guarded_application(port: int, files: Mapping[str, Path]) -> web.Application:
    """An application that refuses requests for another host or port.

    Args:
        port: the port of the server.
        files: the path of each fixed file, such as a script, by its address.
    """
    app = web.Application(middlewares=[_guard(port)])
    app.on_response_prepare.append(_add_headers)

    async def send(request: web.Request) -> web.FileResponse:
        return web.FileResponse(files[request.path])

    for address in files:
        app.router.add_get(address, send)
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
            return _error(503 if isinstance(error, Unavailable) else 422, str(error))
        except web.HTTPException as error:
            return _error(error.status, error.reason)
        except Exception as error:  # for example a full disk; the page shows it
            return _error(500, str(InputError(f"{type(error).__name__}: {error}")))

    return guard


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(HEADERS)


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"error": message}, status=status)
