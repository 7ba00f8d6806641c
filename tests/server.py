"""A web server on this machine that serves bytes from memory and can simulate failures."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar

Answer = Callable[["Handler", bytes], None]


@dataclass
class Server:
    """The state of a test server.

    Args:
        url: address of the root, without a trailing slash.
        files: content by name.
        answers: how to answer the next requests, in order; after these, correctly.
        asked: name and `Range` header of each request so far.
    """

    url: str
    files: dict[str, bytes] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)
    asked: list[tuple[str, str | None]] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    """Answer one request."""

    server_state: ClassVar[Server]

    def do_GET(self) -> None:
        state, name = self.server_state, self.path.removeprefix("/")
        state.asked.append((name, self.headers["Range"]))
        answer = state.answers.pop(0) if state.answers else whole
        content = state.files.get(name)
        if content is None:
            self.send_error(404)
        else:
            answer(self, content)

    def start(self, content: bytes, ranges: bool = True) -> bytes:
        """Send the headers of a correct answer; return the bytes for its body."""
        asked = self.headers["Range"]
        if asked is None or not ranges:
            self.send_response(200)
            body = content
        else:
            first = int(asked.removeprefix("bytes=").removesuffix("-"))
            if first >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return b""
            self.send_response(206)
            last = len(content) - 1
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
            body = content[first:]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        return body

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Log nothing."""


def whole(handler: Handler, content: bytes) -> None:
    """Send everything that was requested."""
    handler.wfile.write(handler.start(content))


def cut_after(count: int, ranges: bool = True) -> Answer:
    """Send only the first `count` bytes, then close the connection."""

    def answer(handler: Handler, content: bytes) -> None:
        handler.wfile.write(handler.start(content, ranges)[:count])
        handler.close_connection = True

    return answer


def without_ranges(handler: Handler, content: bytes) -> None:
    """Send the file from its start, whatever part was requested."""
    handler.wfile.write(handler.start(content, ranges=False))


def another_part(handler: Handler, content: bytes) -> None:
    """Send the last ten bytes, whatever part was requested."""
    handler.send_response(206)
    last = len(content) - 1
    handler.send_header("Content-Range", f"bytes {last - 9}-{last}/{len(content)}")
    handler.send_header("Content-Length", "10")
    handler.end_headers()
    handler.wfile.write(content[-10:])


def status(code: int) -> Answer:
    """Send an error and nothing else."""

    def answer(handler: Handler, content: bytes) -> None:
        handler.send_error(code)

    return answer


def wrong_bytes(handler: Handler, content: bytes) -> None:
    """Send the right number of wrong bytes."""
    handler.wfile.write(bytes(255 - byte for byte in handler.start(content)))


def stall(handler: Handler, content: bytes) -> None:
    """Send a few bytes, then nothing until after the client's timeout."""
    handler.wfile.write(handler.start(content)[:10])
    handler.wfile.flush()
    time.sleep(1)
    handler.close_connection = True


def hang_up(handler: Handler, content: bytes) -> None:
    """Close the connection without an answer."""
    handler.close_connection = True


def slowly(bytes_per_second: float) -> Answer:
    """Send everything that was requested, at a steady rate."""

    def answer(handler: Handler, content: bytes) -> None:
        body = handler.start(content)
        step = max(1, int(bytes_per_second / 50))
        for start in range(0, len(body), step):
            handler.wfile.write(body[start : start + step])
            time.sleep(0.02)

    return answer


class QuietServer(ThreadingHTTPServer):
    """A server that ignores clients that disconnect early."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def serving() -> Iterator[Server]:
    """Serve on a free port of the loopback interface until the block ends."""

    class Handling(Handler):
        pass

    with QuietServer(("127.0.0.1", 0), Handling) as server:
        Handling.server_state = Server(f"http://127.0.0.1:{server.server_port}")
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield Handling.server_state
        finally:
            server.shutdown()
            thread.join()
