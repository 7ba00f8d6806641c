"""Upscales the uploaded photographs one at a time, in a thread, and keeps the latest results."""

import secrets
import shutil
import threading
from pathlib import Path

from srcnn.errors import InputError
from srcnn.images.kinds import UNKNOWN_FORMAT, format_of
from srcnn.serve.upscale_task import State, UpscaleTask

MAX_WAITING = 16  # photographs
MAX_KEPT = 100  # results
MAX_KEPT_BYTES = 2_000_000_000  # of the kept results with their uploads


class QueueFull(InputError):  # noqa: N818  # named like its parent's other subclasses
    """The queue has no room for another photograph."""


class UpscaleQueue:
    """All tasks of a server: waiting, running and finished."""

    def __init__(self, folder: Path, max_pixels: int):
        self.folder = folder  # for all files
        self.max_pixels = max_pixels  # of a result
        self._tasks: dict[str, UpscaleTask] = {}  # in order of arrival
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="upscale", daemon=True)
        self._thread.start()

    def create(self, name: str, scale: int, strength: float) -> UpscaleTask:
        """Create a task; the caller then writes its `upload` and calls `submit`.

        Raises:
            InputError: the suffix, scale or strength is not supported; QueueFull: no room.
        """
        if scale not in (2, 4):
            raise InputError(f"scale {scale} is neither 2 nor 4")
        if not 0 <= strength <= 1:
            raise InputError(f"strength {strength:g} is not between 0 and 1")
        if format_of(Path(name)) is None:
            raise InputError(UNKNOWN_FORMAT)
        with self._changed:
            if len(self._in_state("uploading", "waiting")) >= MAX_WAITING:
                reason = f"{MAX_WAITING} photographs are already waiting"
                raise QueueFull(f"{reason}; try again when one is done")
            key = secrets.token_urlsafe(16)
            (self.folder / key).mkdir()
            self._tasks[key] = UpscaleTask(key, self.folder / key, name, scale, strength)
            return self._tasks[key]

    def submit(self, task: UpscaleTask) -> None:
        """Queue a task whose upload is complete.

        Raises:
            InputError: the upload is not an image, or the result would be too large.
        """
        try:
            task.check_size(self.max_pixels)
        except InputError as error:
            raise InputError(task.message(error)) from None
        with self._changed:
            if task.state == "uploading":  # not cancelled meanwhile
                task.state = "waiting"
                self._tasks[task.id] = self._tasks.pop(task.id)  # behind faster uploads
                self._changed.notify()

    def get(self, key: str) -> UpscaleTask | None:
        """The task with this id, unless it was deleted."""
        return self._tasks.get(key)

    def position(self, task: UpscaleTask) -> int:
        """How many tasks come before a waiting task, including the running one."""
        with self._changed:
            tasks = self._in_state("running", "waiting")
            return tasks.index(task) if task.state == "waiting" else 0

    def delete(self, task: UpscaleTask) -> None:
        """Cancel a task and delete its files; a running task stops before its next strip."""
        with self._changed:
            is_running = task.state == "running"
            task.state = "cancelled"
            self._tasks.pop(task.id, None)
        if not is_running:  # the thread deletes the files of a running task
            shutil.rmtree(task.folder, ignore_errors=True)

    def close(self) -> bool:
        """Delete all tasks. Returns whether the thread has ended within a second."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        for task in list(self._tasks.values()):
            self.delete(task)
        self._thread.join(timeout=1)
        return not self._thread.is_alive()

    def _in_state(self, *states: State) -> list[UpscaleTask]:
        return [task for task in self._tasks.values() if task.state in states]

    def _work(self) -> None:
        from srcnn.upscaling.released_networks import load

        while (task := self._next()) is not None:
            state: State = "done"
            try:
                task.run(load(task.scale, task.strength))
            except Exception as error:  # continue with the next task, whatever this one raised
                task.error, state = task.message(error), "failed"
            with self._changed:
                if task.state == "running":  # not cancelled meanwhile
                    task.state = state
            if task.state != "done":
                shutil.rmtree(task.folder, ignore_errors=True)
            self._delete_oldest()

    def _next(self) -> UpscaleTask | None:
        """Wait for a task; None once the queue is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._in_state("waiting"))
            if self._closed:
                return None
            task = self._in_state("waiting")[0]
            task.state = "running"
            return task

    def _delete_oldest(self) -> None:
        """Delete the oldest results beyond the limits, but never the newest one."""
        used = 0
        with self._changed:
            finished = self._in_state("done", "failed")[::-1]
        for number, task in enumerate(finished):
            used += task.disk_bytes
            if number >= MAX_KEPT or (used > MAX_KEPT_BYTES and number):
                self.delete(task)
