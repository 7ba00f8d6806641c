"""The results of a project with a few small images, for the tests of `srcnn judge`."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import pandas as pd

from srcnn.analysis.vote_crops import CropReader
from srcnn.analysis.vote_file import Question
from srcnn.evaluation.metrics import METRICS
from srcnn.images.image_io import RGB8, write_png
from srcnn.judge.application import application
from srcnn.judge.sessions import Sessions
from srcnn.judge.trials import TrialPlanner
from srcnn.utils.tables import write_csv
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
    write_scores(folder, methods)
    return CropReader(folder / "data")


def write_scores(folder: Path, methods: Sequence[str], images: Sequence[str] = IMAGES) -> None:
    """Write `metrics/x4.csv`; by each metric, each method is better than those after it."""
    rows = [
        {
            "image": image,
            "method": method.partition("/")[2],
            **{k: place / 10 if m.lower_is_better else 1 - place / 10 for k, m in METRICS.items()},
        }
        for image in images
        for place, method in enumerate(methods)
    ]
    write_csv(pd.DataFrame(rows), folder / "metrics/x4.csv")


def judge_served(
    planner: TrialPlanner, votes: Path, question: Question = "better"
) -> AbstractContextManager[str]:
    """Serve the page of `srcnn judge`; yield its address without a trailing slash."""
    return application_served(lambda port: application(Sessions(planner, question, votes), port))
