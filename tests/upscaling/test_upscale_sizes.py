"""`srcnn upscale` to any scale, width and height, through the front door."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import srcnn
from srcnn.cli.program import main
from srcnn.images.image_io import RGB8, write_png
from srcnn.images.resize import imresize
from srcnn.upscaling.released_networks import FOLDER

Picture = Callable[..., RGB8]
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def size_of(name: str) -> tuple[int, int]:
    with Image.open(name) as image:
        return image.size


@pytest.mark.parametrize(
    ("options", "name", "size", "network", "note"),
    [
        (["--scale", "1.5"], "a_x1.5.png", (45, 32), 2, ""),
        (["--scale", "2.0"], "a_x2.png", (60, 42), 2, ""),
        (["--scale", "2.5"], "a_x2.5.png", (75, 53), 4, ""),
        (["--scale", "3"], "a_x3.png", (90, 63), 4, ""),
        (["--scale", "5"], "a_x5.png", (150, 105), 4, "the network gives ×4; the rest is bicubic"),
        (["--scale", "1"], "a_x1.png", (30, 21), 1, "no network was run"),
        (["--scale", "0.3"], "a_x0.3.png", (9, 7), 1, "no network was run"),
        (["--width", "41"], "a_w41.png", (41, 29), 2, ""),
        (["--height", "84"], "a_h84.png", (120, 84), 4, ""),
        (["--width", "90", "--height", "50"], "a_90x50.png", (71, 50), 4, ""),
        (["--width", "40", "--height", "50"], "a_40x50.png", (40, 28), 2, ""),
    ],
)
def test_each_size_is_the_next_larger_network_resized(
    picture: Picture,
    capsys: Capture,
    options: list[str],
    name: str,
    size: tuple[int, int],
    network: int,
    note: str,
) -> None:
    image = picture(21, 30)
    write_png(Path("a.png"), image)
    assert main(["upscale", "a.png", *options]) == 0
    out = capsys.readouterr().out
    assert out.startswith(name)
    assert (note in out) if note else (out == f"{name}\n")
    with Image.open(name) as result:
        assert result.size == size
        whole = image if network == 1 else srcnn.upscale(image, srcnn.load(network))
        np.testing.assert_array_equal(np.asarray(result), imresize(whole, size=size[::-1]))


@pytest.mark.parametrize("shape", [(1, 400), (400, 1), (3, 700), (700, 3)])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_wide_and_tall_pictures_keep_their_proportions(
    picture: Picture, shape: tuple[int, int], suffix: str
) -> None:
    Image.fromarray(picture(*shape)).save(f"a.{suffix}")
    long = "--width" if shape[1] > shape[0] else "--height"
    for pixels in (50, 900):
        assert main(["upscale", f"a.{suffix}", long, str(pixels)]) == 0
        sides = size_of(f"a_{long[2]}{pixels}.{suffix}")
        assert max(sides) == pixels
        assert min(sides) == max(1, round(min(shape) * pixels / max(shape)))


def test_every_image_of_a_folder_gets_the_network_that_it_needs(
    picture: Picture, capsys: Capture
) -> None:
    for width in (10, 15, 20, 30, 40, 50):
        write_png(Path(f"in/{width}.png"), picture(10, width))
    for _ in range(2):
        assert main(["upscale", "in", "--width", "40", "--force"]) == 0
        lines = dict(line.partition(" ")[::2] for line in capsys.readouterr().out.splitlines())
        assert len(lines) == 6  # the second time, the results are skipped
        assert {size_of(name)[0] for name in lines} == {40}
    assert "no network was run" in lines["in/40_w40.png"]
    assert "no network was run" in lines["in/50_w40.png"]
    assert not lines["in/10_w40.png"]


def test_a_model_takes_the_place_of_the_released_networks(
    picture: Picture, capsys: Capture
) -> None:
    shutil.copy(FOLDER / "x2/mse.safetensors", "mine.safetensors")
    image = picture(20, 30)
    write_png(Path("a.png"), image)
    network = srcnn.load(model="mine.safetensors")
    assert main(["upscale", "a.png", "--scale", "3", "--model", "mine.safetensors"]) == 0
    assert "the network gives ×2; the rest is bicubic" in capsys.readouterr().out
    with Image.open("a_x3.png") as result:
        expected = imresize(network(image), size=(60, 90))
        np.testing.assert_array_equal(np.asarray(result), expected)
    assert main(["upscale", "a.png", "--model", "mine.safetensors"]) == 0
    assert size_of("a_x2.png") == (60, 40)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--scale", "2", "--width", "9"], "--scale cannot be used with --width or --height"),
        (["--scale", "0"], "--scale 0: choose more than 0 and at most 100"),
        (["--scale", "nan"], "--scale nan: choose more than 0"),
        (["--scale", "1e9"], "--scale 1e+09: choose more than 0 and at most 100"),
        (["--height", "9000"], "a.png: 9000×9000 pixels are more than 100 times its 30×30; choose"),
    ],
)
def test_a_size_that_is_not_possible_is_one_line(
    picture: Picture, capsys: Capture, options: list[str], says: str
) -> None:
    write_png(Path("a.png"), picture(30, 30))
    assert main(["upscale", "a.png", *options]) == 1
    err = capsys.readouterr().err
    assert err.startswith(f"error: {says}")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    "options", [["--scale", "big"], ["--width", "0"], ["--height", "2.5"], ["--width", "-3"]]
)
def test_a_size_that_is_not_a_number_is_a_usage_error(options: list[str], capsys: Capture) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["upscale", "a.png", *options])
    assert exit_.value.code == 2
    assert f"argument {options[0]}: " in capsys.readouterr().err


def test_python_takes_an_exact_size(picture: Picture) -> None:
    image = picture(20, 30)
    result = srcnn.upscale(image, size=(100, 50))
    expected = imresize(srcnn.upscale(image, srcnn.load(4)), size=(50, 100))
    np.testing.assert_array_equal(result, expected)
    assert srcnn.upscale(Image.fromarray(image), srcnn.load(2), size=(31, 20)).size == (31, 20)
    with pytest.raises(ValueError, match="no pixels"):
        srcnn.upscale(image, size=(0, 50))


def test_a_result_of_the_same_size_is_done_already(picture: Picture, capsys: Capture) -> None:
    write_png(Path("in/a.png"), picture(20, 31))
    words = ["upscale", "in", "-o", "out", "--width"]
    assert [main([*words, "50"]), main([*words, "50"]), main([*words, "51"])] == [0, 0, 1]
    out, err = capsys.readouterr()
    assert out.splitlines() == ["out/a.png", "1 already done"]
    assert "out/a.png: exists; use --force to overwrite it" in err
