"""Connections to `srcnn serve`: slow, too many, and from other web pages."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from srcnn.serve import application
from srcnn.web import local_server
from tests.serving_page import TIMEOUT, Client, page_served, wait_until


@pytest.mark.parametrize("chunked", [True, False])
def test_an_upload_of_too_many_bytes_is_refused(
    client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, chunked: bool
) -> None:
    monkeypatch.setattr(application, "UPLOAD_BYTES", 2_000_000)
    body = bytes(3_000_000)
    refused = client.post(iter([body, body]) if chunked else body)
    assert refused.status_code == 413
    assert refused.json()["error"] == "larger than the upload limit of 2 MB"
    assert list(tmp_path.iterdir()) == []


def test_an_aborted_upload_leaves_nothing(client: Client, tmp_path: Path) -> None:
    with client.begin_upload():
        wait_until(lambda: bool(list(tmp_path.iterdir())))
    wait_until(lambda: not list(tmp_path.iterdir()))


def test_a_stalled_upload_times_out(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application, "UPLOAD_SECONDS", 0.2)

    def stalled() -> Iterator[bytes]:
        yield b"words"
        time.sleep(1)
        yield b"more"

    refused = client.post(stalled())
    assert refused.json()["error"] == "the upload took longer than 0.2 seconds; send it again"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("origin", ["http://evil.example", "null", None])
def test_requests_of_other_pages_are_refused(
    client: Client, photo: bytes, tmp_path: Path, origin: str | None
) -> None:
    job = client.sent(photo)
    client.until(job, "done")
    client.session.headers.update({"Origin": origin})  # type: ignore[dict-item]  # None: none
    assert client.post(photo).status_code == 403
    assert client.session.delete(f"{client.address}/jobs/{job}").status_code == 403
    assert [folder.name for folder in tmp_path.iterdir()] == [job]


def test_requests_to_another_host_name_are_refused(client: Client) -> None:
    port = client.address.rpartition(":")[2]
    for name in (f"evil.example:{port}", "127.0.0.1", "127.0.0.1:1", f"127.0.0.2:{port}"):
        assert client.get("", Host=name).status_code == 403
    assert client.get("", Host=f"localhost:{port}").status_code == 200


def test_every_answer_has_security_headers(client: Client) -> None:
    for path in (
        "",
        "uploads.js",
        "before_after.js",
        "page.css",
        "zoom_pan.js",
        "report.css",
        "nothing",
        "jobs/1",
    ):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["X-Content-Type-Options"] == "nosniff"
    assert client.get("../pyproject.toml").status_code == 404


@pytest.mark.parametrize("before", ["", "whole request"])
def test_half_a_request_header_times_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    monkeypatch.setattr(local_server, "IDLE_SECONDS", 0.5)
    with page_served(tmp_path) as address:
        client = Client(address)
        head = f"GET /nothing HTTP/1.1\r\nHost: {address.removeprefix('http://')}\r\n"
        with client.connect(f"{head}\r\n{head}" if before else head) as connection:
            received = b"".join(iter(lambda: connection.recv(2**16), b""))  # until it is closed
    assert received.count(b"HTTP/1.1 404") == bool(before)


def test_connections_beyond_the_limit_wait(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_server, "MAX_CONNECTIONS", 2)
    with client.connect("GET") as first, client.connect("GET"), ThreadPoolExecutor(1) as pool:
        third = pool.submit(client.get, "")
        time.sleep(0.3)
        assert not third.done()
        first.close()
        assert third.result(TIMEOUT).status_code == 200
