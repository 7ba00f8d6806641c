"""`srcnn judge --results`: what the votes in a project's folder say."""

import sys
from collections.abc import Sequence

from srcnn.analysis.vote_file import VOTES
from srcnn.analysis.votes import ASK
from srcnn.analysis.votes_page import VoteResults, read_results
from srcnn.errors import InputError


def vote_results(methods: Sequence[str]) -> VoteResults:
    """The votes about these methods, or about all; a line on stderr for each damaged line.

    Raises:
        InputError: there are no votes on two methods, or a file is missing or damaged.
    """
    results = read_results(methods)
    for problem in results.problems:
        print(f"warning: {problem}", file=sys.stderr)
    if not results.pairs and not results.outdated:
        about = f" about {' and '.join(methods)}" if methods else ""
        raise InputError(f"{VOTES}: no votes{about}; {ASK.replace('`', '')}")
    return results
