from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
import torch

from srcnn.curves import Curve, draw_curves, read_curve
from srcnn.errors import InputError
from srcnn.figures import draw_best, draw_figure1, draw_grid, draw_worst, find_crops
from srcnn.files import write_csv
from srcnn.images import RGB8, write_png
from srcnn.lpips import LPIPS
from srcnn.page import Page, enlarge, mark, shrink
from srcnn.results import Results
from srcnn.windows import (
    Case,
    Window,
    best_case,
    compare_losses,
    hardest_window,
    lpips_in_windows,
    slide,
    worst_case,
)

OneLine = Callable[[Any], str]
Picture = Callable[..., RGB8]
Save = Callable[..., Results]

METHODS = ("nearest", "bicubic", "mse", "perceptual")
SIDE = 72


@pytest.fixture(scope="module")
def small_lpips() -> LPIPS:
    """LPIPS with few channels and random weights; as any LPIPS, zero for equal pictures alone."""
    random = torch.Generator().manual_seed(0)
    weights, channels = {}, 3
    for i, kernel in enumerate((11, 5, 3, 3, 3), start=1):
        weights[f"conv{i}.weight"] = torch.randn(4, channels, kernel, kernel, generator=random)
        weights[f"conv{i}.bias"] = torch.randn(4, generator=random)
        weights[f"head{i}"] = torch.rand(4, generator=random)
        channels = 4
    return LPIPS(weights)


@pytest.fixture
def save(tmp_path: Path, picture: Picture) -> Save:
    """A writer of results: pictures that every method restores without error but as given."""

    def save(
        *names: str,
        size: tuple[int, int] = (SIDE, 3 * SIDE),
        worse: dict[tuple[str, str], Window] | None = None,
    ) -> Results:
        images = {f"{i:04d}": name for i, name in enumerate(names, start=1)}
        scores = {}
        for image, name in images.items():
            hr = picture(*size, phase=float(image))
            write_png(tmp_path / f"hr/{image}.png", hr)
            for method in METHODS:
                sr = hr.copy()
                if window := (worse or {}).get((name, method)):
                    window.of(sr)[:] = 255 - window.of(sr)
                write_png(tmp_path / f"sr/{method}/{image}.png", sr)
                scores[image, method] = {"mse": 0.001, "psnr_rgb": 30.0, "lpips": 0.2}
        return Results(4, images, scores, tmp_path / "hr", tmp_path / "sr")

    return save


def holds(page: RGB8, picture: RGB8) -> bool:
    """Whether the picture is somewhere on the page, pixel for pixel."""
    height, width = picture.shape[:2]
    start = picture[0].tobytes()
    for top in range(page.shape[0] - height + 1):
        left = page[top].tobytes().find(start)
        if left >= 0 and left % 3 == 0:
            left //= 3
            if np.array_equal(page[top : top + height, left : left + width], picture):
                return True
    return False


def place(column: int) -> Window:
    """One of the three windows, side by side, of a picture of the usual size."""
    return Window(0, column * SIDE, SIDE, SIDE)


# Windows


@pytest.mark.parametrize(("height", "width"), [(100, 300), (72, 72), (40, 200), (73, 145), (33, 9)])
def test_windows_cover_the_picture_and_stay_in_it(height: int, width: int) -> None:
    covered = np.zeros((height, width, 3), np.uint8)
    for window in slide(height, width, (72, 72), 48):
        part = window.of(covered)
        assert part.shape == (min(72, height), min(72, width), 3)
        part[:] = 1
    assert covered.all()


def test_no_window_is_tried_twice() -> None:
    windows = slide(72 + 2 * 48, 72, (72, 72), 48)
    assert [window.top for window in windows] == [0, 48, 96]


def test_the_hardest_window_is_the_one_with_the_largest_error(picture: Picture) -> None:
    hr = picture(SIDE, 3 * SIDE)
    sr = hr.copy()
    place(2).of(sr)[:] = 255 - place(2).of(sr)
    assert hardest_window(sr, hr, (SIDE, SIDE), SIDE) == place(2)


def test_lpips_of_windows_in_batches_is_that_of_each_window(
    picture: Picture, small_lpips: LPIPS
) -> None:
    hr, sr = picture(40, 150), picture(40, 150, phase=0.3)
    windows = slide(40, 150, (36, 36), 1)
    assert len(windows) > 64
    together = lpips_in_windows(sr, hr, windows, small_lpips)
    for i in (0, 70, len(windows) - 1):
        alone = lpips_in_windows(sr, hr, windows[i : i + 1], small_lpips)
        np.testing.assert_allclose(together[i], alone[0], rtol=1e-5)


def test_the_best_and_the_worst_window_are_found(save: Save, small_lpips: LPIPS) -> None:
    results = save(
        "a.png",
        "b.png",
        "c.png",
        worse={("b.png", "mse"): place(2), ("c.png", "perceptual"): place(1)},
    )
    cases = compare_losses(results, small_lpips, (SIDE, SIDE), SIDE)
    assert len(cases) == 9
    best, found = best_case(cases)
    assert (best.image, best.window, found) == ("0002", place(2), "where LPIPS falls most")
    assert best.lpips_perceptual == 0
    worst, found = worst_case(cases)
    assert (worst.image, worst.window, found) == ("0003", place(1), "where LPIPS rises most")
    assert worst.lpips_mse == 0


@pytest.mark.parametrize(
    ("choose", "sign", "found"),
    [(best_case, 1, "LPIPS falls nowhere"), (worst_case, -1, "LPIPS rises nowhere")],
)
def test_where_there_is_no_such_window_the_nearest_to_it_is_taken_and_named(
    choose: Callable[[list[Case]], tuple[Case, str]], sign: int, found: str
) -> None:
    cases = [Case("0001", place(i), 0.5, 0.5 + sign * change) for i, change in enumerate((0.2, 0))]
    case, words = choose(cases)
    assert case.window == place(1)
    assert words.startswith(found)


def test_an_image_too_small_for_lpips_is_named(
    save: Save, small_lpips: LPIPS, one_line: OneLine
) -> None:
    with pytest.raises(InputError) as caught:
        compare_losses(save("a.png", size=(24, 200)), small_lpips, (SIDE, SIDE), SIDE)
    assert "0001.png: 200×24 pixels; LPIPS needs 32×32" in one_line(caught)


def test_a_result_of_another_size_is_named(save: Save, one_line: OneLine, picture: Picture) -> None:
    results = save("a.png")
    write_png(results.sr / "mse/0001.png", picture(36, 100))
    with pytest.raises(InputError) as caught:
        results.pictures("0001", "mse")
    assert str(results.sr / "mse/0001.png") in one_line(caught)


# Pages


def test_a_picture_on_a_page_keeps_its_pixels(picture: Picture) -> None:
    page = Page(120, 90)
    page.text("$ beside _it", 70, 10)
    page.picture(picture(40, 50), 11, 23)
    pixels = page.pixels()
    assert pixels.shape == (90, 120, 3)
    np.testing.assert_array_equal(pixels[23:63, 11:61], picture(40, 50))
    assert (pixels[:, 70:] < 128).any()
    assert (pixels[64:] == 255).all()


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


@pytest.mark.parametrize("window", [Window(0, 0, 72, 72), Window(30, 60, 40, 40)])
def test_a_mark_changes_no_pixel_far_from_the_window_s_edge(
    picture: Picture, window: Window
) -> None:
    whole = picture(72, 100)
    changed = (mark(whole, window, 1) != whole).any(2)
    assert changed.any()
    rows, columns = np.indices(changed.shape)
    inside = (
        (rows >= window.top + 3)
        & (rows < window.top + window.height - 3)
        & (columns >= window.left + 3)
        & (columns < window.left + window.width - 3)
    )
    assert not changed[inside].any()


# Figures


def test_figure_1_shows_the_whiskers_of_the_cat(save: Save) -> None:
    results = save("a.png", "chelsea.png", size=(300, 448))
    whiskers = results.pictures("0002")["hr"][216:288, 96:168]
    assert holds(draw_figure1(results), enlarge(whiskers, 3))


def test_figure_1_without_the_cat_shows_where_bicubic_is_worst(save: Save) -> None:
    window = Window(0, 48, SIDE, SIDE)
    results = save("a.png", "b.png", worse={("a.png", "bicubic"): window})
    pictures = results.pictures("0001", "bicubic")
    figure = draw_figure1(results)
    for picture in pictures.values():
        assert holds(figure, enlarge(window.of(picture), 3))


def test_a_picture_smaller_than_a_window_is_shown_whole(save: Save) -> None:
    results = save("a.png", size=(40, 50))
    assert holds(draw_figure1(results), enlarge(results.pictures("0001")["hr"], 3))


@pytest.mark.parametrize("method", ["hr", "mse", "perceptual"])
def test_figures_3_to_5_show_the_same_window_of_each_image(save: Save, method: str) -> None:
    window = Window(0, 96, 72, 96)
    planted = {("a.png", "bicubic"): window, ("b.png", "bicubic"): window}
    results = save("a.png", "b.png", worse=planted | {("b.png", "mse"): window})
    crops = find_crops(results)
    assert crops == {"0001": window, "0002": window}
    figure = draw_grid("Figure", results, method, crops)
    for image in results.names:
        shown = results.pictures(image, *METHODS)[method]
        assert holds(figure, enlarge(window.of(shown), 3))


def test_a_figure_has_six_images_at_most(save: Save) -> None:
    results = save(*(f"{i}.png" for i in range(8)))
    assert list(find_crops(results)) == [f"{i:04d}" for i in range(1, 7)]


def test_figures_6_and_7_show_the_windows_that_were_found(save: Save, small_lpips: LPIPS) -> None:
    results = save(
        "a.png",
        "b.png",
        worse={("a.png", "mse"): place(1), ("b.png", "perceptual"): place(2)},
    )
    cases = compare_losses(results, small_lpips, (SIDE, SIDE), SIDE)
    for draw, image, window in (
        (draw_best, "0001", place(1)),
        (draw_worst, "0002", place(2)),
    ):
        figure = draw(results, cases, small_lpips)
        for picture in results.pictures(image, "bicubic", "mse", "perceptual").values():
            assert holds(figure, enlarge(window.of(picture), 3))


def test_figures_drawn_twice_are_the_same_bytes_whatever_the_user_s_style(
    save: Save, tmp_path: Path
) -> None:
    results = save("a.png", "long " * 20 + "$name$.png")
    crops = find_crops(results)
    write_png(tmp_path / "a.png", draw_grid("Figure", results, "mse", crops))
    with mpl.rc_context(
        {"font.family": "serif", "figure.facecolor": "red", "text.hinting": "none"}
    ):
        write_png(tmp_path / "b.png", draw_grid("Figure", results, "mse", crops))
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


# Curves


def made_curve(folder: Path, epochs: int) -> Curve:
    """A curve as the stage train writes it, read back."""
    numbers = ("loss", "val_loss", "val_psnr_rgb")
    path = folder / "x2_mse.csv"
    write_csv(({"epoch": i} | dict.fromkeys(numbers, 1 / i) for i in range(1, epochs + 1)), path)
    return read_curve(path)


def test_a_curve_is_read_with_a_value_per_epoch(tmp_path: Path) -> None:
    curve = made_curve(tmp_path, 3)
    assert curve["epoch"] == [1, 2, 3]
    assert curve["val_loss"] == [1, 1 / 2, 1 / 3]


def test_curves_have_a_row_per_scale_and_are_the_same_when_drawn_twice(tmp_path: Path) -> None:
    curve = made_curve(tmp_path, 4)
    of_one, of_two = (
        {(scale, loss): curve for scale in scales for loss in ("mse", "perceptual")}
        for scales in ((2,), (2, 4))
    )
    one, again, two = draw_curves(of_one), draw_curves(of_one), draw_curves(of_two)
    np.testing.assert_array_equal(one, again)
    assert two.shape == (2 * one.shape[0], *one.shape[1:])


def test_a_single_epoch_shows_as_a_dot(tmp_path: Path) -> None:
    curve = made_curve(tmp_path, 1)
    figure = draw_curves({(2, loss): curve for loss in ("mse", "perceptual")})
    coloured = np.ptp(figure.astype(int), axis=2) > 100
    assert coloured.any()


def test_a_missing_curve_is_named(tmp_path: Path, one_line: OneLine) -> None:
    with pytest.raises(InputError) as caught:
        read_curve(tmp_path / "x2_mse.csv")
    assert str(tmp_path / "x2_mse.csv") in one_line(caught)
