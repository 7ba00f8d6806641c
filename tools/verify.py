"""Make the committed results anew, and say whether they come out the same: `make verify`.

    python -m tools.verify [--keep | --here]

The last commit is cloned into a temporary folder (of `TMPDIR`), and the whole pipeline runs there,
with an empty DVC cache and without the results that the commit holds; it shares this project's
packages and what the user's cache has downloaded. On the same kind of machine every output must
have the bytes that dvc.lock and git name; on another every metric must lie within the tolerance of
metrics/environment.json. `tools.verification` compares. Exit status 0 only if all is so.
With --here nothing is run: what `dvc repro` has made in this folder is compared.
"""

import argparse
import io
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from srcnn.errors import InputError
from srcnn.utils.text import join_names
from tools.dvc_repro import dvc_repro
from tools.experiments import environment
from tools.git import changes, committed, committed_files, git
from tools.verification import ENVIRONMENT, LOCK, RESULTS, compare, described

FOREIGN = ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "PYTHONHOME", "PYTHONPATH")
"""Variables that would lead git or Python from the clone back to the project."""

OWN = """\
[cache]
    dir = cache
[core]
    analytics = false
    check_update = false
"""
"""DVC's settings for the clone: its own cache, whatever the project or the user has set up, and no
process that goes on writing when the run has ended."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify the project in this folder; 0 if it is verified, 130 after Ctrl-C, else 1."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.verify",
        description="Make the committed results anew, and say whether they come out the same.",
    )
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--keep", action="store_true", help="keep the clone")
    choice.add_argument(
        "--here", action="store_true", help="run nothing: compare what dvc repro has made here"
    )
    options = parser.parse_args(arguments)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, lambda number, frame: sys.exit(128 + number))  # cleaning up
    for name in FOREIGN:
        os.environ.pop(name, None)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a file's name may be anything
    try:
        return verify_here() if options.here else verify(options.keep)
    except (InputError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


def verify_here() -> int:
    """Compare the working tree's results with those of its last commit.

    Raises:
        InputError: they are not what the code and the settings here make.
    """
    comparison = compare(Path())  # which says what is missing or damaged
    if subprocess.run([sys.executable, "-m", "dvc", "status", "--quiet"]).returncode:
        raise InputError("the results here are not up to date (dvc status says why); dvc repro")
    print("\n".join(described(comparison)))
    return not comparison.is_verified


def verify(keep: bool) -> int:
    """Run the last commit's pipeline in a clone, and compare."""
    commit = git(Path(), "rev-parse", "--short", "HEAD").strip()
    for path in (LOCK, ENVIRONMENT):
        committed(Path(), path)
    changed = list(changes(Path()))
    if changed:
        print(f"not committed, and so not verified: {join_names(changed)}")
    with temporary_folder(keep) as folder:
        clone = folder / "project"
        print(f"commit {commit} is made anew in {clone}", flush=True)
        git(Path(), "clone", "--quiet", ".", str(clone))
        start = time.monotonic()
        run_pipeline(clone)
        minutes, seconds = divmod(round(time.monotonic() - start), 60)
        print(f"commit {commit} was made anew in {minutes}:{seconds:02d} min")
        comparison = compare(clone)
        print("\n".join(described(comparison)))
    return not comparison.is_verified


@contextmanager
def temporary_folder(keep: bool) -> Iterator[Path]:
    """Make a folder for the block; however it ends, delete the folder, or say where it is."""
    folder = Path(tempfile.mkdtemp(prefix="srcnn-verify-"))
    try:
        yield folder
    finally:
        if keep:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder)


def run_pipeline(project: Path) -> None:
    """Run every stage of a fresh clone by DVC, sharing nothing that a run has made.

    Raises:
        InputError: a stage failed.
    """
    for file in committed_files(project, LOCK, *RESULTS):
        (project / file).unlink()
    (project / ".dvc/config.local").write_text(OWN)
    variables = environment() | {
        "TMPDIR": str(project.parent),
        "DVC_SITE_CACHE_DIR": str(project.parent / "dvc"),
    }
    status = dvc_repro(project, variables, lambda: None)
    if status:
        raise InputError(f"the pipeline ended with status {status}; its own message is above")


if __name__ == "__main__":
    sys.exit(main())
