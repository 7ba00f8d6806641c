from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

from srcnn.figures.canvas import LINE_HEIGHT, TITLE_HEIGHT, enlarge
from srcnn.figures.figure3_4_5 import ZOOM, draw_windows, find_windows
from srcnn.figures.style import FIGURE_MARGIN, method_name
from srcnn.figures.windows import Window
from tests.small_results import SAVED_METHODS, Save, holds, text_pixels


@pytest.mark.parametrize("method", ["hr", "mse", "perceptual"])
@pytest.mark.parametrize("size", [(120, 300), (300, 200)])
def test_figures_3_to_5_show_the_same_window_of_each_image(
    save: Save, method: str, size: tuple[int, int]
) -> None:
    worst = Window(40, 96, 60, 60)
    planted = {("a.png", "bicubic"): worst, ("b.png", "bicubic"): worst}
    results = save("a.png", "b.png", size=size, worse=planted | {("b.png", "mse"): worst})
    windows = find_windows(results)
    figure = draw_windows("Figure", results, [method], windows).render()
    for image, window in windows.items():
        shown = results.pictures(image, *SAVED_METHODS)[method]
        assert holds(figure, enlarge(window.crop(shown), ZOOM))
        is_worse = not np.array_equal(shown, results.pictures(image)["hr"])
        assert is_worse == ((image, method) == ("0002", "mse"))


def test_an_image_and_its_window_fill_the_same_width_in_any_shape(save: Save) -> None:
    top = FIGURE_MARGIN + TITLE_HEIGHT + LINE_HEIGHT
    for size in ((200, 300), (300, 200), (400, 400)):
        results = save("a.png", size=size)
        figure = draw_windows("Figure", results, ["hr"], find_windows(results)).render()
        inked = figure[top + 190, FIGURE_MARGIN:].min(axis=1) < 250
        assert inked[0]
        assert 516 < np.flatnonzero(inked).max() < 522


def test_a_figure_shows_at_most_six_images(save: Save) -> None:
    results = save(*(f"{i}.png" for i in range(8)))
    assert list(find_windows(results)) == [f"{i:04d}" for i in range(1, 7)]


def test_a_figure_has_the_same_bytes_whatever_the_user_s_style(save: Save, tmp_path: Path) -> None:
    results = save("a.png", "long " * 20 + "$name$ 猫.png")
    windows = find_windows(results)
    draw_windows("Figure", results, ["mse"], windows).write(tmp_path / "a")
    with mpl.rc_context(
        {"font.family": "serif", "figure.facecolor": "red", "pdf.fonttype": 3, "savefig.dpi": 50}
    ):
        draw_windows("Figure", results, ["mse"], windows).write(tmp_path / "b")
    for suffix in ("png", "pdf"):
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()


def test_two_methods_share_a_figure_and_the_second_has_a_heading(save: Save) -> None:
    worst, method = Window(0, 96, 72, 30), "authors_mse"
    planted = {("a.png", "bicubic"): worst, ("b.png", method): worst}
    results = save("a.png", "b.png", worse=planted, methods=["bicubic", "mse", method])
    windows = find_windows(results)
    both = draw_windows("Figure", results, ["mse", method], windows)
    alone = draw_windows("Figure", results, ["mse"], windows)
    figure = both.render()
    for image, window in windows.items():
        for picture in results.pictures(image, "mse", method).values():
            assert holds(figure, enlarge(window.crop(picture), ZOOM))
    assert holds(figure, text_pixels(method_name(method)))
    assert not holds(figure, text_pixels(method_name("mse")))  # the title says it
    assert figure.shape[1] == alone.render().shape[1]
    assert figure.shape[0] > 1.4 * alone.render().shape[0]


@pytest.mark.parametrize("size", [(40, 50), (32, 32)])
@pytest.mark.parametrize("method", ["hr", "mse"])
def test_an_image_smaller_than_the_window_is_shown_whole(
    save: Save, method: str, size: tuple[int, int]
) -> None:
    results = save("a.png", size=size)
    whole = results.pictures("0001")["hr"]
    figure = draw_windows("Figure", results, [method], find_windows(results)).render()
    assert holds(figure, enlarge(whole, ZOOM))
