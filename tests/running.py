"""Commands that a test watches, pauses and waits for, and the results of a run."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.tiny_project import environment

PATIENCE = 120
RESULTS = "data", "models", "metrics", "plots", "exported"


class Running:
    """A running command and its output so far, including errors."""

    def __init__(self, *command: str, cwd: Path):
        self.process = subprocess.Popen(
            command,
            cwd=cwd,
            env=environment() | {"PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.printed = ""

    def until(self, beginning: str) -> None:
        """Wait for a line with this beginning."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.printed += line
            if line.startswith(beginning):
                return
        raise AssertionError(f"it ended without {beginning!r}: {self.printed}")

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Pause the command and its children during the block."""
        process = psutil.Process(self.process.pid)
        family = [process, *process.children(recursive=True)]
        for member in family:
            member.suspend()
        try:
            yield
        finally:
            for member in family:
                member.resume()

    def ended(self) -> int:
        """Wait for the end and return the exit status."""
        self.printed += self.process.communicate(timeout=PATIENCE)[0]
        assert "Traceback" not in self.printed
        return self.process.returncode

    def errors(self) -> list[str]:
        """The error lines of our stages."""
        return [line for line in self.printed.splitlines() if line.startswith("error: ")]


def results(folder: Path) -> dict[str, bytes]:
    """The content of every file that a run makes, by name."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for kind in RESULTS
        for file in sorted((folder / kind).rglob("*.*"))
        if file.is_file() and "/." not in str(file.relative_to(folder))
    }
