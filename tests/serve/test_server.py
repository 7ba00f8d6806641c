"""`srcnn serve` as the page uses it: over HTTP."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from subprocess import PIPE, Popen
from threading import Event
from typing import Any
from urllib.parse import quote

import numpy as np
import psutil
import pytest
import requests
from PIL import Image, ImageOps

from srcnn.cli.program import main
from srcnn.images.image_io import RGB8
from srcnn.serve import server, upscale_queue
from srcnn.upscaling import onnx_runner
from srcnn.upscaling.onnx_runner import Upscaler
from srcnn.upscaling.png_writer import write_png_strips
from srcnn.upscaling.released_networks import load
from srcnn.upscaling.upscale import upscale_file
from srcnn.upscaling.upscale_jobs import Job
from tests.png_files import png_file, png_of
from tests.serving_page import page_served
from tests.tiny_project import ROOT

Picture = Callable[..., RGB8]

TIMEOUT = 30


class Client:
    """Sends the page's requests."""

    def __init__(self, address: str):
        self.address, self.session = address, requests.Session()
        self.session.headers["Origin"] = address

    def post(self, body: Any, name: str = "photo.png", **settings: Any) -> requests.Response:
        query: dict[str, Any] = {"name": name, "scale": 2, "strength": 1} | settings
        return self.session.post(f"{self.address}/jobs", params=query, data=body)

    def sent(self, body: bytes, name: str = "photo.png", **settings: Any) -> str:
        answer = self.post(body, name, **settings)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def get(self, path: str, **headers: str) -> requests.Response:
        return self.session.get(f"{self.address}/{path}", headers=headers)

    def state(self, job: str) -> dict[str, Any]:
        return dict(self.get(f"jobs/{job}").json())

    def until(self, job: str, *states: str) -> dict[str, Any]:
        """Wait until a job is in one of the states."""
        self.waits(lambda: self.state(job).get("state") in states)
        return self.state(job)

    def waits(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + TIMEOUT
        while not condition():
            assert time.monotonic() < end
            time.sleep(0.01)

    def cancel(self, job: str) -> None:
        assert self.session.delete(f"{self.address}/jobs/{job}").status_code == 204


class Gate:
    """Holds every strip until it is opened, and counts the running tasks."""

    def __init__(self) -> None:
        self.opened, self.begun, self.running = Event(), 0, 0

    def strips(self, model: Upscaler, image: Any) -> Iterator[Any]:
        self.begun += 1
        self.running += 1
        assert self.running == 1
        try:
            for strip in whole_strips(model, image):
                assert self.opened.wait(TIMEOUT)
                yield strip
        finally:
            self.running -= 1


whole_strips = Upscaler.strips


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with page_served(tmp_path) as address:
        yield Client(address)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    """A gate before every strip of 32 rows of a result."""
    gate = Gate()
    monkeypatch.setattr(onnx_runner, "TILE", 32)
    monkeypatch.setattr(Upscaler, "strips", lambda model, image: gate.strips(model, image))
    yield gate
    gate.opened.set()


@pytest.fixture(scope="module")
def photo(picture: Picture) -> bytes:
    return png_file(picture(40, 30))


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def deep_png(levels: RGB8) -> bytes:
    file = BytesIO()
    write_png_strips(file, levels.shape[1::-1], [levels.astype(np.uint16) * 257 + 3])
    return file.getvalue()


@pytest.mark.parametrize("suffix", ["png", "JPG", "tiff", "webp", "bmp", "deep.png"])
def test_a_result_is_that_of_srcnn_upscale(
    client: Client, picture: Picture, tmp_path_factory: pytest.TempPathFactory, suffix: str
) -> None:
    levels = picture(20, 30)
    kind = {"JPG": "JPEG", "deep.png": "PNG"}.get(suffix, suffix)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned
    body = saved(Image.fromarray(levels), kind, **({} if kind == "bmp" else {"exif": exif}))
    if suffix == "deep.png":
        body = deep_png(levels)
    folder = tmp_path_factory.mktemp("upscaled")
    source, target = folder / f"a.{suffix}", folder / f"b.{suffix}"
    source.write_bytes(body)
    upscale_file(Job(source, target, kind.lower()), load(4, 0.25), force=False, allow_large=False)

    job = client.sent(body, f"a.{suffix}", scale=4, strength=0.25)
    state = client.until(job, "done", "failed")
    turned = suffix not in ("bmp", "deep.png")
    size = (80, 120) if turned else (120, 80)
    assert (state["width"], state["height"]) == size
    result = client.get(f"jobs/{job}/result").content
    assert result == target.read_bytes()
    assert state["bytes"] == len(result)
    with Image.open(target) as upscaled, Image.open(source) as original:
        upright = ImageOps.exif_transpose(original).convert("RGB")
        bicubic = upright.resize(size, Image.Resampling.BICUBIC)
        expected = {"after": (upscaled.convert("RGB"), 3), "before": (bicubic, 1)}
    for name, (image, most) in expected.items():  # JPEG and WebP lose something
        with Image.open(BytesIO(client.get(f"jobs/{job}/{name}.png").content)) as shown:
            assert (shown.format, shown.size) == ("PNG", size)
            difference = np.asarray(shown).astype(int) - np.asarray(image)
            assert np.abs(difference).mean() < most


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "1"])
def test_the_two_pictures_keep_the_kind_of_colour(
    client: Client, picture: Picture, mode: str
) -> None:
    job = client.sent(saved(Image.fromarray(picture(20, 30)).convert(mode), "PNG"))
    assert client.until(job, "done", "failed")["state"] == "done"
    modes = []
    for name in ("result", "before.png", "after.png"):
        with Image.open(BytesIO(client.get(f"jobs/{job}/{name}").content)) as image:
            assert image.size == (60, 40)
            modes.append(image.mode)
    assert len(set(modes)) == 1


def test_pictures_too_large_for_a_browser_are_reduced(
    client: Client, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("srcnn.serve.before_after.MAX_PIXELS", 5000)
    job = client.sent(png_file(picture(101, 51)))
    state = client.until(job, "done", "failed")
    assert (state["width"], state["height"], state["reduction"]) == (102, 202, 4)
    for name in ("before.png", "after.png"):
        with Image.open(BytesIO(client.get(f"jobs/{job}/{name}").content)) as image:
            assert image.size == (26, 51)


@pytest.mark.parametrize(
    ("name", "saved_as"),
    [
        ("Größe 日本.png", "Größe 日本_x2.png"),
        ("../../etc/a.png", "a_x2.png"),
        ("C:\\photos\\a.png", "a_x2.png"),
        ('a";\r\nX: y\u202egnp.png', 'a";X: ygnp_x2.png'),
        ("a" * 300 + ".png", "a" * 196 + "_x2.png"),
    ],
)
def test_a_download_has_the_name_of_the_photograph(
    client: Client, photo: bytes, name: str, saved_as: str
) -> None:
    job = client.sent(photo, name)
    assert client.until(job, "done")["name"] == saved_as
    header = client.get(f"jobs/{job}/result").headers["Content-Disposition"]
    assert header == f"attachment; filename*=UTF-8''{quote(saved_as, safe='')}"


def test_one_task_runs_at_a_time_and_the_others_wait_in_order(
    client: Client, gate: Gate, photo: bytes
) -> None:
    jobs = [client.sent(photo) for _ in range(3)]
    client.until(jobs[0], "running")
    assert [client.state(job)["position"] for job in jobs] == [0, 1, 2]
    assert client.get(f"jobs/{jobs[0]}/result").status_code == 422
    gate.opened.set()
    client.until(jobs[2], "done")
    assert [client.state(job)["state"] for job in jobs] == ["done"] * 3
    assert gate.begun == 3


def test_an_upload_to_a_full_queue_is_refused(
    client: Client, gate: Gate, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upscale_queue, "MAX_WAITING", 2)
    first = client.sent(photo)
    client.until(first, "running")
    client.sent(photo)
    last = client.sent(photo)
    refused = client.post(photo)
    assert refused.status_code == 503
    assert (
        refused.json()["error"] == "2 photographs are already waiting; try again when one is done"
    )
    gate.opened.set()
    client.until(last, "done")
    client.sent(photo)


def test_running_and_waiting_tasks_can_be_cancelled(
    client: Client, gate: Gate, photo: bytes, tmp_path: Path
) -> None:
    running, waiting, last = (client.sent(photo) for _ in range(3))
    client.until(running, "running")
    client.cancel(waiting)
    assert client.state(last)["position"] == 1
    client.cancel(running)
    assert client.get(f"jobs/{running}").status_code == 404
    gate.opened.set()
    client.until(last, "done")
    assert gate.begun == 2  # the one that waited was never begun
    assert [folder.name for folder in tmp_path.iterdir()] == [last]


def test_a_result_can_be_deleted(client: Client, photo: bytes, tmp_path: Path) -> None:
    job = client.sent(photo)
    client.until(job, "done")
    client.cancel(job)
    assert list(tmp_path.iterdir()) == []
    assert client.get(f"jobs/{job}/result").json() == {
        "error": "the result was deleted; upscale the photograph again"
    }


@pytest.mark.parametrize("limit", ["MAX_KEPT", "MAX_KEPT_BYTES"])
def test_the_oldest_results_are_deleted(
    client: Client, photo: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    jobs = [client.sent(photo)]
    client.until(jobs[0], "done")
    room = sum(file.stat().st_size for file in tmp_path.glob("*/*"))
    monkeypatch.setattr(upscale_queue, limit, 2 if limit == "MAX_KEPT" else 2 * room)
    jobs += [client.sent(photo) for _ in range(3)]
    client.until(jobs[-1], "done")
    client.waits(lambda: len(list(tmp_path.iterdir())) == 2)
    assert [client.get(f"jobs/{job}").status_code for job in jobs] == [404, 404, 200, 200]


@pytest.mark.parametrize("chunked", [True, False])
def test_an_upload_of_too_many_bytes_is_refused(
    client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, chunked: bool
) -> None:
    monkeypatch.setattr(server, "UPLOAD_BYTES", 2_000_000)
    body = bytes(3_000_000)
    refused = client.post(iter([body, body]) if chunked else body)
    assert refused.status_code == 413
    assert refused.json()["error"] == "larger than the upload limit of 2 MB"
    assert list(tmp_path.iterdir()) == []


def test_an_aborted_upload_leaves_nothing(client: Client, tmp_path: Path) -> None:
    host = client.address.removeprefix("http://")
    head = f"POST /jobs?name=a.png&scale=2&strength=1 HTTP/1.1\r\nHost: {host}\r\n"
    head += f"Origin: {client.address}\r\nContent-Length: 9999\r\n\r\nwords"
    with socket.create_connection(("127.0.0.1", int(host.partition(":")[2]))) as connection:
        connection.sendall(head.encode())
        client.waits(lambda: bool(list(tmp_path.iterdir())))
    client.waits(lambda: not list(tmp_path.iterdir()))


def test_a_stalled_upload_times_out(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "UPLOAD_SECONDS", 0.2)

    def stalled() -> Iterator[bytes]:
        yield b"words"
        time.sleep(1)
        yield b"more"

    refused = client.post(stalled())
    assert refused.json()["error"] == "the upload took longer than 0.2 seconds; send it again"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "size", "says"),
    [
        (
            "a.png",
            (600, 300),
            "the result would have 2400×1200 pixels (3 megapixels); the limit is 1 megapixels: "
            "choose ×2, or start srcnn serve --max-megapixels 3",
        ),
        (
            "a.png",
            (600, 500),
            "the result would have 2400×2000 pixels (5 megapixels); the limit is 1 megapixels: "
            "start srcnn serve --max-megapixels 5",
        ),
        ("a.png", (100_000, 100_000), "more than 268 megapixels"),
        ("a.webp", (5000, 1), "the result has 20000×4 pixels, but webp allows 16383 per side"),
    ],
)
def test_too_many_pixels_are_refused_from_the_header(
    client: Client, name: str, size: tuple[int, int], says: str
) -> None:
    header = np.array(size, ">u4").tobytes() + bytes((8, 2, 0, 0, 0))
    refused = client.post(png_of((b"IHDR", header), (b"IDAT", b"")), name, scale=4)
    assert (refused.status_code, refused.json()["error"]) == (422, says)


def moving() -> bytes:
    frames = [Image.new("RGB", (9, 9), colour) for colour in ("red", "blue")]
    return saved(frames[0], "WEBP", save_all=True, append_images=frames[1:])


@pytest.mark.parametrize(
    ("name", "make", "says"),
    [
        ("a.png", lambda whole: b"", "not a readable PNG, JPEG, WebP, TIFF or BMP"),
        ("a.jpg", lambda whole: b"words", "not a readable PNG, JPEG, WebP, TIFF or BMP"),
        ("a.png", lambda whole: whole[:-900], "damaged or cut short"),
        ("a.webp", lambda whole: moving(), "an animation of 2 frames; save each as a file"),
        ("a.gif", lambda whole: whole, "unknown image format (known: .png, .jpg, .jpeg, .webp"),
        ("photo", lambda whole: whole, "unknown image format"),
        (".png", lambda whole: whole, "unknown image format"),
        ("", lambda whole: whole, "unknown image format"),
    ],
)
def test_a_bad_file_is_one_line_and_the_server_goes_on(
    client: Client, photo: bytes, name: str, make: Callable[[bytes], bytes], says: str
) -> None:
    answer = client.post(make(photo), name)
    if answer.status_code == 202:
        error = client.until(answer.json()["id"], "failed")["error"]
    else:
        assert answer.status_code == 422
        error = answer.json()["error"]
    assert error.startswith(says)
    assert error.isprintable()
    client.until(client.sent(photo), "done")


def test_an_unexpected_error_is_one_line_and_the_next_task_runs(
    client: Client, photo: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(Upscaler, "strips", lambda model, image: 1 / 0)
        job = client.sent(photo)
        said = client.until(job, "failed")["error"]
    assert said == "cannot be upscaled (ZeroDivisionError: division by zero)"
    client.until(client.sent(photo), "done")
    assert job not in [folder.name for folder in tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"scale": 3}, "scale 3 is neither 2 nor 4"),
        ({"scale": "two"}, "scale and strength must be numbers"),
        ({"strength": 1.5}, "strength 1.5 is not between 0 and 1"),
        ({"strength": "nan"}, "strength nan is not between 0 and 1"),
        ({"strength": None}, "scale and strength must be numbers"),
    ],
)
def test_an_invalid_setting_is_refused(
    client: Client, photo: bytes, settings: dict[str, Any], says: str
) -> None:
    refused = client.post(photo, **settings)
    assert (refused.status_code, refused.json()) == (422, {"error": says})


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


@contextmanager
def command(folder: Path, **settings: str) -> Iterator[tuple[Client, Popen[str]]]:
    """The command, run in a folder that is also the place of its temporary files."""
    own = {"TMPDIR": str(folder), "PYTHONPATH": str(ROOT)} | settings
    arguments = [sys.executable, "-m", "srcnn", "serve", "--port", "0"]
    with Popen(
        arguments, cwd=folder, env=os.environ | own, stdout=PIPE, stderr=PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.fullmatch(r"(http://127\.0\.0\.1:\d+)/ \(press Ctrl-C to stop\)\n", line)
            assert found, line
            yield Client(found[1]), process
        finally:
            process.kill()
    assert not list(folder.glob("srcnn-serve-*"))


@pytest.mark.parametrize("ended_by", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_command_serves_only_this_machine_opens_the_page_and_leaves_no_files(
    tmp_path: Path, photo: bytes, ended_by: signal.Signals
) -> None:
    browser = tmp_path / "browser"
    browser.write_text('#!/bin/sh\necho "$1" > opened\n')
    browser.chmod(0o755)
    with command(tmp_path, BROWSER=f"{browser} %s") as (client, process):
        assert "Upscale photographs" in client.get("").text
        client.until(client.sent(photo), "done")
        sockets = psutil.Process(process.pid).net_connections()
        assert {each.laddr.ip for each in sockets if each.status == "LISTEN"} == {"127.0.0.1"}
        opened = tmp_path / "opened"
        client.waits(lambda: opened.exists() and opened.read_text() == f"{client.address}/\n")
        assert list(tmp_path.glob("srcnn-serve-*"))
        process.send_signal(ended_by)
        assert (*process.communicate(timeout=TIMEOUT), process.returncode) == ("", "", 0)


def test_the_command_stops_during_a_long_strip(tmp_path: Path) -> None:
    wide = saved(Image.new("L", (60_000, 190)), "PNG")
    with command(tmp_path, BROWSER="true") as (client, process):
        job = client.sent(wide)
        client.until(job, "running")
        time.sleep(0.5)
        assert client.state(job)["progress"] == 0
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert (*process.communicate(timeout=TIMEOUT), process.returncode) == ("", "", 0)
        assert time.monotonic() - begun < 5


def test_a_port_in_use_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", "--port", str(port)]) == 1
    assert capsys.readouterr().err == (
        f"error: port {port}: Address already in use; use --port 0 for any free port\n"
    )


@pytest.mark.parametrize("option", ["--port=65536", "--port=-1", "--port=x", "--max-megapixels=0"])
def test_an_invalid_option_is_refused(capsys: pytest.CaptureFixture[str], option: str) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["serve", option])
    assert exit_.value.code == 2
    assert "is not a whole number from" in capsys.readouterr().err


def test_without_aiohttp_the_command_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "srcnn.serve.server")
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    assert main(["serve"]) == 1
    assert capsys.readouterr().err == (
        "error: srcnn serve needs aiohttp: pip install 'srcnn-perceptual[serve]'\n"
    )


def test_the_server_imports_nothing_slow() -> None:
    code = (
        "import sys, srcnn.serve.server; "
        "assert not {'torch', 'onnxruntime', 'pandas', 'scipy', 'skimage'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
