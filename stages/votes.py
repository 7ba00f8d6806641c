"""Summarise what people said about the results in `srcnn judge`, if anyone was asked."""

from pathlib import Path

from srcnn.analysis.votes_page import read_results
from srcnn.settings import Settings
from stages.run_stage import run_stage


def main(settings: Settings) -> None:
    """Write plots/votes.json and plots/votes.md."""
    results = read_results()
    for problem in results.problems:
        print(f"warning: {problem}")
    results.write(Path("plots/votes.json"), Path("plots/votes.md"))
    print(results.as_text())


if __name__ == "__main__":
    run_stage(main)
