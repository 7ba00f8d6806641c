"""DVC's queue of experiments and the workers that run them; written for DVC 3.67.

Orders are given on DVC's command line. What the queue holds is read through `dvc.repo`, because
`dvc queue status` prints a table without commits, logs and processes.
"""

import logging
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import psutil
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.repo.experiments.executor.base import ExecutorInfo

from srcnn.errors import InputError
from tools.experiments import command

logging.getLogger("kombu").setLevel(logging.ERROR)  # warns that a queue of files has no host


@dataclass(frozen=True)
class Task:
    """An entry of DVC's queue.

    Args:
        name: of the experiment.
        revision: of the entry, by which DVC's commands know it among several of one name.
        state: `done` says only that it has ended: DVC's own `Success` is also what ended
            after its worker was killed, and then there is no experiment.
        log: what it printed; None before it has begun.
        process: which runs it; None before and after.
    """

    name: str
    revision: str
    state: Literal["queued", "running", "done"]
    log: Path | None
    process: psutil.Process | None


def tasks(baseline: str | None = None) -> dict[str, Task]:
    """The queue's entries, by name; of several of one name what is yet to end.

    Args:
        baseline: leaves out what is not of this commit.

    Raises:
        InputError: the queue cannot be read.
    """
    for _ in range(5):
        try:
            found = {task.revision: task for task, of in _entries() if baseline in (None, of)}
            ended_first = sorted(found.values(), key=lambda task: task.state != "done")
            return {task.name: task for task in ended_first}
        except (DvcException, OSError, ValueError) as error:  # read while it was written
            problem = str(error)
            time.sleep(1)
    raise InputError(f"DVC's queue cannot be read: {problem} (see dvc queue status)")


def _entries() -> Iterator[tuple[Task, str]]:
    """With their commits; in the order in which they move on, so that none is missed."""
    with Repo() as repo:
        queue = repo.experiments.celery_queue
        for entry in queue.iter_queued():
            yield Task(entry.name, entry.stash_rev, "queued", None, None), entry.baseline_rev
        for entry in queue.iter_active():
            begun = queue.proc.get(entry.stash_rev)
            log = Path(begun.stdout) if begun else None
            process = _process(begun.pid, entry.stash_rev) if begun else None
            task = Task(entry.name, entry.stash_rev, "running", log, process)
            yield task, entry.baseline_rev
        for entry, _ in queue.iter_done():
            begun = queue.proc.get(entry.stash_rev)
            log = Path(begun.stdout) if begun else None
            yield Task(entry.name, entry.stash_rev, "done", log, None), entry.baseline_rev


def _process(number: int, revision: str) -> psutil.Process | None:
    """The process of this number, unless the number is another's by now."""
    try:
        process = psutil.Process(number)
        mine = any(revision in word for word in process.cmdline())
        return process if mine and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.Error:
        return None


def workers() -> list[psutil.Process]:
    """The processes that take experiments from this project's queue.

    `dvc queue status` asks them and counts those that answer within a second, which on a busy
    machine may be none.
    """
    found = []
    for process in psutil.process_iter(["cmdline", "cwd", "status"]):
        info = process.info
        if (
            "queue-worker" in (info["cmdline"] or [])
            and Path(info["cwd"] or "/").is_relative_to(Path.cwd())
            and info["status"] != psutil.STATUS_ZOMBIE
        ):
            found.append(process)
    return found


def is_orphan(process: psutil.Process, at_work: Sequence[psutil.Process]) -> bool:
    """Whether what runs an experiment goes on without the worker that started it."""
    try:
        return process.ppid() not in {worker.pid for worker in at_work}
    except psutil.NoSuchProcess:
        return False


def start_workers(jobs: int) -> None:
    """Let so many workers take experiments from the queue until it is empty."""
    command("dvc", "queue", "start", "--jobs", str(jobs))


def forget(task: Task) -> None:
    """Take an entry that has ended out of the queue."""
    command("dvc", "queue", "remove", task.revision)


def stop(patience: float) -> None:
    """Stop all workers and what they run; what is queued stays queued.

    Args:
        patience: seconds that what runs has to end by itself before it is killed.
    """
    if workers():
        command("dvc", "queue", "stop")  # or they would take the next one
    until, told = time.monotonic() + patience, set[str]()
    while at_work := workers():
        if time.monotonic() > until:
            for worker in at_work:
                kill_tree(worker)
            break
        running = {task.revision for task in tasks().values() if task.process}
        with suppress(InputError):  # it has ended meanwhile
            for revision in running - told:
                told.add(revision)
                command("dvc", "queue", "kill", revision)
        time.sleep(0.5)
    end_lost()


def end_lost() -> list[str]:
    """End what runs without a worker, which nobody would collect; names of these experiments.

    Of a worker that was killed DVC says `Running` for ever, and what it ran may still go on.
    """
    with Repo() as repo:
        queue, at_work, lost = repo.experiments.celery_queue, workers(), {}
        for entry in queue.iter_active():
            begun = queue.proc.get(entry.stash_rev)
            process = _process(begun.pid, entry.stash_rev) if begun else None
            if process and is_orphan(process, at_work):
                kill_tree(process)
            elif process or at_work:
                continue  # it runs, or a worker is about to begin or to collect it
            lost[entry] = entry.name
        if not lost:
            return []
        # `dvc queue kill` does the same, but first signals whatever has the process's number now.
        queue._mark_inactive_tasks_failure(lost)
        for entry in lost:
            _remove_copy(Path(queue.get_infofile_path(entry.stash_rev)), Path(repo.tmp_dir))
    return list(lost.values())


def _remove_copy(info: Path, folder: Path) -> None:
    """Remove the copy of the project in which an experiment ran."""
    if info.is_file():
        copy = Path(ExecutorInfo.load_json(str(info)).root_dir)
        if copy.is_relative_to(folder / "exps"):
            shutil.rmtree(copy, ignore_errors=True)


def kill_tree(process: psutil.Process) -> None:
    """Kill a process and all that it started."""
    try:
        family = [*process.children(recursive=True), process]
    except psutil.NoSuchProcess:
        return
    for member in family:
        try:
            member.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(family, timeout=10)
