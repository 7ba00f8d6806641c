"""Make the committed results again, and check that they are the same (`make verify`).

The whole pipeline of the last commit runs in a clone in a temporary folder (of `TMPDIR`), with an
empty DVC cache and without the committed results. The clone shares this project's packages and the
downloads in the user's cache. `tools.verification` compares the results. Before that,
`tools.cache_check` looks for damaged files in this project's DVC cache.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from tqdm import tqdm

from srcnn.analysis.vote_file import VOTES
from srcnn.errors import InputError
from srcnn.utils.signals import exit_on_signals
from srcnn.utils.system import escape_output, remove_folder
from srcnn.utils.text import join_names
from tools.cache_check import check_cache, describe_cache
from tools.commands import changes, committed, committed_files, git, run_dvc
from tools.verification import ENVIRONMENT, LOCK, RESULTS, compare, describe

# Variables that would make git or Python use the project instead of the clone.
PROJECT_VARIABLES = ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE", "PYTHONHOME", "PYTHONPATH")
# DVC's settings for the clone: a cache of its own, and no process that outlives the run.
CLONE_CONFIG = "[cache]\ndir = cache\n[core]\nanalytics = false\ncheck_update = false\n"


def main() -> int:
    """Verify the project in this folder; 0 if it is verified, 130 after Ctrl-C, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tools.verify", description=__doc__)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--keep", action="store_true", help="keep the clone")
    here = "run nothing; compare the results in this folder"
    choice.add_argument("--here", action="store_true", help=here)
    options = parser.parse_args()
    for name in PROJECT_VARIABLES:
        os.environ.pop(name, None)
    escape_output()
    with exit_on_signals():
        try:
            return verify_here() if options.here else verify(options.keep)
        except (InputError, OSError) as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("stopped", file=sys.stderr)
            return 130


def verify_here() -> int:
    """Compare the results in the working tree with those of the last commit."""
    result = compare(Path())
    if find_damage():
        raise InputError("files in DVC's cache are damaged; restore them first")
    if run_dvc("status", "--quiet"):
        raise InputError("the results are not up to date (see dvc status); run dvc repro first")
    print("\n".join(describe(result)))
    return not result.is_verified


def verify(keep: bool) -> int:
    """Run the pipeline of the last commit in a clone, and compare the results."""
    commit = git(Path(), "rev-parse", "--short", "HEAD").strip()
    for path in (LOCK, ENVIRONMENT):
        committed(Path(), path)
    if changed := list(changes(Path())):
        print(f"not committed, so not verified: {join_names(changed)}")
    damaged = find_damage()
    folder, start = Path(tempfile.mkdtemp(prefix="srcnn-verify-")), time.monotonic()
    try:
        clone = folder / "project"
        print(f"running the pipeline of commit {commit} in {clone}", flush=True)
        git(Path(), "clone", "--quiet", ".", str(clone))
        run_pipeline(clone)
        taken = tqdm.format_interval(time.monotonic() - start)
        print(f"made the results of commit {commit} again in {taken}")
        result = compare(clone)
        print("\n".join(describe(result)))
        if damaged:
            print(f"damaged files in DVC's cache: {damaged}; see above how to restore them")
        return damaged > 0 or not result.is_verified
    finally:
        if keep:
            print(f"kept: {folder}")
        else:
            remove_folder(folder)


def find_damage() -> int:
    """Print the state of this project's DVC cache; return the number of damaged files."""
    found = check_cache(Path())
    print("\n".join(describe_cache(found)), flush=True)
    return len(found.damaged)


def run_pipeline(clone: Path) -> None:
    """Run every stage of a fresh clone with DVC, without anything from earlier runs."""
    for file in committed_files(clone, LOCK, *RESULTS):
        if file != VOTES.as_posix():  # people made it, no stage does
            (clone / file).unlink()
    (clone / ".dvc/config.local").write_text(CLONE_CONFIG, encoding="utf-8")
    variables = {"TMPDIR": str(clone.parent), "DVC_SITE_CACHE_DIR": str(clone.parent / "dvc")}
    if status := run_dvc("repro", cwd=clone, env=variables):
        raise InputError(f"dvc repro ended with status {status}; see its message above")


if __name__ == "__main__":
    sys.exit(main())
