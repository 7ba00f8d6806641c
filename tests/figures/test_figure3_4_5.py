from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

from srcnn.figures.canvas import enlarge
from srcnn.figures.figure3_4_5 import CLOSEUP_ZOOM, CROP_ZOOM, draw_figure1, draw_grid, find_crops
from srcnn.figures.windows import Window
from srcnn.images.image_io import RGB8
from tests.small_results import METHODS, SIDE, Save, holds

Picture = Callable[..., RGB8]


def test_figure_1_shows_the_whiskers_of_the_cat(save: Save) -> None:
    results = save("a.png", "chelsea.png", size=(300, 448))
    whiskers = results.pictures("0002")["hr"][216:288, 96:168]
    assert holds(draw_figure1(results).pixels(), enlarge(whiskers, CLOSEUP_ZOOM))


def test_figure_1_without_the_cat_shows_where_bicubic_is_worst(save: Save) -> None:
    window = Window(0, 48, SIDE, SIDE)
    results = save("a.png", "b.png", worse={("a.png", "bicubic"): window})
    figure = draw_figure1(results).pixels()
    for picture in results.pictures("0001", *METHODS).values():
        assert holds(figure, enlarge(window.of(picture), CLOSEUP_ZOOM))


@pytest.mark.parametrize("size", [(40, 50), (32, 32)])
def test_a_picture_smaller_than_a_window_is_shown_whole(save: Save, size: tuple[int, int]) -> None:
    results = save("a.png", size=size)
    whole = results.pictures("0001")["hr"]
    assert holds(draw_figure1(results).pixels(), enlarge(whole, CLOSEUP_ZOOM))
    for method in ("hr", "mse"):
        figure = draw_grid("Figure", results, method, find_crops(results)).pixels()
        assert holds(figure, enlarge(whole, CROP_ZOOM))


@pytest.mark.parametrize("method", ["hr", "mse", "perceptual"])
def test_figures_3_to_5_show_the_same_window_of_each_image(save: Save, method: str) -> None:
    window = Window(0, 96, 72, 96)
    planted = {("a.png", "bicubic"): window, ("b.png", "bicubic"): window}
    results = save("a.png", "b.png", worse=planted | {("b.png", "mse"): window})
    crops = find_crops(results)
    assert crops == {"0001": window, "0002": window}
    figure = draw_grid("Figure", results, method, crops).pixels()
    for image in results.names:
        shown = results.pictures(image, *METHODS)[method]
        assert holds(figure, enlarge(window.of(shown), CROP_ZOOM))


def test_a_figure_has_six_images_at_most(save: Save) -> None:
    results = save(*(f"{i}.png" for i in range(8)))
    assert list(find_crops(results)) == [f"{i:04d}" for i in range(1, 7)]


def test_figures_drawn_twice_are_the_same_bytes_whatever_the_user_s_style(
    save: Save, tmp_path: Path
) -> None:
    results = save("a.png", "long " * 20 + "$name$ 猫.png")
    crops = find_crops(results)
    draw_grid("Figure", results, "mse", crops).write(tmp_path / "a")
    with mpl.rc_context(
        {"font.family": "serif", "figure.facecolor": "red", "pdf.fonttype": 3, "savefig.dpi": 50}
    ):
        draw_grid("Figure", results, "mse", crops).write(tmp_path / "b")
    for suffix in ("png", "pdf"):
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()


def test_further_methods_change_nothing(save: Save) -> None:
    without, with_lanczos = (
        draw_figure1(save("a.png", methods=methods)).pixels()
        for methods in (METHODS, (*METHODS, "lanczos"))
    )
    np.testing.assert_array_equal(without, with_lanczos)


def test_no_text_leaves_the_page(save: Save) -> None:
    page = draw_figure1(save("w" * 300 + ".png", size=(300, 448))).pixels()
    edges = page[:4], page[-4:], page[:, :4], page[:, -4:]
    assert all(np.all(edge == 255) for edge in edges)
