"""`srcnn serve` as the page uses it: over HTTP."""

from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image, ImageOps

from srcnn.images.image_io import RGB8
from srcnn.serve import worker_pool
from srcnn.upscaling.png_writer import write_png_strips
from srcnn.upscaling.released_networks import load
from srcnn.upscaling.target_size import TargetSize
from srcnn.upscaling.upscale import upscale_file
from srcnn.upscaling.upscale_jobs import Job
from tests.png_files import png_file, png_of
from tests.serving_page import Client, page_served, worker_after

Picture = Callable[..., RGB8]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with page_served(tmp_path_factory.mktemp("served")) as address:
        yield Client(address)


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
    file = Job(source, target, kind.lower(), TargetSize(4))
    upscale_file(file, [load(4, 0.25)], force=False, allow_large=False)

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
    tmp_path: Path, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "from srcnn.serve import before_after; before_after.MAX_PIXELS = 5000"
    monkeypatch.setattr(worker_pool, "COMMAND", worker_after(code))
    with page_served(tmp_path) as address:
        client = Client(address)
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
        ("a.png", lambda whole: b"", "not a readable PNG, JPEG, WebP, TIFF, BMP or AVIF"),
        ("a.jpg", lambda whole: b"words", "not a readable PNG, JPEG, WebP, TIFF, BMP or AVIF"),
        ("a.png", lambda whole: whole[:-900], "damaged or cut short"),
        ("a.webp", lambda whole: moving(), "an animation of 2 frames; save each as a file"),
        ("a.gif", lambda whole: whole, "unknown image format (known: .png, .jpg, .jpeg"),
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
