import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from srcnn.figures.canvas import Canvas, enlarge, shrink
from srcnn.figures.style import DPI, FIGURE_MARGIN, FIGURE_WIDTH, figure_style
from srcnn.figures.windows import Window
from srcnn.images.image_io import RGB8

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
        canvas.add_image(enlarge(picture(20, 30), 7), 0, 50)
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


def test_a_pdf_contains_text_whole_images_and_no_date(tmp_path: Path, picture: Picture) -> None:
    canvas = Canvas(300)
    canvas.add_text("text", 0, 0)
    canvas.add_image(picture(40, 50), 11, 23)
    canvas.write(tmp_path / "canvas")
    pdf = (tmp_path / "canvas.pdf").read_bytes()
    assert b"/FontFile2" in pdf  # TrueType
    assert b"/Type3" not in pdf
    assert b"Date" not in pdf
    sizes = re.findall(rb"/Width (\d+)\D*?/Height (\d+)", pdf) or re.findall(
        rb"/Height (\d+)\D*?/Width (\d+)", pdf
    )
    assert sorted(map(int, sizes[0])) == [40, 50]


def test_an_enlarged_pixel_is_a_square() -> None:
    two = np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8)
    np.testing.assert_array_equal(enlarge(two, 2)[:, :, 0], [[1, 1, 4, 4]] * 2)


@pytest.mark.parametrize(
    ("size", "factor"), [((100, 150), 1), ((100, 151), 2), ((201, 20), 3), ((1000, 1500), 10)]
)
def test_an_image_is_shrunk_by_the_smallest_integer_factor_that_fits(
    size: tuple[int, int], factor: int
) -> None:
    small, by = shrink(np.full((*size, 3), 77, np.uint8), 100, 150)
    assert by == factor
    assert small.shape == (size[0] // factor, size[1] // factor, 3)
    assert (small == 77).all()


@pytest.mark.parametrize("window", [Window(0, 0, 72, 72), Window(30, 60, 42, 40)])
def test_a_frame_changes_only_pixels_near_the_edge_of_the_window(
    picture: Picture, window: Window
) -> None:
    whole, canvas = picture(72, 100), Canvas(200)
    assert canvas.add_overview(whole, window, Window(0, 0, 72, 100)) == (72, 100, 1)
    pixels = canvas.render()
    place = slice(FIGURE_MARGIN, FIGURE_MARGIN + 72), slice(FIGURE_MARGIN, FIGURE_MARGIN + 100)
    changed = (pixels[place] != whole).any(2)
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


def test_a_large_image_is_shrunk_with_its_frame(picture: Picture) -> None:
    canvas = Canvas(200)
    size = canvas.add_overview(picture(300, 448), Window(216, 96, 72, 72), Window(0, 0, 150, 400))
    assert size == (150, 224, 2)
