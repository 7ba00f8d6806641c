"""Simulates Windows on Linux: Python processes without the names that Windows lacks."""

import os
import subprocess
import sys
from pathlib import Path

from tests.tiny_project import ROOT

MISSING = (
    *("fcntl", "resource", "os.getloadavg", "os.getuid", "os.killpg", "os.sched_getaffinity"),
    *("os.O_NOFOLLOW", "signal.SIGHUP", "signal.SIGKILL", "signal.pthread_sigmask"),
)
"""Modules and names of the standard library that Windows lacks and this project uses elsewhere."""

START = """
import atexit, gc, os, sys
gc.disable()  # imports make millions of objects, and no garbage
atexit.register(gc.freeze)
for name in {missing!r}:
    module, _, attribute = name.rpartition(".")
    if module:
        delattr(__import__(module), attribute)
    else:
        sys.modules[name] = None

def refuse_open_files(event, arguments):
    \"\"\"As Windows does: raise PermissionError if this process has the file open.\"\"\"
    if event not in ("os.rename", "os.remove"):
        return
    opened = set()
    for number in os.listdir("/proc/self/fd"):
        try:
            opened.add(os.readlink("/proc/self/fd/" + number))
        except OSError:
            pass
    folder = arguments[-1] if event == "os.remove" else -1
    for path in arguments[:1] if event == "os.remove" else arguments[:2]:
        path = os.fsdecode(path)
        if folder != -1:
            path = os.path.join(os.readlink("/proc/self/fd/" + str(folder)), path)
        if os.path.realpath(path) in opened:
            raise PermissionError(13, "used by another process", path)

if 'fcntl' in {missing!r}:  # otherwise files are renamed while they are locked
    sys.addaudithook(refuse_open_files)
"""


def start_of(*missing: str, before: str = "") -> str:
    """Code for the start of a process that lacks these; without fcntl, it renames no open file.

    The code `before` still has them.
    """
    return before + START.format(missing=missing)


def run_without(missing: tuple[str, ...], code: str, folder: Path, before: str = "") -> str:
    """The output of code that runs in a folder, in a process without some of MISSING."""
    done = subprocess.run(
        [sys.executable, "-c", start_of(*missing, before=before) + code],
        cwd=folder,
        # Windows names the user by a variable; torch asks for the name.
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "USER": "a"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
