"""The trials of `srcnn judge`: balanced, hidden by chance, and the same for the same session."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from srcnn.analysis.vote_crops import CropReader, pixel_digest
from srcnn.analysis.vote_file import MOSAIC
from srcnn.errors import InputError
from srcnn.images.image_io import RGB8, write_png
from srcnn.judge.trials import COUNTS, TrialPlanner
from tests.judge.small_project import SESSIONS, A, B, C, make_project

OneLine = Callable[[Any], str]


def test_a_session_has_twenty_trials_of_the_announced_kinds(planner: TrialPlanner) -> None:
    for session in SESSIONS[:20]:
        trials = planner.plan(session)
        assert len(trials) == 20
        assert Counter(trial.kind for trial in trials) == COUNTS
        main = [trial for trial in trials if trial.kind in ("differ", "random")]
        assert {frozenset((trial.left, trial.right)) for trial in main} == {frozenset((A, B))}
        for trial in (trial for trial in trials if trial.kind == "identical"):
            assert trial.left == trial.right
        for trial in (trial for trial in trials if trial.kind == "obvious"):
            assert [trial.left, trial.right].count(MOSAIC) == 1
        images = Counter(trial.image for trial in trials if trial.kind != "repeat")
        assert max(images.values()) - min(images.values()) <= 1


def test_a_repeat_shows_an_earlier_pair_with_exchanged_sides(planner: TrialPlanner) -> None:
    for session in SESSIONS[:20]:
        trials = planner.plan(session)
        for place, repeat in enumerate(trials):
            if repeat.kind == "repeat":
                found = [
                    earlier
                    for earlier in trials[: place - 1]
                    if (earlier.image, earlier.crop) == (repeat.image, repeat.crop)
                    and (earlier.left, earlier.right) == (repeat.right, repeat.left)
                ]
                assert found


def test_neither_side_nor_place_tells_the_method(planner: TrialPlanner) -> None:
    ahead = np.zeros(20)  # how much more often A is on the left, by place in the session
    for session in SESSIONS:
        ahead += [(t.left == A) - (t.right == A) for t in planner.plan(session)]
    assert abs(ahead.sum()) < 0.05 * 20 * len(SESSIONS)
    assert abs(ahead).max() < 4 * len(SESSIONS) ** 0.5


def test_the_same_session_has_the_same_trials_and_another_has_others(
    planner: TrialPlanner, tmp_path: Path
) -> None:
    again = TrialPlanner([A, B], CropReader(tmp_path / "data"))
    assert planner.plan(SESSIONS[0]) == again.plan(SESSIONS[0])
    assert planner.plan(SESSIONS[0]) != planner.plan(SESSIONS[1])


def test_most_crops_come_from_where_the_methods_differ(
    tmp_path: Path, picture: Callable[..., RGB8]
) -> None:
    reader = make_project(tmp_path, picture, side=300)
    for image in reader.images(A):
        pixels = reader.image(A, image).copy()
        pixels[200:280, 200:280] ^= 255
        write_png(tmp_path / f"data/sr/{B}/{image}.png", pixels)
    planner = TrialPlanner([A, B], CropReader(tmp_path / "data"))

    def has_difference(kind: str) -> list[bool]:
        trials = [t for session in SESSIONS[:20] for t in planner.plan(session) if t.kind == kind]
        return [t.crop.left + 192 >= 280 and t.crop.top + 192 >= 280 for t in trials]

    assert all(has_difference("differ"))
    assert not all(has_difference("random"))


def test_three_methods_are_compared_in_all_pairs(
    tmp_path: Path, picture: Callable[..., RGB8]
) -> None:
    planner = TrialPlanner([A, B, C], make_project(tmp_path, picture, methods=(A, B, C)))
    trials = [t for t in planner.plan(SESSIONS[0]) if t.kind in ("differ", "random")]
    pairs = Counter(frozenset((trial.left, trial.right)) for trial in trials)
    assert pairs.keys() == {frozenset(pair) for pair in ((A, B), (A, C), (B, C))}
    assert min(pairs.values()) >= 2


def test_every_crop_lies_in_its_image_and_the_mosaic_is_coarse(
    planner: TrialPlanner,
) -> None:
    for trial in planner.plan(SESSIONS[0]):
        pair = planner.reader.pair(trial.left, trial.right, trial.image, trial.crop)
        assert {crop.shape for crop in pair} == {(planner.side, planner.side, 3)}
        assert (pixel_digest(pair) == pixel_digest(pair[::-1])) == (trial.kind == "identical")
        if MOSAIC in (trial.left, trial.right):
            coarse = pair[trial.right == MOSAIC]
            assert len(np.unique(coarse.reshape(-1, 3), axis=0)) <= (planner.side // 8 + 1) ** 2


@pytest.mark.parametrize(
    ("methods", "message"),
    [
        ([A], "name two or more methods, such as x4/perceptual x4/mse"),
        ([A, "x4/none"], f"x4/none: no such method; there are {B}, {A}"),
        ([A, A], f"{A}: named twice"),
        ([A, f"v1:{B}"], f"v1:{B}: the images of another run are not in git; "),
        ([A, "../hr"], "../hr: no such method"),
    ],
)
def test_wrong_methods_are_refused_in_one_line(
    tmp_path: Path,
    picture: Callable[..., RGB8],
    one_line: OneLine,
    methods: list[str],
    message: str,
) -> None:
    reader = make_project(tmp_path, picture)
    with pytest.raises(InputError) as caught:
        TrialPlanner(methods, reader)
    assert one_line(caught).startswith(message)


def test_a_folder_without_results_and_images_of_two_sizes_are_refused(
    tmp_path: Path, picture: Callable[..., RGB8], one_line: OneLine
) -> None:
    with pytest.raises(InputError) as caught:
        TrialPlanner([A, B], CropReader(tmp_path / "data"))
    assert one_line(caught).startswith("data/sr: no results; change to the folder of a project")
    reader = make_project(tmp_path, picture)
    write_png(tmp_path / f"data/sr/{B}/0002.png", picture(50, 60))
    with pytest.raises(InputError) as caught:
        TrialPlanner([A, B], reader)
    assert one_line(caught) == "image 0002: the sizes of its results differ; run dvc repro"
