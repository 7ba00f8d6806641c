"""Photographs that wait to be enlarged, one at a time, and what became of each.

A thread takes them in order. What is uploaded and what is made of it lie in a folder for each, and
the oldest are deleted where there are many.
"""

import secrets
import shutil
import threading
from dataclasses import dataclass, field
from pathlib import Path

from srcnn.errors import InputError
from srcnn.images.image_io import IMAGE_NAMES
from srcnn.serve.upscale_task import Cancelled, State, Task, check_size, enlarge, for_page
from srcnn.upscaling.image_files import format_of

WAITING = 16
"""Photographs that may wait."""

KEPT, KEPT_BYTES = 100, 2_000_000_000
"""Results that are kept, and the room that they may take with their originals."""


class Full(InputError):  # noqa: N818  # as its parent says of itself
    """As many photographs wait as may."""


@dataclass(eq=False)
class UpscaleQueue:
    """What waits, what runs, and what is done.

    Args:
        folder: for all files.
        most_pixels: of a result.
    """

    folder: Path
    most_pixels: int
    _tasks: dict[str, Task] = field(default_factory=dict)  # in order of their arrival
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _closed: bool = False

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._work, name="upscale", daemon=True)
        self._thread.start()

    def new(self, name: str, scale: int, strength: float) -> Task:
        """A place for a photograph, whose file has still to be written to `task.original`.

        Raises:
            Full: there is none.
            InputError: no file of this name can be enlarged so.
        """
        if scale not in (2, 4):
            raise InputError(f"scale {scale} is neither 2 nor 4")
        if not 0 <= strength <= 1:
            raise InputError(f"strength {strength:g} is not between 0 and 1")
        if format_of(Path(name)) is None:
            known = IMAGE_NAMES.replace("*", "")
            raise InputError(f"{Path(name).suffix or 'no suffix'} is no format known here: {known}")
        with self._changed:
            if len(self._in("arriving", "waiting")) >= WAITING:
                raise Full(f"{WAITING} photographs wait already; try again when one is done")
            key = secrets.token_urlsafe(16)
            (self.folder / key).mkdir()
            self._tasks[key] = Task(key, self.folder / key, name, scale, strength)
            return self._tasks[key]

    def put(self, task: Task) -> None:
        """Let a photograph wait whose file is there.

        Raises:
            InputError: it is no image, or its result would be too large.
        """
        try:
            check_size(task, self.most_pixels)
        except InputError as error:
            raise InputError(for_page(error, task)) from None
        with self._changed:
            if task.state == "arriving":  # and was not cancelled meanwhile
                task.state = "waiting"
                self._tasks[task.id] = self._tasks.pop(task.id)  # after those that came faster
                self._changed.notify()

    def get(self, key: str) -> Task | None:
        """A photograph that is here still."""
        return self._tasks.get(key)

    def place(self, task: Task) -> int:
        """How many there are before a photograph that waits, the one that runs among them."""
        with self._changed:
            return self._in("running", "waiting").index(task) if task.state == "waiting" else 0

    def drop(self, task: Task) -> None:
        """Cancel a photograph, a running one before its next strip, and delete what is there."""
        with self._changed:
            runs = task.state == "running"
            task.state = "cancelled"
            self._tasks.pop(task.id, None)
        if not runs:  # or else whoever writes there still deletes it
            shutil.rmtree(task.folder, ignore_errors=True)

    def close(self) -> bool:
        """Cancel everything; whether the thread has ended, or makes a strip still."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        for task in list(self._tasks.values()):
            self.drop(task)
        self._thread.join(timeout=1)
        return not self._thread.is_alive()

    def _in(self, *states: State) -> list[Task]:
        return [task for task in self._tasks.values() if task.state in states]

    def _work(self) -> None:
        from srcnn.upscaling.released_networks import load

        while (task := self._next()) is not None:
            state: State
            try:
                enlarge(task, load(task.scale, task.strength))
                state = "done"
            except Cancelled:
                state = "cancelled"
            except Exception as error:  # whatever one file does, the next is to have its turn
                task.error, state = for_page(error, task), "failed"
            with self._changed:
                if task.state == "running":
                    task.state = state
            if task.state != "done":
                shutil.rmtree(task.folder, ignore_errors=True)
            self._forget()

    def _next(self) -> Task | None:
        """Wait for a photograph; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._in("waiting"))
            if self._closed:
                return None
            task = self._in("waiting")[0]
            task.state = "running"
            return task

    def _forget(self) -> None:
        """Delete the oldest results, but for the newest, as long as they are too many."""
        room = 0
        with self._changed:
            finished = self._in("done", "failed")[::-1]
        for number, task in enumerate(finished):
            room += task.room
            if number >= KEPT or (room > KEPT_BYTES and number):
                self.drop(task)
