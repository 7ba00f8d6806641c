import re
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from srcnn.figures.canvas import OVERVIEW_ZOOM, Canvas, enlarge, overview_size
from srcnn.figures.style import DPI, FIGURE_MARGIN, FIGURE_WIDTH, figure_style
from srcnn.figures.windows import Window
from srcnn.images.image_io import RGB8
from srcnn.images.resize import imresize

Picture = Callable[..., RGB8]


def test_an_image_on_a_canvas_keeps_its_pixels(picture: Picture) -> None:
    canvas = Canvas(200)
    canvas.add_text("$ beside _it", 70, 10)
    canvas.add_image(picture(40, 50), 11, 23)
    pixels = canvas.render()
    assert pixels.shape == (200 + 2 * FIGURE_MARGIN, FIGURE_WIDTH + 2 * FIGURE_MARGIN, 3)
    top, left = 23 + FIGURE_MARGIN, 11 + FIGURE_MARGIN
    np.testing.assert_array_equal(pixels[top : top + 40, left : left + 50], picture(40, 50))
    assert (pixels[:, left + 60 :] < 128).any()
    assert (pixels[top + 41 :] == 255).all()


def test_a_canvas_written_twice_gives_the_same_bytes_at_300_dpi(
    tmp_path: Path, picture: Picture
) -> None:
    with figure_style():
        canvas = Canvas(300)
        canvas.add_text("Grid ×4, 10⁻³", 0, 0, bold=True)
        canvas.add_image(picture(20, 30), 0, 50, 7)
        canvas.add_overview(picture(200, 300), Window(20, 30, 60, 90), Window(100, 300, 80, 80))
        canvas.add_axes(500, 50, 300, 150).plot([1, 2], [3, 4])
    canvas.write(tmp_path / "first")
    canvas.write(tmp_path / "x.y")
    for suffix in ("png", "pdf"):
        once, twice = ((tmp_path / f"{name}.{suffix}").read_bytes() for name in ("first", "x.y"))
        assert once == twice
    with Image.open(tmp_path / "first.png") as image:
        assert image.info["dpi"] == pytest.approx((DPI, DPI), abs=0.01)
        assert "srgb" in image.info
        np.testing.assert_array_equal(np.asarray(image), canvas.render())


@pytest.mark.parametrize("zoom", [1, 7])
def test_a_pdf_contains_text_whole_images_and_no_date(
    tmp_path: Path, picture: Picture, zoom: int
) -> None:
    canvas = Canvas(300)
    canvas.add_text("text", 0, 0)
    canvas.add_image(picture(40, 50), 11, 13, zoom)
    canvas.write(tmp_path / "canvas")
    pdf = (tmp_path / "canvas.pdf").read_bytes()
    assert b"/FontFile2" in pdf  # TrueType
    assert b"/Type3" not in pdf
    assert b"Date" not in pdf
    sizes = re.findall(rb"/Width (\d+)\D*?/Height (\d+)", pdf) or re.findall(
        rb"/Height (\d+)\D*?/Width (\d+)", pdf
    )
    assert sorted(map(int, sizes[0])) == [40, 50]
    (page,) = re.findall(rb"/FlateDecode >>\s+stream\n(.+?)\nendstream", pdf, re.DOTALL)[:1]
    placed = re.findall(rb"([\d.]+) 0 0 ([\d.]+) [\d.]+ [\d.]+ cm", zlib.decompress(page))
    in_print = [50 * zoom * 72 / DPI, 40 * zoom * 72 / DPI]
    assert [float(side) for side in placed[-1]] == pytest.approx(in_print)


def test_an_enlarged_pixel_is_a_square(picture: Picture) -> None:
    two = np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8)
    np.testing.assert_array_equal(enlarge(two, 2)[:, :, 0], [[1, 1, 4, 4]] * 2)
    canvas = Canvas(200)
    canvas.add_image(picture(20, 30), 11, 23, 5)
    top, left = 23 + FIGURE_MARGIN, 11 + FIGURE_MARGIN
    pixels = canvas.render()[top : top + 100, left : left + 150]
    np.testing.assert_array_equal(pixels, enlarge(picture(20, 30), 5))


@pytest.mark.parametrize("size", [(100, 150), (37, 20), (20, 370), (1356, 2040), (1, 1)])
def test_a_whole_image_fills_its_box_in_one_direction(size: tuple[int, int]) -> None:
    height, width = overview_size((*size, 3), 100, 150)
    assert height <= 100
    assert width <= 150
    assert height == 100 or width == 150
    assert height * size[1] == pytest.approx(width * size[0], rel=0.1)


@pytest.mark.parametrize("window", [Window(0, 0, 72, 72), Window(30, 60, 42, 40)])
def test_a_frame_changes_only_pixels_near_the_edge_of_the_window(
    picture: Picture, window: Window
) -> None:
    whole, canvas = picture(72, 100), Canvas(200)
    assert canvas.add_overview(whole, window, Window(0, 0, 72, 100)) == (72, 100)
    pixels = canvas.render()
    place = slice(FIGURE_MARGIN, FIGURE_MARGIN + 72), slice(FIGURE_MARGIN, FIGURE_MARGIN + 100)
    shown = enlarge(imresize(whole, size=(36, 50)), OVERVIEW_ZOOM)
    changed = (pixels[place] != shown).any(2)
    rows, columns = np.indices(changed.shape)
    edge = 9
    inside = (
        (rows >= window.top + edge)
        & (rows < window.top + window.height - edge)
        & (columns >= window.left + edge)
        & (columns < window.left + window.width - edge)
    )
    assert changed.any()
    assert not changed[inside].any()
    pixels[place] = 255
    assert (pixels == 255).all(), "the frame lies inside the image"


@pytest.mark.parametrize(("size", "shown"), [((300, 448), (150, 224)), ((15, 20), (150, 200))])
def test_an_image_of_any_size_is_shown_whole(
    picture: Picture, size: tuple[int, int], shown: tuple[int, int]
) -> None:
    window, box = Window(0, 0, *size), Window(0, 0, 150, 400)
    canvas = Canvas(200)
    assert canvas.add_overview(picture(*size), window, box) == shown
    pixels = canvas.render()[FIGURE_MARGIN:, FIGURE_MARGIN:]
    inside = slice(10, shown[0] - 10), slice(10, shown[1] - 10)
    half = imresize(picture(*size), size=(shown[0] // 2, shown[1] // 2))
    np.testing.assert_array_equal(pixels[inside], enlarge(half, OVERVIEW_ZOOM)[inside])
