"""`srcnn upscale` on folders: runs that continue, overlap or are ended, and names of any length."""

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from srcnn.cli.program import main
from srcnn.images.image_io import RGB8, write_png
from tests.tiny_project import ROOT

Picture = Callable[..., RGB8]
Capture = pytest.CaptureFixture[str]
Start = Callable[..., "subprocess.Popen[str]"]
PATIENCE = 60


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def photos(picture: Picture) -> list[Path]:
    """Three small photographs, one in a subfolder."""
    files = [Path("photos", name) for name in ("a.png", "b.png", "sub/c.png")]
    for number, file in enumerate(files):
        write_png(file, picture(12, 16, phase=number))
    return files


@pytest.fixture
def start() -> Iterator[Start]:
    """Return a function that starts `srcnn upscale` in a process of its own, in this folder."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str, shell: str = "") -> "subprocess.Popen[str]":
        program = [sys.executable, "-m", "srcnn", "upscale", *arguments]
        process = subprocess.Popen(
            ["sh", "-c", f'{shell} exec "$@"', "sh", *program],
            env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def hidden() -> set[Path]:
    """The temporary files of the results."""
    return set(Path("large").glob(".*"))


def start_long(start: Start, shell: str = "") -> "subprocess.Popen[str]":
    """Start to upscale a large photograph; returns when its result is being written."""
    noise = np.random.default_rng(0).integers(0, 256, (1600, 400, 3), dtype=np.uint8)
    write_png(Path("noise.png"), noise)
    before = hidden()
    process = start("noise.png", "-o", "large", shell=shell)
    end = time.monotonic() + PATIENCE
    while not any(file.stat().st_size for file in hidden() - before):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "timed out"
        time.sleep(0.01)
    return process


def test_the_same_command_does_only_what_is_missing(photos: list[Path], capsys: Capture) -> None:
    command = ["upscale", "photos", "-o", "large"]
    assert main(command) == 0
    Path("large/b.png").unlink()
    kept = Path("large/a.png").stat()
    capsys.readouterr()
    assert main(command) == 0
    assert capsys.readouterr() == ("large/b.png\n2 already done\n", "")
    assert main(command) == 0
    assert capsys.readouterr() == ("3 already done\n", "")
    assert Path("large/a.png").stat().st_ino == kept.st_ino
    assert main([*command, "--force"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert Path("large/a.png").stat().st_ino != kept.st_ino


def test_results_next_to_their_originals_are_done_too(photos: list[Path], capsys: Capture) -> None:
    for options in (["photos"], ["photos/*.png", "photos/sub"], [str(photos[0])]):
        assert main(["upscale", *options]) == 0
    assert capsys.readouterr().out.splitlines()[3:] == ["3 already done", "1 already done"]


def test_a_result_of_another_size_or_older_than_its_original_is_not_done(
    photos: list[Path], picture: Picture, capsys: Capture
) -> None:
    assert main(["upscale", "photos", "-o", "large"]) == 0
    os.utime("large/a.png", ns=(0, photos[0].stat().st_mtime_ns - 1))
    write_png(Path("large/b.png"), picture(24, 33))
    capsys.readouterr()
    assert main(["upscale", "photos", "-o", "large"]) == 1
    out, err = capsys.readouterr()
    assert out == "1 already done\n"
    assert err.splitlines() == [
        "error: large/a.png: exists; use --force to overwrite it",
        "error: large/b.png: exists; use --force to overwrite it",
        "2 of 3 could not be upscaled",
    ]
    assert main(["upscale", "photos", "-o", "large", "--scale", "4"]) == 1
    assert "3 of 3 could not be upscaled" in capsys.readouterr().err


def test_the_size_of_an_upright_result_is_compared(picture: Picture, capsys: Capture) -> None:
    exif = Image.Exif()
    exif[0x112] = 6  # turned by 90°
    Image.fromarray(picture(12, 16)).save("turned.jpg", exif=exif)
    assert main(["upscale", "turned.jpg"]) == 0
    assert main(["upscale", "turned.jpg"]) == 0
    assert capsys.readouterr().out == "turned_x2.jpg\n1 already done\n"


def test_a_result_may_have_more_pixels_than_an_original(
    photos: list[Path], capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 16 * 12)
    for _ in range(2):
        assert main(["upscale", str(photos[0]), "-o", "a.png"]) == 0
    assert capsys.readouterr().out == "a.png\n1 already done\n"
    assert Image.MAX_IMAGE_PIXELS == 16 * 12


def test_two_runs_at_the_same_time_lose_nothing(picture: Picture, start: Start) -> None:
    for number in range(30):
        write_png(Path(f"photos/{number:02}.png"), picture(40, 50, phase=number))
    runs = [start("photos", "-o", "large") for _ in range(2)]
    for run in runs:
        _, err = run.communicate(timeout=PATIENCE)
        assert (run.returncode, err) == (0, "")
    assert len(list(Path("large").iterdir())) == 30
    for file in Path("large").iterdir():
        with Image.open(file) as image:
            image.load()


def test_a_folder_that_cannot_be_read_is_named_and_the_rest_are_upscaled(
    photos: list[Path], capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir = os.scandir

    def refuse(path: Any) -> Any:
        if Path(path).name == "sub":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    for number, name in enumerate(("photos", "photos/**/*.png")):
        assert main(["upscale", name, "-o", f"large{number}"]) == 1
        out, err = capsys.readouterr()
        assert out == f"large{number}/a.png\nlarge{number}/b.png\n"
        assert err.splitlines() == [
            "error: photos/sub: cannot be read (Permission denied)",
            "1 of 3 could not be upscaled",
        ]


@pytest.mark.parametrize("stem", ["n" * 240, "漢" * 80])
def test_a_long_name_works_if_the_file_system_allows_it(picture: Picture, stem: str) -> None:
    write_png(Path(f"{stem}.png"), picture(9, 7))
    assert main(["upscale", f"{stem}.png"]) == 0
    assert Path(f"{stem}_x2.png").is_file()


@pytest.mark.parametrize(
    "output", [(), ("-o", "x/" + "n" * 252 + ".png"), ("-o", "n" * 252 + ".png")]
)
def test_a_name_that_is_too_long_is_one_line(
    picture: Picture, capsys: Capture, output: tuple[str, ...]
) -> None:
    source = "n" * 250 + ".png"
    write_png(Path(source), picture(9, 7))
    assert main(["upscale", source, *output]) == 1
    target = output[1] if output else "n" * 250 + "_x2.png"
    message = f"error: {target}: File name too long; choose a shorter name\n"
    assert capsys.readouterr() == ("", message)


def test_an_input_with_an_impossible_name_does_not_stop_the_rest(
    photos: list[Path], capsys: Capture
) -> None:
    assert main(["upscale", "n" * 256, str(photos[0]), "-o", "large"]) == 1
    out, err = capsys.readouterr()
    assert out == "large/a.png\n"
    assert "n: cannot be read (File name too long)" in err


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "tiff", "bmp"])
def test_a_limit_on_the_size_of_files_is_one_line_that_names_the_file(
    kind: str, start: Start
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    write_png(Path("noise.png"), noise)
    run = start("noise.png", "-o", "large", "--format", kind, shell="ulimit -f 20;")
    out, err = run.communicate(timeout=PATIENCE)
    assert (run.returncode, out) == (1, "")
    assert err.startswith("error: large/noise.")
    assert "File too large; raise the limit (ulimit -f)" in err
    assert len(err.splitlines()) == 1
    assert list(Path("large").iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_no_temporary_file(start: Start, number: signal.Signals) -> None:
    process = start_long(start)
    for _ in range(2):  # as `timeout` does
        process.send_signal(number)
    assert process.communicate(timeout=PATIENCE) == ("", "")
    assert process.returncode == 128 + number
    assert list(Path("large").iterdir()) == []


def test_ctrl_c_pressed_twice_ends_as_once(start: Start) -> None:
    process = start_long(start)
    process.send_signal(signal.SIGINT)
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=PATIENCE) == ("", "stopped\n")
    assert process.returncode == 130
    assert list(Path("large").iterdir()) == []


def test_under_nohup_a_closed_terminal_ends_nothing(start: Start) -> None:
    process = start_long(start, "trap '' HUP;")  # as nohup does
    process.send_signal(signal.SIGHUP)
    assert process.communicate(timeout=PATIENCE) == ("large/noise.png\n", "")
    assert process.returncode == 0


def test_the_next_run_removes_only_what_a_killed_one_left(start: Start, photos: list[Path]) -> None:
    killed = start_long(start)
    killed.kill()
    killed.wait(PATIENCE)
    (left,) = hidden()
    Path("large/.mine.tmp").touch()
    running = start_long(start)
    assert not left.exists()
    other = start("photos", "-o", "large")
    for process in (running, other):
        assert process.wait(PATIENCE) == 0
    assert hidden() == {Path("large/.mine.tmp")}
    assert Path("large/noise.png").is_file()


def test_results_of_any_size_are_no_inputs_of_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (8, 8)).save("a.png")
    for options in ([], ["--scale", "2.5"], ["--width", "20"], ["--width", "9", "--height", "9"]):
        names = sorted(file.name for file in Path().iterdir())  # as a shell expands *.png
        assert main(["upscale", *names, *options]) == 0
        assert main(["upscale", ".", *options]) == 0
    results = ["a.png", "a_9x9.png", "a_w20.png", "a_x2.5.png", "a_x2.png"]
    assert sorted(file.name for file in Path().iterdir()) == results


def test_a_file_that_is_named_twice_is_upscaled_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    Image.new("RGB", (8, 8)).save("photos/a.png")
    assert main(["upscale", "photos/a.png", "photos", "-o", "large"]) == 0
    assert capsys.readouterr().out == "large/a.png\n"


def test_a_date_in_the_future_is_no_reason_to_refuse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (8, 8)).save("a.png")
    os.utime("a.png", (4e9, 4e9))
    for said in ("a_x2.png\n", "1 already done\n"):
        assert main(["upscale", "a.png"]) == 0
        assert capsys.readouterr().out == said
