"""Run combinations of settings as DVC experiments, and compare their scores in plots/sweep.*.

The same command continues a sweep that was stopped, and retries what failed. See docs/sweeps.md.
"""

import argparse
import json
import re
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from srcnn.errors import InputError, Stopped
from srcnn.evaluation.metrics import METRICS
from srcnn.utils.json_files import parse_json
from srcnn.utils.system import SIGNALS, escape_output, lock_for_children
from srcnn.utils.tables import write_csv
from srcnn.utils.text import join_names
from srcnn.utils.yaml_files import parse_yaml
from tools.combinations import Combination, combine, varied
from tools.commands import STOP_SECONDS, changes, git, start_dvc, stop
from tools.sweep_figure import SHOWN, draw_sweep, sweep_table
from tools.verification import SWEEP

DEFAULT = "loss.lambda2=0.1,0.3,0.9,2.7,8.1"
LOGS = Path(".dvc/tmp/sweep")  # each experiment's output, and a file that only one sweep may lock

# Set by signals. An exception could interrupt DVC while it changes the working tree.
_stop_requested = threading.Event()
_turn = threading.Lock()  # held by the experiment that starts


def main() -> None:
    """Read the command line, run the sweep, and exit with its status."""
    parser = argparse.ArgumentParser(prog="python -m tools.sweep", description=__doc__)
    keys = f"settings of params.yaml, as for dvc exp run -S (default: {DEFAULT})"
    parser.add_argument("settings", nargs="*", metavar="KEY=VALUE[,VALUE…]", help=keys)
    parser.add_argument("-j", "--jobs", type=int, default=1, help="experiments at the same time")
    parser.add_argument("--name", default="", help="prefix of the experiments' names")
    arguments = parser.parse_args()
    escape_output()
    for number in SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:  # as nohup sets for SIGHUP
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
    existing, total = find_experiments(commit), len(combinations)
    missing = [each for each in combinations if each.name not in existing]
    done = total - len(missing)
    print(f"commit {commit[:7]}: {total} experiments, {done} of them done", flush=True)
    run_all(missing, commit, jobs)
    existing, scores = find_experiments(commit), read_scores(combinations, commit)
    failed = [each.name for each in missing if each.name not in existing]
    if scores.empty:
        raise InputError(f"every experiment failed; see {LOGS}/*.log")
    write_csv(scores, SWEEP[0])
    draw_sweep(scores, varied(combinations) or ["loss.lambda2"]).write(SWEEP[0].with_suffix(""))
    print(f"\n{sweep_table(scores)}\n\nwritten: {join_names([str(path) for path in SWEEP])}")
    if failed:
        count = f"{len(failed)} of {total} experiments"
        print(f"error: {count} failed: {join_names(failed)}", file=sys.stderr)
    return 1 if failed else 0


def find_experiments(commit: str) -> dict[str, str]:
    """Git references of the experiments on a commit, by name."""
    folder = f"refs/exps/{commit[:2]}/{commit[2:]}/"
    references = git(Path(), "for-each-ref", "--format=%(refname)", folder).split()
    return {reference.removeprefix(folder): reference for reference in references}


def run_all(combinations: Sequence[Combination], commit: str, jobs: int) -> None:
    """Run experiments, several at a time, and print how each one ended; Stopped by a signal."""
    bar = tqdm(total=len(combinations), unit="experiment", leave=False, disable=None)
    LOGS.mkdir(parents=True, exist_ok=True)
    with bar, ExitStack() as stack, ThreadPoolExecutor(jobs) as pool:
        try:
            lock = stack.enter_context(lock_for_children(LOGS / "lock"))
            ends = {pool.submit(run, each, commit, lock): each.name for each in combinations}
            while ends:
                bar.set_description(", ".join(list(ends.values())[:jobs]))
                for end in wait(ends, 0.2, FIRST_COMPLETED).done:
                    line = f"{ends.pop(end)}: {end.result()}"
                    if not _stop_requested.is_set():
                        bar.update()
                        bar.write(line)
                        sys.stdout.flush()
        except BlockingIOError:
            message = "another sweep runs in this project, or an experiment of one"
            raise InputError(message) from None
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    if _stop_requested.is_set():
        raise Stopped("stopped")


def run(combination: Combination, commit: str, lock: Mapping[str, Any]) -> str:
    """Run `dvc exp run --temp` with the lock's options, and describe how it ended."""
    name, file = combination.name, LOGS / f"{combination.name}.log"
    settings = [f"--set-param={override}" for override in combination.overrides]
    command = ("--wait-for-lock", "exp", "run", "--temp", "--name", name, *settings)
    with _turn:
        if _stop_requested.is_set():
            return ""
        start = time.monotonic()
        with file.open("wb") as log:
            process = start_dvc(*command, stdout=log, stderr=log, **lock)
        # While DVC copies the project, it changes the working tree and must not be interrupted.
        while process.poll() is None and b"Reproducing experiment" not in file.read_bytes():
            if _stop_requested.is_set() and time.monotonic() > start + STOP_SECONDS:
                break
            time.sleep(0.2)
    while process.poll() is None and not _stop_requested.wait(0.2):
        pass
    stop(process)  # and what a killed DVC left running
    output = file.read_text(encoding="utf-8", errors="replace")
    if name in find_experiments(commit):
        taken = tqdm.format_interval(time.monotonic() - start)
        ran, cached, unchanged = (
            len(re.findall(rf"^{line}", output, re.MULTILINE))
            for line in ("Running stage '", "Stage '.+' is cached", "Stage '.+' didn't change")
        )
        return f"done in {taken}; stages: {ran} ran, {cached} cached, {unchanged} unchanged"
    return "failed: " + ("DVC was killed" if process.returncode < 0 else find_reason(output))


def find_reason(output: str) -> str:
    """The line of a failed experiment's output that says why: the stage's, DVC's or the last."""
    output = output.rpartition("Running stage '")[2].strip()
    for pattern in ("error: (.+)", "ERROR: (.+)", "(.+)"):
        if found := re.findall(f"^{pattern}", output, re.MULTILINE):
            return str(found[-1])
    return "-"


def read_scores(combinations: Sequence[Combination], commit: str) -> pd.DataFrame:
    """Scores of the experiments that exist: a row per experiment, scale and method.

    Raises InputError if an experiment of this name has other settings.
    """
    existing, rows = find_experiments(commit), []
    for each in (combination for combination in combinations if combination.name in existing):
        tree, params = existing[each.name], each.params
        if parse_yaml(git(Path(), "show", f"{tree}:params.yaml"), each.name) != params:
            advice = f"dvc exp remove {each.name}, then sweep again"
            raise InputError(f"{each.name}: this experiment has other settings; {advice}")
        values = {f"loss.{key}": params["loss"][key] for key in ("lambda1", "lambda2")}
        for key, value in each.settings.items():
            values[key] = value if isinstance(value, str | int | float) else json.dumps(value)
        for scale in params["scales"]:
            file = f"{tree}:metrics/x{scale}.json"
            scores = parse_json(git(Path(), "show", file), file, dict[str, dict[str, Any]])
            for method in SHOWN:
                if method not in scores:
                    raise InputError(f"{file}: damaged (no scores of {method})")
                about = {"experiment": each.name, "scale": scale, "method": method}
                rows.append(about | values | {key: scores[method].get(key) for key in METRICS})
    return pd.DataFrame(rows, dtype=object)


if __name__ == "__main__":
    main()
