"""Refuse a params.yaml with a setting that is unknown or wrong."""

from srcnn.settings import Settings
from srcnn.stage import run_stage


def main(settings: Settings) -> None:
    """Nothing is left to do: the settings have been read."""


if __name__ == "__main__":
    run_stage(main)
