"""Show the whole run as one HTML page, plots/report.html."""

from pathlib import Path

from srcnn.html_report import write_report
from srcnn.html_run import read_run
from srcnn.settings import PARAMS, Settings
from srcnn.stage import run_stage


def main(settings: Settings) -> None:
    """Write plots/report.html."""
    run = read_run(settings.scales, PARAMS, Path("metrics"), Path("data"))
    write_report(run, Path("plots/report.html"))


if __name__ == "__main__":
    run_stage(main)
