from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from srcnn.errors import InputError
from srcnn.evaluation.lpips import LPIPS
from srcnn.evaluation.metrics import lpips_distance
from srcnn.figures.windows import (
    Case,
    best_case,
    compare_losses,
    hardest_window,
    lpips_in_windows,
    slide,
    worst_case,
)
from srcnn.images.image_io import RGB8, write_png
from tests.small_results import SIDE, Save, place

OneLine = Callable[[Any], str]
Picture = Callable[..., RGB8]


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
    together = lpips_in_windows([hr, sr], hr, windows, small_lpips)
    assert together.shape == (2, len(windows))
    assert (together[0] == 0).all()
    for i in (0, 70, len(windows) - 1):
        alone = lpips_distance(windows[i].of(sr), windows[i].of(hr), small_lpips)
        assert together[1, i] == pytest.approx(alone, rel=1e-5)


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
