"""What the log of an experiment says: which stages ran, and why it failed.

DVC writes down nowhere else whether a stage was run or taken from the run cache.
"""

import re
from dataclasses import dataclass
from pathlib import Path

_FATES = {
    "ran": re.compile(r"^Running stage '(.+)':$", re.MULTILINE),
    "cached": re.compile(r"^Stage '(.+)' is cached - skipping run", re.MULTILINE),
    "unchanged": re.compile(r"^Stage '(.+)' didn't change, skipping$", re.MULTILINE),
}


@dataclass(frozen=True)
class Stages:
    """Names of an experiment's stages by what became of them.

    Args:
        ran: what had to be computed, the last of it perhaps not to its end.
        cached: taken from DVC's run cache, as the same had been computed before.
        unchanged: with the results of the commit.
    """

    ran: tuple[str, ...]
    cached: tuple[str, ...]
    unchanged: tuple[str, ...]

    def __str__(self) -> str:
        cached = [f"{len(self.cached)} from the cache"] if self.cached else []
        return ", ".join([f"{len(self.ran)} ran", *cached, f"{len(self.unchanged)} unchanged"])


def read_log(path: Path | None) -> str:
    """The log, empty where there is none."""
    return path.read_text(errors="replace") if path and path.is_file() else ""


def stages_of(log: str) -> Stages:
    """Sort the stages that a log names."""
    return Stages(**{fate: tuple(pattern.findall(log)) for fate, pattern in _FATES.items()})


def reason_of(log: str) -> str:
    """Why an experiment failed: the last stage's own error, else DVC's, else the last line."""
    lines = [line.strip() for line in log.rpartition("Running stage '")[2].splitlines()]
    for beginning in ("error: ", "ERROR: ", ""):
        for line in reversed(lines):
            if line and line.startswith(beginning):
                return line.removeprefix(beginning)
    return "it ended before it had begun"
