"""DVC as a child process that is always stopped together with everything that it started."""

import os
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

STOP_SECONDS = 60.0
"""Time that DVC and its stages get to stop after SIGINT."""


def start_dvc(*arguments: str, **options: Any) -> "subprocess.Popen[Any]":
    """Start a DVC command in a session of its own, so that Ctrl-C does not reach it directly.

    Args:
        arguments: of the command `dvc`.
        options: of `subprocess.Popen`; the stages find this process's `python` first.
    """
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])
    options = {"stdin": subprocess.DEVNULL} | options
    options["env"] = os.environ | {"PATH": path} | options.get("env", {})
    command = [sys.executable, "-m", "dvc", *arguments]
    return subprocess.Popen(command, start_new_session=True, **options)


def run_dvc(*arguments: str, **options: Any) -> int:
    """Run a DVC command and return its exit status; an exception, such as Ctrl-C, stops it."""
    process = start_dvc(*arguments, **options)
    try:
        return process.wait()
    finally:
        stop([process])


def stop(processes: Iterable["subprocess.Popen[Any]"]) -> None:
    """Interrupt DVC processes and their children; kill what is still there after STOP_SECONDS."""
    processes = list(processes)
    for process in processes:
        _signal(process, signal.SIGINT)
    for process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        _signal(process, signal.SIGKILL)
        process.wait()


def _signal(process: "subprocess.Popen[Any]", number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)
