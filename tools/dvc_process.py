"""DVC as a child process that is always stopped together with everything that it started."""

import os
import signal
import subprocess
import sys
import sysconfig
from contextlib import suppress
from typing import Any

STOP_SECONDS = 60.0  # that DVC and its stages get to stop after SIGINT


def start_dvc(*arguments: str, **options: Any) -> "subprocess.Popen[Any]":
    """Start a DVC command in a session of its own, so that Ctrl-C does not reach it directly.

    Args:
        arguments: of the command `dvc`.
        options: of `subprocess.Popen`; the stages find this process's `python` first.
    """
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])
    variables = os.environ | {"PATH": path} | options.pop("env", {})
    options |= {"env": variables, "stdin": subprocess.DEVNULL, "start_new_session": True}
    return subprocess.Popen([sys.executable, "-m", "dvc", *arguments], **options)


def run_dvc(*arguments: str, **options: Any) -> int:
    """Run a DVC command and return its exit status; an exception, such as Ctrl-C, stops it."""
    process = start_dvc(*arguments, **options)
    try:
        return process.wait()
    finally:
        stop(process)


def stop(process: "subprocess.Popen[Any]") -> None:
    """Interrupt DVC and its children; kill what is still there after STOP_SECONDS."""
    for number, seconds in ((signal.SIGINT, STOP_SECONDS), (signal.SIGKILL, None)):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
