"""Sweep settings as DVC experiments: python -m tools.sweep loss.lambda2=0.1,0.9 train.lr=0.003.

Several values are several experiments, several lists all their combinations. docs/sweeps.md tells
how a sweep goes on after it was stopped, and what it leaves.
"""

import argparse
import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from srcnn.errors import InputError, Stopped
from srcnn.settings import PARAMS
from srcnn.utils.tables import write_csv
from srcnn.utils.text import join_names
from tools import experiments, task_queue
from tools.combinations import Combination, combine, varied
from tools.dvc_repro import PATIENCE, dvc_repro
from tools.follow import Follower, say, stop_asked, stop_if_asked
from tools.git import changes
from tools.sweep_figure import METHODS, METRICS, Row, draw_sweep, sweep_table
from tools.verification import SWEEP

DEFAULT = ("loss.lambda2=0.1,0.3,0.9,2.7,8.1",)


def main() -> None:
    """Read the command line, sweep, exit with its status."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.sweep",
        description="Sweep settings as DVC experiments, and draw what they gain and cost: "
        f"{SWEEP[0]}, .png and .pdf. The same command goes on with a sweep that was stopped, and "
        "tries again what failed. docs/sweeps.md tells more.",
    )
    parser.add_argument(
        "settings",
        nargs="*",
        metavar="KEY=VALUE[,VALUE…]",
        help=f"of params.yaml, as dvc exp run -S takes them; none: {' '.join(DEFAULT)}",
    )
    parser.add_argument("-j", "--jobs", type=int, default=1, help="experiments at the same time")
    parser.add_argument("--name", default="", help="begins the names of all experiments")
    arguments = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop_asked.set())
    try:
        if arguments.jobs < 1:
            raise InputError(f"--jobs {arguments.jobs}: must be 1 or more")
        sys.exit(sweep(arguments.settings or DEFAULT, arguments.jobs, arguments.name))
    except (InputError, OSError) as error:
        sys.exit(f"error: {error}")
    except Stopped as stopped:
        print(f"{stopped}; the same command goes on from there", file=sys.stderr)
        sys.exit(130)


def sweep(settings: Sequence[str], jobs: int, prefix: str) -> int:
    """Run what is not done yet and write plots/sweep.*; the exit status.

    Raises:
        InputError: a setting or the state of the working tree is refused, or all has failed.
        Stopped: by a signal.
    """
    combinations = combine(settings, prefix)
    baseline = bring_up_to_date()
    try:
        done = enqueue(combinations, baseline)
        say(f"on {baseline[:7]}: {len(combinations)} experiments, {done} of them done")
        failed = Follower([each.name for each in combinations], baseline, jobs).run()
    except Stopped:
        task_queue.stop(PATIENCE)
        raise
    rows = rows_of(combinations, baseline)
    if not rows:
        raise InputError("no experiment has ended well; dvc queue logs NAME shows more of each")
    write_csv(rows, SWEEP[0])
    draw_sweep(rows, varied(combinations) or ["loss.lambda2"]).write(SWEEP[0].with_suffix(""))
    say(f"\n{sweep_table(rows)}\n\n{SWEEP[0]}, .png and .pdf show them")
    if failed:
        count = f"{len(failed)} of {len(combinations)} experiments"
        print(f"error: {count} failed: {join_names(list(failed))}", file=sys.stderr)
    return 1 if failed else 0


def bring_up_to_date() -> str:
    """Reproduce the commit that is checked out, where it is not yet; the commit.

    So that what the experiments have in common lies in DVC's cache: on a fresh clone each of
    several at the same time would make it for itself.

    Raises:
        InputError: there are changes that are not committed, or what is reproduced differs.
        Stopped: by a signal.
    """
    _refuse_changes("commit or undo them, or give settings on the command line")
    variables = experiments.environment()
    if subprocess.run(["dvc", "status", "--quiet"], env=variables).returncode:
        say("what this commit's dvc.lock lists is not here or not up to date: dvc repro first")
        if dvc_repro(Path(), variables, stop_if_asked):
            raise InputError("dvc repro failed: a sweep needs the results of its commit")
    stop_if_asked()
    _refuse_changes("dvc repro has changed them: commit them first")
    return experiments.head()


def _refuse_changes(advice: str) -> None:
    """DVC would take them into every experiment, under the name of a commit that has them not."""
    changed = [
        path
        for path, letters in changes(Path()).items()
        if letters != "??" and Path(path) not in SWEEP
    ]
    if changed:
        raise InputError(
            f"{join_names(changed)}: not as committed, and a sweep is of a commit; {advice}"
        )


def enqueue(combinations: Sequence[Combination], baseline: str) -> int:
    """Queue what is neither done nor in the queue; how many are done."""
    task_queue.end_lost()
    tasks, done = task_queue.tasks(baseline), experiments.finished(baseline)
    if done & {each.name for each in combinations}:
        rows_of(combinations, baseline)  # those that there are have to be of the same settings
    open_ones = [each for each in combinations if each.name not in done]
    for combination in open_ones:
        task = tasks.get(combination.name)
        if task and task.state != "done":
            continue
        stop_if_asked()
        if task:  # it failed, or was stopped
            task_queue.forget(task)
        experiments.queue(combination.name, combination.overrides)
    return len(combinations) - len(open_ones)


def rows_of(combinations: Sequence[Combination], baseline: str) -> Sequence[Row]:
    """A row per experiment, scale and method, of what the experiments wrote into metrics/.

    Raises:
        InputError: an experiment of this name has other settings.
    """
    rows, results = [], experiments.results(baseline)
    for name, given, params in ((c.name, c.given, c.params) for c in combinations):
        if name not in results:
            continue
        result = results[name] or {"params": {str(PARAMS): {}}}
        if result["params"][str(PARAMS)].get("data") != params:
            raise InputError(f"{name}: made with other settings; dvc exp remove {name}, then again")
        weights = {f"loss.{key}": params["loss"][key] for key in ("lambda1", "lambda2")}
        settings = weights | {key: _plain(value) for key, value in given.items()}
        for scale in params["scales"]:
            scores = result["metrics"][f"metrics/x{scale}.json"]["data"]
            for method in METHODS:
                about = {"experiment": name, "scale": scale, "method": method}
                rows.append(about | settings | {key: scores[method][key] for key in METRICS})
    return rows


def _plain(value: Any) -> Any:
    """A value for a table's cell: a list, such as that of the scales, as it is written."""
    return json.dumps(value) if isinstance(value, list | dict) else value


if __name__ == "__main__":
    main()
