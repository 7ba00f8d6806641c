from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from srcnn.images.image_io import RGB8
from srcnn.judge.trials import TrialPlanner
from tests.judge.small_project import A, B, judge_served, make_project


@pytest.fixture
def planner(tmp_path: Path, picture: Callable[..., RGB8]) -> TrialPlanner:
    return TrialPlanner([A, B], make_project(tmp_path, picture))


@pytest.fixture
def address(planner: TrialPlanner, votes: Path) -> Iterator[str]:
    """The page, which asks which of two methods looks better."""
    with judge_served(planner, votes) as address:
        yield address


@pytest.fixture
def votes(tmp_path: Path) -> Path:
    return tmp_path / "metrics/votes.csv"
