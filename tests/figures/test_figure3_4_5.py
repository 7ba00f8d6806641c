from pathlib import Path

import matplotlib as mpl
import pytest

from srcnn.figures.canvas import enlarge
from srcnn.figures.figure3_4_5 import ZOOM, draw_windows, find_windows
from srcnn.figures.windows import Window
from tests.small_results import SAVED_METHODS, Save, holds


@pytest.mark.parametrize("method", ["hr", "mse", "perceptual"])
def test_figures_3_to_5_show_the_same_window_of_each_image(save: Save, method: str) -> None:
    window = Window(0, 96, 72, 96)
    planted = {("a.png", "bicubic"): window, ("b.png", "bicubic"): window}
    results = save("a.png", "b.png", worse=planted | {("b.png", "mse"): window})
    windows = find_windows(results)
    assert windows == {"0001": window, "0002": window}
    figure = draw_windows("Figure", results, [method], windows).render()
    for image in results.names:
        shown = results.pictures(image, *SAVED_METHODS)[method]
        assert holds(figure, enlarge(window.crop(shown), ZOOM))


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


@pytest.mark.parametrize("size", [(40, 50), (32, 32)])
@pytest.mark.parametrize("method", ["hr", "mse"])
def test_an_image_smaller_than_the_window_is_shown_whole(
    save: Save, method: str, size: tuple[int, int]
) -> None:
    results = save("a.png", size=size)
    whole = results.pictures("0001")["hr"]
    figure = draw_windows("Figure", results, [method], find_windows(results)).render()
    assert holds(figure, enlarge(whole, ZOOM))
