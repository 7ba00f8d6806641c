"""Check params.yaml before any other stage runs."""

from pathlib import Path

from srcnn.settings import Settings
from srcnn.utils.files import write_text
from stages.run_stage import run_stage


def main(settings: Settings) -> None:
    """Write data/settings_checked, which is always the same; `run_stage` has read the settings.

    Stages with a scale or the name of a variant in a path run after this one, so a name such as
    `../x` is refused before DVC deletes the old output of that path.
    """
    write_text("params.yaml is valid\n", Path("data/settings_checked"))


if __name__ == "__main__":
    run_stage(main)
