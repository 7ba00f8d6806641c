"""`dvc repro` as a child that can be waited for, and stopped with all that it has started."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

PATIENCE = 60.0
"""Seconds that a stage is given to stop."""

_PAUSE = 0.2


def dvc_repro(project: Path, variables: Mapping[str, str], look: Callable[[], None]) -> int:
    """Run every stage that is not up to date; the exit status.

    In a session of its own, so that Ctrl-C reaches it once, from here, and is waited for.

    Args:
        project: whose pipeline it is.
        variables: its environment.
        look: called now and then; what it raises stops the pipeline first.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "dvc", "repro"],
        cwd=project,
        env=dict(variables),
        start_new_session=True,
    )
    try:
        while True:
            with suppress(subprocess.TimeoutExpired):
                return process.wait(_PAUSE)
            look()
    except BaseException:
        _stop(process)
        raise


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """Let all processes of a run end, before what they write to is deleted."""
    try:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(PATIENCE)
    except (ProcessLookupError, subprocess.TimeoutExpired):
        pass
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
