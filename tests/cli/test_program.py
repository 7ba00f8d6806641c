import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from srcnn.cli import score_pairs
from srcnn.cli.program import main
from srcnn.evaluation.metrics import METRICS, convention
from srcnn.images.image_folders import list_images
from srcnn.images.image_io import RGB8, crop_to_multiple, read_rgb, write_png
from srcnn.images.resize import imresize
from srcnn.models import portable
from srcnn.utils.system import SIGNALS

Picture = Callable[..., RGB8]
Output = pytest.CaptureFixture[str]
ROOT = str(Path(__file__).parents[2])


@pytest.fixture(autouse=True)
def leave_arithmetic(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave this process as it is for the other tests."""
    monkeypatch.setattr(portable, "pin_arithmetic", lambda: None)


@pytest.fixture
def images(tmp_path: Path, picture: Picture) -> tuple[str, ...]:
    """Two images and their bicubic results at ×2; the options that name them."""
    for number, name in enumerate(("photo", "été\t1")):
        hr = picture(40, 40 + 4 * number, phase=number)
        write_png(tmp_path / f"hr/{name}.png", hr)
        write_png(tmp_path / f"sr/{name}_bicubic_x2.png", imresize(imresize(hr, 1 / 2), 2))
    return "--sr", str(tmp_path / "sr"), "--hr", str(tmp_path / "hr"), "--scale", "2"


def run(*arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """Run the program in a process of its own, from a folder that is not the project's."""
    return subprocess.run(
        [sys.executable, "-m", "srcnn", *arguments],
        cwd="/",
        env={"PATH": os.environ["PATH"], "PYTHONPATH": ROOT, "OMP_NUM_THREADS": "1"} | settings,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def test_scores_are_printed_as_a_table(images: tuple[str, ...], capsys: Output) -> None:
    assert main(["score", *images]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0].split() == ["image", *METRICS]
    assert [line.split()[0] for line in lines[1:4]] == ["photo", r"été\t1", "mean"]
    assert err == ""


def test_scores_are_printed_as_json(images: tuple[str, ...], capsys: Output) -> None:
    assert main(["score", *images, "--json"]) == 0
    out, err = capsys.readouterr()
    printed = json.loads(out)
    assert list(printed) == ["images", "mean", "convention"]
    assert list(printed["images"]) == ["photo", "été\t1"]
    assert list(printed["mean"]) == [*METRICS, "identical"]
    for values in printed["images"].values():
        assert list(values) == list(METRICS)
        assert all(value == float(f"{value:.6g}") for value in values.values())
    assert printed["convention"] == convention(2)
    assert err == ""


@pytest.mark.parametrize(
    "arguments", [["upscale", ""], ["upscale", "a.png", "-o", ""], ["score", "--sr", ""]]
)
def test_an_empty_name_is_not_the_current_folder(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert "the name is empty" in capsys.readouterr().err


def test_the_program_runs_in_any_folder_and_on_any_terminal(images: tuple[str, ...]) -> None:
    done = run("score", *images, "--json", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert list(json.loads(done.stdout)["images"]) == ["photo", "été\t1"]


def test_what_is_wrong_is_one_line_and_nothing_is_printed(
    images: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "sr/photo_bicubic_x2.png").write_bytes(b"words")
    done = run("score", *images)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: {tmp_path}/sr/photo_bicubic_x2.png: ")
    assert len(done.stderr.splitlines()) == 1


def test_a_file_cut_short_is_refused_and_nothing_is_printed(
    images: tuple[str, ...], tmp_path: Path, capsys: Output
) -> None:
    file = tmp_path / "hr/photo.png"
    file.write_bytes(file.read_bytes()[:-500])
    assert main(["score", *images]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"error: {file}: ")
    assert len(err.splitlines()) == 1


def test_help_lists_the_verbs_and_their_options(capsys: Output) -> None:
    verbs = (
        (["--help"], "compare"),
        (["score", "--help"], "--sr"),
        (["compare", "--help"], "METHOD"),
    )
    for arguments, said in verbs:
        with pytest.raises(SystemExit) as exit_:
            main(arguments)
        assert exit_.value.code == 0
        assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["improve"],
        ["score"],
        ["score", "--sr", "a", "--hr", "b"],
        ["compare"],
        ["compare", "x4/mse"],
        *[
            ["score", "--sr", "a", "--hr", "b", "--scale", scale]
            for scale in ("two", "1", "0", "-2", "2.0", "²")
        ],
    ],
)
def test_a_usage_error_shows_the_usage(arguments: list[str], capsys: Output) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    assert exit_.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("usage: srcnn")


def test_methods_that_seeds_has_taken_are_asked_for_before_it(capsys: Output) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["compare", "--seeds", "HEAD", "seed2", "x4/mse", "x4/perceptual"])
    assert exit_.value.code == 2
    err = capsys.readouterr().err
    assert err.startswith("usage: srcnn compare [-h] METHOD OTHER [")
    assert err.splitlines()[-1] == (
        "srcnn compare: error: the following arguments are required: METHOD, OTHER; "
        "name both methods first, because --seeds takes all names after it"
    )


def test_the_help_says_what_metric_does_with_seeds(capsys: Output) -> None:
    with pytest.raises(SystemExit):
        main(["compare", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "[--metric METRIC] [--common] [--seeds RUN [RUN ...]] [--json] Compare" in text
    assert "without --seeds, also list each image" in text


def test_ctrl_c_prints_one_word_and_exits_with_130(
    images: tuple[str, ...], capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(score_pairs, "find_pairs", interrupt)
    assert main(["score", *images]) == 130
    assert capsys.readouterr() == ("", "stopped\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_with_128_and_the_number(
    images: tuple[str, ...],
    capsys: Output,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
) -> None:
    before = [signal.getsignal(each) for each in SIGNALS]
    monkeypatch.setattr(score_pairs, "find_pairs", lambda *_: signal.raise_signal(number))
    with pytest.raises(SystemExit) as exit_:
        main(["score", *images])
    for each, handler in zip(SIGNALS, before, strict=True):
        signal.signal(each, handler)
    assert exit_.value.code == 128 + number
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("full", [True, False], ids=["full disk", "reader gone"])
def test_unwritable_output_is_one_line_at_most(full: bool) -> None:
    # Scoring takes seconds, and this test is not about what it prints.
    code = (
        "import sys; from srcnn.cli import program; "
        "program._score = lambda options: print('scores'); "
        "sys.exit(program.main(['score', '--sr', 'a', '--hr', 'b', '--scale', '2']))"
    )
    read, write = os.pipe()
    os.close(read)
    if full:
        os.close(write)
        write = os.open("/dev/full", os.O_WRONLY)
    with os.fdopen(write, "wb") as out:
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, stdout=out, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 1
    assert done.stderr == ("error: standard output: No space left on device\n" if full else "")


def test_help_and_refusals_do_not_wait_for_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from srcnn.cli.program import main; "
        f"assert main(['score', '--sr', '{tmp_path}', '--hr', 'b', '--scale', '2']) == 1; "
        "assert not {'torch', 'skimage'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)


@pytest.mark.slow
@pytest.mark.parametrize(("scale", "psnr"), [(2, 33.67), (4, 28.43)])
def test_bicubic_has_the_known_score_on_set5(
    assets: Path, tmp_path: Path, capsys: Output, scale: int, psnr: float
) -> None:
    for file in list_images(assets / "Set5/HR"):
        hr = crop_to_multiple(read_rgb(file), scale)
        sr = imresize(imresize(hr, 1 / scale), scale)
        write_png(tmp_path / f"{file.stem}x{scale}.png", sr)
    options = "--sr", str(tmp_path), "--hr", str(assets / "Set5/HR"), "--scale", str(scale)
    assert main(["score", *options, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert list(printed["images"]) == ["baby", "bird", "butterfly", "head", "woman"]
    assert printed["mean"]["psnr_y"] == pytest.approx(psnr, abs=0.01)


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("srcnn up", ["upscale"]),
        ("srcnn upscale --fo", ["--format", "--force"]),
        ("srcnn upscale a.png --format j", ["jpeg"]),
        ("srcnn upscale pho", ["photo.png"]),
    ],
)
def test_bash_completes_verbs_options_choices_and_files(
    tmp_path: Path, words: str, completed: list[str]
) -> None:
    (tmp_path / "photo.png").touch()
    (tmp_path / "srcnn.bash").write_text(run("--completion", "bash").stdout)
    script = f"source srcnn.bash; COMP_WORDS=({words}); COMP_CWORD={len(words.split()) - 1}; "
    shell = ["bash", "-c", script + '_shtab_srcnn; printf "%s\\n" "${COMPREPLY[@]}"']
    result = subprocess.run(shell, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert result.stdout.split() == completed
