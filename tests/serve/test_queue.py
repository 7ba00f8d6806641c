"""The queue of `srcnn serve`: order, limits, deletion, and workers that fail or hang."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import numpy as np
import psutil
import pytest

from srcnn.serve import application, upscale_queue, worker_pool
from tests.png_files import png_file
from tests.serving_page import TIMEOUT, Client, Gate, is_alive, wait_until, worker_after

GREY = png_file(np.zeros((20, 20), np.uint8))


def test_one_task_runs_at_a_time_and_the_others_wait_in_order(
    client: Client, gate: Gate, photo: bytes
) -> None:
    jobs = [client.sent(photo) for _ in range(3)]
    client.until(jobs[0], "running")
    assert [client.state(job)["position"] for job in jobs] == [0, 1, 2]
    assert client.get(f"jobs/{jobs[0]}/result").status_code == 422
    gate.open()
    client.until(jobs[2], "done")
    assert [client.state(job)["state"] for job in jobs] == ["done"] * 3
    assert len(gate.workers) == 3


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
    gate.open()
    client.until(last, "done")
    client.sent(photo)


def test_running_and_waiting_tasks_can_be_cancelled(
    client: Client, gate: Gate, photo: bytes, tmp_path: Path
) -> None:
    running, waiting, last = (client.sent(photo) for _ in range(3))
    wait_until(lambda: gate.workers)
    client.cancel(waiting)
    assert client.state(last)["position"] == 1
    client.cancel(running)
    assert client.get(f"jobs/{running}").status_code == 404
    assert not is_alive(gate.workers[0])  # although it never got on
    client.until(last, "running")
    gate.open()
    client.until(last, "done")
    assert len(gate.workers) == 2  # the one that waited was never begun
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
    wait_until(lambda: len(list(tmp_path.iterdir())) == 2)
    assert [client.get(f"jobs/{job}").status_code for job in jobs] == [404, 404, 200, 200]


def test_the_worker_is_used_again(client: Client, gate: Gate, photo: bytes) -> None:
    gate.open()
    for scale in (2, 4):
        client.until(client.sent(photo, scale=scale), "done")
    assert len(set(gate.workers)) == 1


BAD = """
import os, signal, time
from srcnn.upscaling.onnx_runner import Upscaler
whole_strips = Upscaler.strips
def strips(model, image):
    if image.shape[2] == 1:
        %s
    return whole_strips(model, image)
Upscaler.strips = strips
"""


@pytest.mark.parametrize(
    ("does", "says"),
    [
        ("1 / 0", "cannot be upscaled (ZeroDivisionError: division by zero)"),
        (
            "os.kill(os.getpid(), signal.SIGKILL)",
            "its process was killed, probably because memory ran out",
        ),
        (
            "os.kill(os.getpid(), signal.SIGSEGV)",
            "its process crashed (SIGSEGV); the file may be damaged: save it again",
        ),
        ("os._exit(3)", "its process crashed (exit status 3); the file may be damaged: save it"),
        ("raise ValueError('x\\n' * 100_000)", "cannot be upscaled (ValueError: x x x x"),
    ],
)
def test_a_worker_that_fails_or_dies_fails_only_its_task(
    client: Client,
    photo: bytes,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    does: str,
    says: str,
) -> None:
    monkeypatch.setattr(worker_pool, "COMMAND", worker_after(BAD % does))
    jobs = [client.sent(body) for body in (photo, GREY, photo)]
    states = [client.until(job, "done", "failed") for job in jobs]
    assert [state["state"] for state in states] == ["done", "failed", "done"]
    assert states[1]["error"].startswith(says)
    assert states[1]["error"].isprintable()
    assert {folder.name for folder in tmp_path.iterdir()} == {jobs[0], jobs[2]}


def test_a_task_without_progress_is_stopped(
    client: Client, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_pool, "COMMAND", worker_after(BAD % "time.sleep(1000)"))
    client.until(client.sent(photo), "done")
    with monkeypatch.context() as impatient:
        impatient.setattr(upscale_queue, "STALL_SECONDS", 1)
        job = client.sent(GREY)
        assert client.until(job, "done", "failed")["error"] == (
            "stopped after 1 seconds without progress; save it again with another program"
        )
    client.until(client.sent(photo), "done")


SLOW_CHECK = """
import os, time
from srcnn.serve import worker
image_size = worker.image_size
def slow(path):
    while path.suffix == ".tif" and not os.path.exists({0!r}):
        time.sleep(0.01)
    return image_size(path)
worker.image_size = slow
"""


def test_slow_checks_delay_nothing_else(
    client: Client, photo: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(upscale_queue, "CHECK_SECONDS", TIMEOUT)
    opened = tmp_path / "opened"
    monkeypatch.setattr(worker_pool, "COMMAND", worker_after(SLOW_CHECK.format(str(opened))))
    with ThreadPoolExecutor(4) as pool:
        slow = [pool.submit(client.post, photo, "a.tif") for _ in range(4)]
        wait_until(lambda: len(list(tmp_path.glob("*/original.tif"))) == 4)
        assert client.get("page.css").status_code == 200
        client.until(client.sent(photo), "done")
        assert not any(upload.done() for upload in slow)
        opened.touch()
        jobs = [upload.result().json()["id"] for upload in slow]
    client.until(jobs[-1], "done")


@pytest.mark.parametrize(
    ("module", "limit", "says"),
    [
        (
            upscale_queue,
            "CHECK_SECONDS",
            "reading its size took longer than 1 seconds; save it again with another program",
        ),
        (application, "UPLOAD_SECONDS", "the upload took longer than 1 seconds; send it again"),
    ],
)
def test_a_slow_check_ends(
    client: Client,
    photo: bytes,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    module: ModuleType,
    limit: str,
    says: str,
) -> None:
    monkeypatch.setattr(worker_pool, "COMMAND", worker_after(SLOW_CHECK.format("")))
    monkeypatch.setattr(module, limit, 1)
    before = psutil.Process().children()
    refused = client.post(photo, "a.tif")
    assert (refused.status_code, refused.json()) == (422, {"error": says})
    assert list(tmp_path.iterdir()) == []
    after = [each for each in psutil.Process().children() if each.is_running()]
    assert set(after) <= set(before)
