from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from srcnn.errors import InputError
from srcnn.evaluation.lpips import LPIPS
from srcnn.figures.windows import (
    highest_error_window,
    lpips_in_windows,
    score_windows,
    sliding_windows,
)
from srcnn.images.image_io import RGB8, write_png
from tests.small_results import SIDE, Save, place

OneLine = Callable[[Any], str]
Picture = Callable[..., RGB8]


@pytest.mark.parametrize(("height", "width"), [(100, 300), (72, 72), (40, 200), (73, 145), (33, 9)])
def test_windows_cover_the_image_and_stay_inside_it(height: int, width: int) -> None:
    covered = np.zeros((height, width, 3), np.uint8)
    for window in sliding_windows(height, width, (72, 72), 48):
        part = window.crop(covered)
        assert part.shape == (min(72, height), min(72, width), 3)
        part[:] = 1
    assert covered.all()


def test_no_window_occurs_twice() -> None:
    windows = sliding_windows(72 + 2 * 48, 72, (72, 72), 48)
    assert [window.top for window in windows] == [0, 48, 96]


def test_the_window_with_the_highest_error_is_found(picture: Picture) -> None:
    hr = picture(SIDE, 3 * SIDE)
    sr = hr.copy()
    place(2).crop(sr)[:] = 255 - place(2).crop(sr)
    assert highest_error_window(sr, hr, (SIDE, SIDE), SIDE) == place(2)


def test_lpips_of_windows_in_batches_is_that_of_each_window(
    picture: Picture, small_lpips: LPIPS
) -> None:
    hr, sr = picture(40, 150), picture(40, 150, phase=0.3)
    windows = sliding_windows(40, 150, (36, 36), 1)
    assert len(windows) > 64
    together = lpips_in_windows([hr, sr], hr, windows, small_lpips)
    assert together.shape == (2, len(windows))
    assert (together[0] == 0).all()
    for i in (0, 70, len(windows) - 1):
        alone = small_lpips.distances([windows[i].crop(sr)], windows[i].crop(hr))[0]
        assert together[1, i] == pytest.approx(alone, rel=1e-5)


def test_every_window_of_every_image_is_scored(save: Save, small_lpips: LPIPS) -> None:
    results = save(
        "a.png",
        "b.png",
        "c.png",
        worse={("b.png", "mse"): place(2), ("c.png", "perceptual"): place(1)},
    )
    scores = score_windows(results, small_lpips, (SIDE, SIDE), SIDE)
    assert len(scores) == 9
    best, *_, worst = sorted(scores, key=lambda window: window.change)
    assert (best.image, best.window, best.lpips_perceptual) == ("0002", place(2), 0)
    assert (worst.image, worst.window, worst.lpips_mse) == ("0003", place(1), 0)


def test_an_image_too_small_to_be_scored_is_named(
    save: Save, small_lpips: LPIPS, one_line: OneLine
) -> None:
    with pytest.raises(InputError) as caught:
        score_windows(save("a.png", size=(24, 200)), small_lpips, (SIDE, SIDE), SIDE)
    assert "0001.png: 200×24 pixels are too few to be scored" in one_line(caught)


def test_a_result_of_another_size_is_named(save: Save, one_line: OneLine, picture: Picture) -> None:
    results = save("a.png")
    write_png(results.sr / "mse/0001.png", picture(36, 100))
    with pytest.raises(InputError) as caught:
        results.pictures("0001", "mse")
    assert str(results.sr / "mse/0001.png") in one_line(caught)
