"""The web application of `srcnn judge`: sessions, the pictures of a trial, votes.

No answer tells which method made a picture: a trial's pictures are one block of plain pixels, left
before right, whose size is the same for all trials.
"""

import asyncio
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from aiohttp import web

from srcnn.analysis.vote_file import Answer
from srcnn.errors import InputError
from srcnn.judge.sessions import Session, Sessions
from srcnn.report import ASSETS as REPORT_ASSETS
from srcnn.web.guarded_application import guarded_application

_FOLDER = Path(__file__).parent / "assets"
_FILES = {
    **{f"/{name}": _FOLDER / name for name in ("page.css", "pictures.js", "session.js")},
    "/report.css": REPORT_ASSETS / "page.css",  # colours and controls
    "/zoom_pan.js": REPORT_ASSETS / "zoom_pan.js",
}


def application(sessions: Sessions, port: int) -> web.Application:
    """The web application."""
    handlers = _Handlers(sessions, asyncio.Lock())
    app = guarded_application(port, _FILES)
    app.router.add_get("/", handlers.page)
    app.router.add_get("/sessions", handlers.list)
    app.router.add_post("/sessions", handlers.start)
    app.router.add_get(r"/sessions/{key}/{trial:\d{1,6}}", handlers.pictures)
    app.router.add_post(r"/sessions/{key}/{trial:\d{1,6}}", handlers.vote)
    return app


@dataclass(frozen=True)
class _Handlers:
    """Answers the page's requests."""

    sessions: Sessions
    turn: asyncio.Lock  # one request at a time reads images or writes the file

    async def page(self, request: web.Request) -> web.FileResponse:
        return web.FileResponse(_FOLDER / "page.html")

    async def list(self, request: web.Request) -> web.Response:
        """Say what is asked, and list the sessions that can be continued."""
        async with self.turn:
            unfinished = await asyncio.to_thread(lambda: list(self.sessions.unfinished()))
        return web.json_response(
            {
                "question": self.sessions.question,
                "side": self.sessions.planner.side,
                "unfinished": [_state(session) for session in unfinished],
            }
        )

    async def start(self, request: web.Request) -> web.Response:
        """Start a session; the body is JSON with the voter's name."""
        name = str((await _json(request)).get("voter", ""))
        async with self.turn:
            session = await asyncio.to_thread(self.sessions.start, name)
        return web.json_response(_state(session), status=201)

    async def pictures(self, request: web.Request) -> web.Response:
        """Send the pictures of the next trial as RGB, 8 bits each."""
        async with self.turn:
            place = self._session(request), int(request.match_info["trial"])
            pictures = await asyncio.to_thread(self.sessions.pictures, *place)
        body = b"".join(picture.tobytes() for picture in pictures)
        return web.Response(body=body, content_type="application/octet-stream")

    async def vote(self, request: web.Request) -> web.Response:
        """Record an answer; the body is JSON with `answer` and `seconds`."""
        given = await _json(request)
        answer: Any = given.get("answer")
        seconds = given.get("seconds")
        if answer not in get_args(Answer):
            raise InputError(f"answer must be one of {', '.join(get_args(Answer))}")
        if not isinstance(seconds, int | float) or not 0 <= seconds < math.inf:
            raise InputError("seconds must be a number of at least 0")
        async with self.turn:
            session = self._session(request)
            place = session, int(request.match_info["trial"])
            await asyncio.to_thread(self.sessions.vote, *place, answer, min(seconds, 10**6))
        return web.json_response(_state(session))

    def _session(self, request: web.Request) -> Session:
        session = self.sessions.get(request.match_info["key"])
        if session is None:
            raise web.HTTPNotFound(reason="the server was started again; reload the page")
        return session


def _state(session: Session) -> dict[str, Any]:
    total = len(session.trials)
    return {"key": session.key, "voter": session.voter, "done": session.done, "total": total}


async def _json(request: web.Request) -> dict[str, Any]:
    try:
        value = await request.json()
    except ValueError:
        raise InputError("the body must be JSON") from None
    if not isinstance(value, dict):
        raise InputError("the body must be a JSON object")
    return value
