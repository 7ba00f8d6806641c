"""Watch a sweep's experiments until all have ended, and keep DVC's workers at work on them."""

import sys
import threading
import time
from collections.abc import Mapping, Sequence

import psutil
from tqdm import tqdm

from srcnn.errors import InputError, Stopped
from tools import experiments, task_queue
from tools.experiment_log import read_log, reason_of, stages_of
from tools.task_queue import Task

stop_asked = threading.Event()
"""Set by signals: an exception would come in the middle of what is to be done whole."""

_PAUSE = 1.0  # seconds between two looks; a look takes 0.1 s of a core
_STARTS = 5  # times that workers may end without having begun anything


def stop_if_asked() -> None:
    """Raise Stopped after a signal."""
    if stop_asked.is_set():
        raise Stopped("stopped")


def say(text: str) -> None:
    """Print a line above the progress bar, at once."""
    tqdm.write(text)
    sys.stdout.flush()


class Follower:
    """Reports each experiment's end.

    Args:
        names: of all experiments, in their order.
        baseline: the commit that they are of.
        jobs: how many run at the same time.
    """

    def __init__(self, names: Sequence[str], baseline: str, jobs: int):
        self.failed: dict[str, str] = {}
        self._open = list(names)
        self._baseline = baseline
        self._jobs = jobs
        self._begun: dict[str, float] = {}
        self._lost: set[str] = set()
        self._starts = 0
        self._bar = tqdm(total=len(names), unit="experiment", leave=False, disable=None)

    def run(self) -> dict[str, str]:
        """Return when all have ended: why what failed did, by name.

        Raises:
            InputError: DVC's workers end without working.
            Stopped: by a signal.
        """
        with self._bar:
            while True:
                tasks = task_queue.tasks(self._baseline)
                self._look(tasks)
                if not self._open:
                    return self.failed
                stop_if_asked()
                self._keep_at_work(tasks)
                stop_asked.wait(_PAUSE)

    def _look(self, tasks: Mapping[str, Task]) -> None:
        """Report what has ended and what is at work."""
        finished = experiments.finished(self._baseline)  # after `tasks`: what ended is in it
        for name in list(self._open):
            task = tasks.get(name)
            if task and task.process:
                self._begun.setdefault(name, _started(task.process))
                running = stages_of(read_log(task.log)).ran[-1:]
                self._bar.set_description(": ".join([name, *running]))
            if name in finished:
                self._report(name, task)
            elif task is None:
                self._fail(name, "it was taken out of the queue")
            elif task.state == "done":
                lost = name in self._lost
                self._fail(name, "its worker was killed" if lost else reason_of(read_log(task.log)))

    def _report(self, name: str, task: Task | None) -> None:
        begun, log = self._begun.get(name), read_log(task.log if task else None)
        done = f"done in {_duration(time.time() - begun)}" if begun else "done before"
        self._end(name, f"{name}: {done}" + (f"; stages: {stages_of(log)}" if log else ""))

    def _fail(self, name: str, reason: str) -> None:
        self.failed[name] = reason
        self._end(name, f"{name}: failed: {reason}")

    def _end(self, name: str, line: str) -> None:
        self._open.remove(name)
        self._bar.update()
        self._starts = 0
        say(line)

    def _keep_at_work(self, tasks: Mapping[str, Task]) -> None:
        """Start workers where there are none, and give up what a killed one has left."""
        workers = task_queue.workers()
        running = [task.process for task in tasks.values() if task.process]
        if not workers or any(task_queue.is_orphan(process, workers) for process in running):
            self._lost |= set(task_queue.end_lost())
        if workers:
            return
        if self._starts == _STARTS:
            raise InputError("DVC's workers end at once; .dvc/tmp/exps/celery/*.out says why")
        self._starts += 1
        task_queue.start_workers(self._jobs)


def _started(process: psutil.Process) -> float:
    try:
        return float(process.create_time())
    except psutil.NoSuchProcess:
        return time.time()


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
