import re
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from srcnn.figures.canvas import Canvas, enlarge, shrink
from srcnn.figures.style import DPI, MARGIN, WIDTH, look
from srcnn.figures.text import drawable, shorten, width_of, wrap
from srcnn.figures.windows import Window
from srcnn.images.image_io import RGB8

Picture = Callable[..., RGB8]


def test_a_picture_on_a_page_keeps_its_pixels(picture: Picture) -> None:
    page = Canvas(200)
    page.text("$ beside _it", 70, 10)
    page.picture(picture(40, 50), 11, 23)
    pixels = page.pixels()
    assert pixels.shape == (200 + 2 * MARGIN, WIDTH + 2 * MARGIN, 3)
    top, left = 23 + MARGIN, 11 + MARGIN
    np.testing.assert_array_equal(pixels[top : top + 40, left : left + 50], picture(40, 50))
    assert (pixels[:, left + 60 :] < 128).any()
    assert (pixels[top + 41 :] == 255).all()


def test_a_page_is_written_for_print_the_same_each_time(tmp_path: Path, picture: Picture) -> None:
    with look():
        page = Canvas(300)
        page.text("Grid ×4, 10⁻³", 0, 0, bold=True)
        page.picture(enlarge(picture(20, 30), 7), 0, 50)
        page.chart(500, 50, 300, 150).plot([1, 2], [3, 4])
    page.write(tmp_path / "first")
    page.write(tmp_path / "x.y")
    for suffix in ("png", "pdf"):
        once, twice = ((tmp_path / f"{name}.{suffix}").read_bytes() for name in ("first", "x.y"))
        assert once == twice
    with Image.open(tmp_path / "first.png") as image:
        assert image.info["dpi"] == pytest.approx((DPI, DPI), abs=0.01)
        assert "srgb" in image.info
        np.testing.assert_array_equal(np.asarray(image), page.pixels())


def test_a_pdf_has_its_text_as_text_its_pictures_whole_and_no_date(
    tmp_path: Path, picture: Picture
) -> None:
    page = Canvas(300)
    page.text("text", 0, 0)
    page.picture(picture(40, 50), 11, 23)
    page.write(tmp_path / "page")
    pdf = (tmp_path / "page.pdf").read_bytes()
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
def test_a_picture_is_shrunk_by_the_smallest_whole_factor_that_fits(
    size: tuple[int, int], factor: int
) -> None:
    small, by = shrink(np.full((*size, 3), 77, np.uint8), 100, 150)
    assert by == factor
    assert small.shape == (size[0] // factor, size[1] // factor, 3)
    assert (small == 77).all()


@pytest.mark.parametrize("window", [Window(0, 0, 72, 72), Window(30, 60, 42, 40)])
def test_a_mark_changes_no_pixel_far_from_the_window_s_edge(
    picture: Picture, window: Window
) -> None:
    whole, page = picture(72, 100), Canvas(200)
    assert page.overview(whole, window, 0, 0, 72, 100) == (72, 100, 1)
    pixels = page.pixels()
    changed = (pixels[MARGIN : MARGIN + 72, MARGIN : MARGIN + 100] != whole).any(2)
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
    pixels[MARGIN : MARGIN + 72, MARGIN : MARGIN + 100] = 255
    assert (pixels == 255).all(), "the mark is on the picture alone"


def test_a_large_picture_is_reduced_with_its_mark(picture: Picture) -> None:
    page = Canvas(200)
    size = page.overview(picture(300, 448), Window(216, 96, 72, 72), 0, 0, 150, 400)
    assert size == (150, 224, 2)


# Lettering


def test_what_the_font_cannot_draw_is_replaced() -> None:
    assert drawable("α×4 猫\n.png") == "α×4 ��.png"


@pytest.mark.parametrize("text", ["one", "one two three four five six seven", "x" * 90 + " y", ""])
def test_lines_hold_all_words_and_none_is_too_wide(text: str) -> None:
    lines = wrap(text, 200)
    assert " ".join(lines) == text
    assert all(width_of(line) <= 200 or " " not in line for line in lines)


def test_a_name_that_is_too_wide_loses_its_middle() -> None:
    name = "folder/" + "a" * 50 + "$" + "b" * 50 + ".png"
    short = shorten(name, 300, bold=True)
    assert width_of(short, bold=True) <= 300
    assert short.startswith("aaa")
    assert short.endswith(".png")
    assert "…" in short
    assert shorten("folder/short.png", 300) == "short.png"


def test_widths_do_not_depend_on_the_user_s_style() -> None:
    usual = width_of("Ground truth")
    with mpl.rc_context({"font.family": "serif", "font.size": 30, "figure.dpi": 50}):
        assert width_of("Ground truth") == usual
