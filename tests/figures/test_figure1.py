import numpy as np
import pytest

from srcnn.figures.canvas import enlarge
from srcnn.figures.figure1 import ZOOM, draw_figure1
from srcnn.figures.windows import Window
from tests.small_results import SAVED_METHODS, SIDE, Save, holds


def test_figure_1_shows_the_whiskers_of_the_cat(save: Save) -> None:
    results = save("a.png", "chelsea.png", size=(300, 448))
    whiskers = results.pictures("0002")["hr"][216:288, 96:168]
    assert holds(draw_figure1(results).render(), enlarge(whiskers, ZOOM))


def test_figure_1_without_the_cat_shows_the_highest_error_of_bicubic(save: Save) -> None:
    window = Window(0, 48, SIDE, SIDE)
    results = save("a.png", "b.png", worse={("a.png", "bicubic"): window})
    figure = draw_figure1(results).render()
    for picture in results.pictures("0001", *SAVED_METHODS).values():
        assert holds(figure, enlarge(window.crop(picture), ZOOM))


@pytest.mark.parametrize("size", [(40, 50), (32, 32)])
def test_an_image_smaller_than_the_window_is_shown_whole(save: Save, size: tuple[int, int]) -> None:
    results = save("a.png", size=size)
    whole = results.pictures("0001")["hr"]
    assert holds(draw_figure1(results).render(), enlarge(whole, ZOOM))


def test_more_methods_do_not_change_figure_1(save: Save) -> None:
    without, with_lanczos = (
        draw_figure1(save("a.png", methods=methods)).render()
        for methods in (SAVED_METHODS, (*SAVED_METHODS, "lanczos"))
    )
    np.testing.assert_array_equal(without, with_lanczos)


def test_text_stays_inside_the_margins(save: Save) -> None:
    canvas = draw_figure1(save("w" * 300 + ".png", size=(300, 448))).render()
    edges = canvas[:4], canvas[-4:], canvas[:, :4], canvas[:, -4:]
    assert all(np.all(edge == 255) for edge in edges)
