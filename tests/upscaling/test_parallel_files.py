"""Several files at the same time: order of messages, errors, limit on memory, interruption."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from threading import Barrier, Event, Lock

import numpy as np
import pytest

from srcnn.cli.program import main
from srcnn.images.image_io import RGB8, write_png
from srcnn.upscaling import parallel_files
from srcnn.upscaling.parallel_files import MEMORY, run_in_order
from tests.tiny_project import ROOT

Picture = Callable[..., RGB8]
Capture = pytest.CaptureFixture[str]
THREADS = 3
PATIENCE = 60


@pytest.fixture(autouse=True)
def three_threads_in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(parallel_files, "cpu_count", lambda: THREADS)


def test_messages_have_the_order_of_the_files(
    picture: Picture, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    sides = {"a": 300, "b": 8, "c": 0, "d": 8, "e": 200, "f": 0, "g": 8}  # 0: damaged
    for name, side in sides.items():
        if side:
            write_png(Path(f"photos/{name}.png"), picture(side, side))
        else:
            Path(f"photos/{name}.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    monkeypatch.setattr(sys, "stderr", sys.stdout)
    assert main(["upscale", "photos", "-o", "large"]) == 1
    lines = capsys.readouterr().out.splitlines()
    expected = [f"large/{n}.png" if side else f"error: photos/{n}.png" for n, side in sides.items()]
    assert [line.split(": damaged")[0] for line in lines[:-1]] == expected
    assert lines[-1] == "2 of 7 could not be upscaled"


def test_a_folder_gives_the_same_files_as_each_image_alone(picture: Picture) -> None:
    for number in range(2 * THREADS + 2):
        write_png(Path(f"photos/{number}.png"), picture(30 + 40 * number, 250, phase=number))
    assert main(["upscale", "photos", "-o", "large"]) == 0
    for photo in Path("photos").iterdir():
        assert main(["upscale", str(photo), "-o", "alone.png", "--force"]) == 0
        assert Path("large", photo.name).read_bytes() == Path("alone.png").read_bytes()


def test_ctrl_c_in_a_folder_leaves_only_whole_results(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1200, 200, 3), dtype=np.uint8)
    for name in "abcd":
        write_png(Path(f"photos/{name}.png"), noise)
    process = subprocess.Popen(
        [sys.executable, "-m", "srcnn", "upscale", "photos", "-o", "large"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    end = time.monotonic() + PATIENCE
    while not any(file.stat().st_size for file in Path("large").glob(".*")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "timed out"
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, err) == (130, "stopped\n")
    assert len(out.splitlines()) < 4
    assert not list(Path("large").glob(".*"))
    assert main(["upscale", "photos", "-o", "large"]) == 0
    assert len({file.read_bytes() for file in Path("large").iterdir()}) == 1


def test_functions_run_at_the_same_time_and_return_in_order() -> None:
    barrier = Barrier(THREADS)

    def work(number: int) -> int:
        barrier.wait(PATIENCE)  # passes only if THREADS functions run
        return number

    works = [(1, lambda _, number=number: work(number)) for number in range(4 * THREADS)]
    assert [future.result() for future in run_in_order(works)] == list(range(4 * THREADS))


def test_functions_that_run_need_no_more_than_the_limit_or_run_alone() -> None:
    lock, running, most = Lock(), list[int](), list[int]()

    def work(memory: int) -> None:
        with lock:
            running.append(memory)
            most.append(sum(running) if running[1:] else 0)
        time.sleep(0.02)
        with lock:
            running.remove(memory)

    shares = [3, 1, 1, 8, 2, 2, 2, 12, 1, 9, 3, 1]  # of an eighth of the limit
    works = [(n * MEMORY // 8, lambda _, n=n: work(n)) for n in shares]
    for future in run_in_order(works):
        future.result()
    assert len(most) == len(shares)
    assert 0 < max(most) <= 8


def test_functions_are_taken_only_a_little_ahead() -> None:
    taken = []

    def works() -> Iterator[tuple[int, Callable[[Event], None]]]:
        for number in range(1000):
            taken.append(number)
            yield 1, lambda _: None

    with closing(run_in_order(works())) as futures:
        next(futures)
        assert len(taken) <= 2 * THREADS + 1


def test_closing_stops_what_runs_and_starts_nothing_more() -> None:
    ended = list[bool]()
    started = Barrier(THREADS + 1)

    def work(stopped: Event) -> None:
        started.wait(PATIENCE)
        ended.append(stopped.wait(PATIENCE))

    futures = run_in_order([(1, work)] * 10)
    next(futures)
    started.wait(PATIENCE)
    futures.close()
    assert ended == [True] * THREADS


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
def test_a_forked_process_can_upscale_too() -> None:
    code = """
import os
import numpy as np
from srcnn import load
network, image = load(2), np.zeros((8, 8, 3), np.uint8)
network(image)
if child := os.fork():
    raise SystemExit(os.waitpid(child, 0)[1])
network(image)
os._exit(0)
"""
    # Python warns about threads in a process that forks.
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=60)
