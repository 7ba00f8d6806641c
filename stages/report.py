"""Show the whole run as one HTML page, plots/report.html."""

from pathlib import Path

from srcnn.report.page import write_report
from srcnn.report.run import read_run
from srcnn.settings import PARAMS, Settings
from stages.run_stage import run_stage


def main(settings: Settings) -> None:
    """Write plots/report.html."""
    run = read_run(settings, PARAMS, Path("metrics"), Path("plots"), Path("data"))
    write_report(run, Path("plots/report.html"))


if __name__ == "__main__":
    run_stage(main)
