from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from srcnn.analysis.results import Results
from srcnn.errors import InputError
from srcnn.figures.canvas import enlarge
from srcnn.figures.comparison import COMPARED, WINDOW, ZOOM, choose_images, draw_comparison
from srcnn.figures.style import FIGURE_MARGIN, SMALL_SIZE
from srcnn.figures.windows import STRIDE, Window, highest_error_window
from srcnn.images.image_io import RGB8
from tests.small_results import SAVED_METHODS, Save, holds, text_pixels

PITCH = 524  # pixels from column to column
WORST = Window(50, 100, 50, 60)


def with_lpips(results: Results, changes: list[float]) -> Results:
    """The results with LPIPS 0.5 by the MSE loss, and 0.5 + change by the perceptual loss."""
    scores = results.scores
    lpips = dict(zip(results.names, changes, strict=True))
    is_perceptual = scores["method"] == "perceptual"
    scores["lpips"] = 0.5 + scores["image"].map(lpips).where(is_perceptual, 0.0)
    return results


@pytest.mark.parametrize(
    ("changes", "rows"),
    [
        ([0.1, -0.2, 0.0, 0.3, -0.1], {1: "largest fall", 2: "median", 3: "largest rise"}),
        ([-0.1, -0.2, -0.3], {2: "largest fall", 1: "median", 0: "smallest fall"}),
        ([0.3, 0.2, 0.1], {2: "smallest rise", 1: "median", 0: "largest rise"}),
        ([0.3, -0.2], {1: "largest fall", 0: "largest rise"}),
        ([0.1] * 5, {0: "smallest rise", 2: "median", 4: "largest rise"}),
        ([-0.1], {0: "only"}),
    ],
)
def test_the_rows_are_the_best_the_median_and_the_worst_image(
    save: Save, changes: list[float], rows: dict[int, str]
) -> None:
    results = with_lpips(save(*(f"{i}.png" for i in range(len(changes)))), changes)
    chosen = choose_images(results)
    assert list(chosen) == [f"{i + 1:04d}" for i in rows]
    assert all(word in text for word, text in zip(rows.values(), chosen.values(), strict=True))
    first = changes[next(iter(rows))]
    assert f"from 0.500 (MSE loss) to {0.5 + first:.3f}" in next(iter(chosen.values()))


def places(figure: RGB8, column: int, picture: RGB8) -> set[int]:
    """The tops at which a picture begins at the left of a column."""
    left = FIGURE_MARGIN + column * PITCH
    strip = figure[:, left : left + picture.shape[1]]
    tops = range(len(strip) - len(picture) + 1)
    return {top for top in tops if np.array_equal(strip[top : top + len(picture)], picture)}


@pytest.mark.parametrize("size", [(200, 300), (300, 200), (240, 240), (60, 600), (600, 60)])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_the_windows_of_a_row_are_the_same_and_lie_side_by_side(
    save: Save, size: tuple[int, int], mode: str
) -> None:
    results = save("a.png", "b.png", size=size, worse={("a.png", "bicubic"): WORST})
    for file in [*results.hr.glob("*.png"), *results.sr.rglob("*.png")]:
        Image.open(file).convert(mode).save(file)
    figure = draw_comparison(results).render()
    for image in results.names:
        pictures = results.pictures(image, *COMPARED)
        window = highest_error_window(pictures["bicubic"], pictures["hr"], WINDOW, STRIDE)
        shown = [enlarge(window.crop(picture), ZOOM) for picture in pictures.values()]
        assert set.intersection(*(places(figure, *each) for each in enumerate(shown)))


def test_no_cell_is_empty(save: Save) -> None:
    results = with_lpips(save(*"abc", size=(150, 300)), [-0.1, 0.0, 0.1])
    figure = draw_comparison(results).render()[FIGURE_MARGIN:-FIGURE_MARGIN]
    body = figure[200:]
    height = len(body) // 3
    for row in range(3):
        for column in range(4):
            left = FIGURE_MARGIN + column * PITCH
            cell = body[row * height : (row + 1) * height, left : left + WINDOW[1] * ZOOM]
            assert (cell < 250).any(axis=2).mean() > 0.5


def test_the_best_scores_are_bold(save: Save) -> None:
    results = with_lpips(save("a.png"), [-0.1])
    results.scores["psnr_rgb"] = [10.0, 20.0, 30.0, 25.0]  # of nearest, bicubic, mse, perceptual
    figure = draw_comparison(results).render()
    for text, is_bold in (("30.00 dB", True), ("25.00 dB", False), ("0.400", True)):
        assert holds(figure, text_pixels(text, SMALL_SIZE)) == is_bold


def test_more_methods_do_not_change_the_figure(save: Save) -> None:
    without, with_lanczos = (
        draw_comparison(save("a.png", methods=methods)).render()
        for methods in (SAVED_METHODS, (*SAVED_METHODS, "lanczos", "l1", "authors_mse"))
    )
    np.testing.assert_array_equal(without, with_lanczos)


@pytest.mark.parametrize("size", [(40, 50), (32, 32)])
def test_an_image_smaller_than_the_window_is_shown_whole(save: Save, size: tuple[int, int]) -> None:
    results = save("a.png", size=size)
    whole = results.pictures("0001")["hr"]
    assert holds(draw_comparison(results).render(), enlarge(whole, ZOOM))


def test_the_figure_has_the_same_bytes_whatever_the_user_s_style(
    save: Save, tmp_path: Path
) -> None:
    results = with_lpips(save(*"abc", size=(150, 300)), [-0.1, 0.0, 0.1])
    draw_comparison(results).write(tmp_path / "a")
    with mpl.rc_context({"font.family": "serif", "figure.facecolor": "red", "pdf.fonttype": 3}):
        draw_comparison(results).write(tmp_path / "b")
    for suffix in ("png", "pdf"):
        assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()


def test_text_stays_inside_the_margins(save: Save) -> None:
    canvas = draw_comparison(save("w" * 300 + "$x$ 猫.png", size=(300, 448))).render()
    edges = canvas[:4], canvas[-4:], canvas[:, :4], canvas[:, -4:]
    assert all(np.all(edge == 255) for edge in edges)


def test_a_missing_result_is_named(save: Save) -> None:
    results = save("a.png")
    missing = results.sr / "mse/0001.png"
    missing.unlink()
    with pytest.raises(InputError, match=r"mse/0001\.png"):
        draw_comparison(results)
