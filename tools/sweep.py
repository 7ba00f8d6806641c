"""Sweep settings as DVC experiments: python -m tools.sweep loss.lambda2=0.1,0.9 train.lr=0.003.

Each combination of the values runs as `dvc exp run --temp`. The same command skips experiments
that exist already, so it continues a sweep that was stopped. See docs/sweeps.md.
"""

import argparse
import fcntl
import json
import re
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import pandas as pd
from tqdm import tqdm

from srcnn.errors import InputError, Stopped
from srcnn.evaluation.metrics import METRICS
from srcnn.utils.tables import write_csv
from srcnn.utils.text import join_names
from srcnn.utils.yaml_files import parse_yaml
from tools.combinations import Combination, combine, varied
from tools.dvc_process import STOP_SECONDS, start_dvc, stop
from tools.git import changes, git
from tools.sweep_figure import SHOWN, draw_sweep, sweep_table
from tools.verification import SWEEP

DEFAULT = "loss.lambda2=0.1,0.3,0.9,2.7,8.1"
LOGS = Path(".dvc/tmp/sweep")
"""Folder of each experiment's output, and of the file that only one sweep may lock."""

_stop_requested = threading.Event()
"""Set by signals. An exception could interrupt DVC while it changes the working tree."""


def main() -> None:
    """Read the command line, run the sweep, and exit with its status."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.sweep",
        description="Run combinations of settings as DVC experiments, and compare their scores in "
        "plots/sweep.csv, .png and .pdf. The same command continues a sweep that was stopped, and "
        "retries what failed. See docs/sweeps.md.",
    )
    keys = f"settings of params.yaml, as for dvc exp run -S (default: {DEFAULT})"
    parser.add_argument("settings", nargs="*", metavar="KEY=VALUE[,VALUE…]", help=keys)
    parser.add_argument("-j", "--jobs", type=int, default=1, help="experiments at the same time")
    parser.add_argument("--name", default="", help="prefix of the experiments' names")
    arguments = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: _stop_requested.set())
    try:
        sys.exit(sweep(arguments.settings or [DEFAULT], arguments.jobs, arguments.name))
    except (InputError, OSError, Stopped) as error:
        if not _stop_requested.is_set():
            sys.exit(f"error: {error}")
    print("stopped; the same command continues", file=sys.stderr)
    sys.exit(130)


def sweep(settings: Sequence[str], jobs: int, prefix: str) -> int:
    """Run the missing experiments, write plots/sweep.*, and return the exit status.

    Raises:
        InputError: an argument or the working tree is refused, or every experiment failed.
        Stopped: by a signal.
    """
    if jobs < 1:
        raise InputError(f"--jobs {jobs}: must be 1 or more")
    combinations = combine(settings, prefix)
    tracked = [path for path, letters in changes(Path()).items() if letters != "??"]
    if changed := [path for path in tracked if Path(path) not in SWEEP]:
        advice = "commit or undo the change, or give the setting on the command line"
        raise InputError(f"{join_names(changed)}: uncommitted change; {advice}")
    commit = git(Path(), "rev-parse", "HEAD").strip()
    read_scores(combinations, commit)  # refuses an existing experiment that has other settings
    existing = find_experiments(commit)
    missing = [each for each in combinations if each.name not in existing]
    done = len(combinations) - len(missing)
    print(f"commit {commit[:7]}: {len(combinations)} experiments, {done} of them done", flush=True)
    failed = run_all(missing, commit, jobs)
    scores = read_scores(combinations, commit)
    if scores.empty:
        raise InputError(f"every experiment failed; see {LOGS}/*.log")
    write_csv(scores, SWEEP[0])
    draw_sweep(scores, varied(combinations) or ["loss.lambda2"]).write(SWEEP[0].with_suffix(""))
    print(f"\n{sweep_table(scores)}\n\nwritten: {join_names([str(path) for path in SWEEP])}")
    if failed:
        count = f"{len(failed)} of {len(combinations)} experiments"
        print(f"error: {count} failed: {join_names(failed)}", file=sys.stderr)
    return 1 if failed else 0


def find_experiments(commit: str) -> dict[str, str]:
    """Git references of the experiments on a commit, by name."""
    folder = f"refs/exps/{commit[:2]}/{commit[2:]}/"
    references = git(Path(), "for-each-ref", "--format=%(refname)", folder).split()
    return {reference.removeprefix(folder): reference for reference in references}


class Experiment:
    """A `dvc exp run --temp` that runs; it holds the lock as long."""

    def __init__(self, combination: Combination, lock: IO[str]):
        self.name, self.start = combination.name, time.monotonic()
        self._log = LOGS / f"{self.name}.log"
        settings = [f"--set-param={override}" for override in combination.overrides]
        command = ("--wait-for-lock", "exp", "run", "--temp", "--name", self.name, *settings)
        with self._log.open("wb") as log:
            self.process = start_dvc(*command, stdout=log, stderr=log, pass_fds=[lock.fileno()])
        # While DVC copies the project, it changes the working tree and must not be interrupted.
        while self.process.poll() is None and "Reproducing experiment" not in self.output():
            if _stop_requested.is_set() and time.monotonic() > self.start + STOP_SECONDS:
                break
            time.sleep(0.2)

    def output(self) -> str:
        """What the experiment has printed."""
        return self._log.read_text(errors="replace")


def run_all(combinations: Sequence[Combination], commit: str, jobs: int) -> list[str]:
    """Run experiments, several at a time, and return the names of those that failed.

    Raises:
        InputError: another sweep runs in this project.
        Stopped: by a signal.
    """
    waiting, running, failed = list(combinations), list[Experiment](), list[str]()
    bar = tqdm(total=len(waiting), unit="experiment", leave=False, disable=None)
    LOGS.mkdir(parents=True, exist_ok=True)
    with bar, (LOGS / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            while waiting or running:
                if _stop_requested.wait(0.2):
                    raise Stopped("stopped")
                if waiting and len(running) < jobs:
                    running.append(Experiment(waiting.pop(0), lock))
                bar.set_description(", ".join(each.name for each in running))
                for experiment in [each for each in running if each.process.poll() is not None]:
                    running.remove(experiment)
                    stop([experiment.process])  # and what a killed DVC left running
                    is_done = experiment.name in find_experiments(commit)
                    failed += [] if is_done else [experiment.name]
                    bar.update()
                    bar.write(f"{experiment.name}: {describe_end(experiment, is_done)}")
                    sys.stdout.flush()
        except BlockingIOError:
            message = "another sweep runs in this project, or an experiment of one"
            raise InputError(message) from None
        finally:
            stop(each.process for each in running)
    return failed


def describe_end(experiment: Experiment, is_done: bool) -> str:
    """How long an experiment took and how many stages it ran, or the reason why it failed."""
    log = experiment.output()
    if is_done:
        ran, cached, unchanged = (
            len(re.findall(rf"^{line}", log, re.MULTILINE))
            for line in ("Running stage '", "Stage '.+' is cached", "Stage '.+' didn't change")
        )
        taken = tqdm.format_interval(time.monotonic() - experiment.start)
        return f"done in {taken}; stages: {ran} ran, {cached} cached, {unchanged} unchanged"
    if experiment.process.returncode < 0:
        return "failed: DVC was killed"
    lines = list(filter(str.strip, log.rpartition("Running stage '")[2].splitlines()))
    reasons = [line for line in lines if line.startswith("error: ")]  # of the stage
    reasons = reasons or [line for line in lines if line.startswith("ERROR: ")] or lines or ["-"]
    return f"failed: {re.sub('^error: ', '', reasons[-1], flags=re.IGNORECASE)}"


def read_scores(combinations: Sequence[Combination], commit: str) -> pd.DataFrame:
    """Scores of the experiments that exist: a row per experiment, scale and method.

    Raises:
        InputError: an experiment of this name has other settings.
    """
    existing, rows = find_experiments(commit), []
    for each in (combination for combination in combinations if combination.name in existing):
        tree = existing[each.name]
        if parse_yaml(git(Path(), "show", f"{tree}:params.yaml"), each.name) != each.params:
            advice = f"dvc exp remove {each.name}, then sweep again"
            raise InputError(f"{each.name}: this experiment has other settings; {advice}")
        values = {f"loss.{key}": each.params["loss"][key] for key in ("lambda1", "lambda2")}
        for key, value in each.settings.items():
            values[key] = value if isinstance(value, str | int | float) else json.dumps(value)
        for scale in each.params["scales"]:
            scores = json.loads(git(Path(), "show", f"{tree}:metrics/x{scale}.json"))
            for method in SHOWN:
                about = {"experiment": each.name, "scale": scale, "method": method}
                rows.append(about | values | {key: scores[method][key] for key in METRICS})
    return pd.DataFrame(rows, dtype=object)


if __name__ == "__main__":
    main()
