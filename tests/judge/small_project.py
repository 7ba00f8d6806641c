"""The results of a project with a few small images, for the tests of `srcnn judge`."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from srcnn.analysis.vote_crops import CropReader
from srcnn.analysis.vote_file import Question
from srcnn.images.image_io import RGB8, write_png
from srcnn.judge.application import application
from srcnn.judge.sessions import Sessions
from srcnn.judge.trials import TrialPlanner
from tests.serving_page import application_served

A, B, C = "x4/perceptual", "x4/mse", "x4/bicubic"
IMAGES = "0001", "0002", "0003"
SESSIONS = [f"{number:016x}" for number in range(100)]


def make_project(
    folder: Path,
    picture: Callable[..., RGB8],
    methods: Sequence[str] = (A, B),
    side: int = 72,
) -> CropReader:
    """Write the ground truth and the results of each method; they are all different."""
    for number, image in enumerate(IMAGES):
        for place, method in enumerate(("hr", *methods)):
            part = "hr/val" if method == "hr" else f"sr/{method}"
            pixels = picture(side, side + 8, phase=number + place / 10)
            write_png(folder / f"data/{part}/{image}.png", pixels)
    return CropReader(folder / "data")


def judge_served(
    planner: TrialPlanner, votes: Path, question: Question = "better"
) -> AbstractContextManager[str]:
    """Serve the page of `srcnn judge`; yield its address without a trailing slash."""
    return application_served(lambda port: application(Sessions(planner, question, votes), port))
