"""Starts the web server of `srcnn judge`."""

import sys
from collections.abc import Sequence
from contextlib import nullcontext

from srcnn.analysis.vote_crops import CropReader
from srcnn.analysis.vote_file import VOTES, read_votes
from srcnn.judge.application import application
from srcnn.judge.sessions import Sessions
from srcnn.judge.trials import TrialPlanner
from srcnn.web.local_server import run_server


def judge(methods: Sequence[str], port: int, *, reference: bool, browser: bool) -> None:
    """Serve the page until Ctrl-C; `reference` shows the original and asks which is closer to it.

    Votes are appended to `metrics/votes.csv` in the current folder.

    Raises:
        InputError: the methods cannot be compared, or the port is not available.
    """
    planner = TrialPlanner(methods, CropReader())
    for problem in read_votes(VOTES).problems:
        print(f"warning: {problem}", file=sys.stderr)
    sessions = Sessions(planner, "closer" if reference else "better", VOTES)
    run_server(port, lambda port: nullcontext(application(sessions, port)), browser=browser)
