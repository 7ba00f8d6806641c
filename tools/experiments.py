"""What git and DVC's command line know of experiments, as far as a sweep needs it."""

import json
import os
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, Any

from srcnn.errors import InputError


def command(*words: str) -> str:
    """Run a command whole, whatever keys are pressed meanwhile; what it prints.

    In a session of its own, as Ctrl-C in the middle of `dvc exp run --queue` would leave the
    working tree changed. Its output goes to a file, as the workers that `dvc queue start` leaves
    behind would hold a pipe open.

    Raises:
        InputError: it failed; the message is its last line.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            env=environment(),
            start_new_session=True,
        )
        said = [_whole(output), _whole(errors)]
    if done.returncode:
        last = "".join(said).strip().rpartition("\n")[2]
        raise InputError(f"{' '.join(words[:3])}: {last}")
    return said[0]


def _whole(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def environment() -> dict[str, str]:
    """This process's variables, with the programs of its own Python before all others."""
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])
    return os.environ | {"PATH": path}


def head() -> str:
    """The commit that is checked out, 40 digits."""
    return command("git", "rev-parse", "HEAD").strip()


def finished(baseline: str) -> set[str]:
    """Names of the experiments that there are on a commit."""
    folder = f"refs/exps/{baseline[:2]}/{baseline[2:]}/"
    names = command("git", "for-each-ref", "--format=%(refname)", folder).splitlines()
    return {name.removeprefix(folder) for name in names}


def queue(name: str, overrides: Sequence[str]) -> None:
    """Put an experiment at the end of the queue, with settings as `dvc exp run -S` takes them."""
    settings = (word for override in overrides for word in ("--set-param", override))
    command("dvc", "exp", "run", "--queue", "--name", name, *settings)


def results(baseline: str) -> dict[str, dict[str, Any]]:
    """What the experiments on a commit came to, by name: `params` and `metrics`, each by file.

    `dvc.api.exp_show` has the same numbers, but names them with or without their file, as other
    files have them too or not, and gives the settings as text.

    Raises:
        InputError: DVC cannot show them.
    """
    words = ["dvc", "exp", "show", "--json", "--rev", baseline]
    words += ["--hide-workspace", "--hide-queued", "--hide-failed"]
    for _ in range(5):
        with suppress(InputError):
            shown = command(*words)
            break
        time.sleep(2)  # it fails while one ends whose copy of the project is removed already
    else:
        shown = command(*words)
    (commit,) = json.loads(shown)
    return {
        experiment["name"]: experiment["revs"][0]["data"]
        for experiment in commit["experiments"] or []
        if (experiment["executor"] or {}).get("state") != "running"
    }
