"""Upscales the uploaded photographs one at a time, in a worker, and keeps the latest results."""

import asyncio
import secrets
import shutil
from pathlib import Path

from srcnn.errors import InputError
from srcnn.images.kinds import UNKNOWN_FORMAT, result_format
from srcnn.serve.upscale_task import State, UpscaleTask
from srcnn.serve.worker_pool import WorkerPool
from srcnn.web.guarded_application import Unavailable

MAX_WAITING = 16  # photographs
MAX_KEPT = 100  # results
MAX_KEPT_BYTES = 2_000_000_000  # of the kept results with their uploads
CHECK_SECONDS = 10  # to read the size of an upload
# Of a task without progress. WebP encoding reports none: 196 megapixels of noise kept it busy for
# about 10 minutes on two shared cores.
STALL_SECONDS = 1800


class UpscaleQueue:
    """All tasks of a server: waiting, running and finished. Used by one event loop."""

    def __init__(self, folder: Path, max_pixels: int):
        self.folder = folder  # for all files
        self.max_pixels = max_pixels  # of a result
        self._tasks: dict[str, UpscaleTask] = {}  # in order of arrival
        self._turn = asyncio.Lock()  # held by the running task; the others wait in order
        self._checks, self._upscales = WorkerPool(), WorkerPool()  # the latter keep the network

    def create(self, name: str, scale: int, strength: float) -> UpscaleTask:
        """Create a task; the caller then writes its `upload` and calls `submit`.

        Raises:
            InputError: the suffix, scale or strength is not supported; Unavailable: no room.
        """
        if scale not in (2, 4):
            raise InputError(f"scale {scale} is neither 2 nor 4")
        if not 0 <= strength <= 1:
            raise InputError(f"strength {strength:g} is not between 0 and 1")
        if result_format(Path(name)) is None:
            raise InputError(UNKNOWN_FORMAT)
        if len(self._in_state("uploading", "waiting")) >= MAX_WAITING:
            reason = f"{MAX_WAITING} photographs are already waiting"
            raise Unavailable(f"{reason}; try again when one is done")
        key = secrets.token_urlsafe(16)
        (self.folder / key).mkdir()
        self._tasks[key] = UpscaleTask(key, self.folder / key, name, scale, strength)
        return self._tasks[key]

    async def submit(self, task: UpscaleTask) -> None:
        """Queue a task whose upload is complete.

        Raises:
            InputError: the upload is not an image, or the result would be too large.
        """
        request = {"upload": str(task.upload), "result": None}
        try:
            task.set_size(await self._checks.ask(request, CHECK_SECONDS), self.max_pixels)
        except TimeoutError:
            reason = f"reading its size took longer than {CHECK_SECONDS} seconds"
            raise InputError(f"{reason}; save it again with another program") from None
        except InputError as error:
            raise InputError(task.message(error)) from None
        self._tasks[task.id] = self._tasks.pop(task.id)  # behind faster uploads
        task.state = "waiting"
        task.job = asyncio.create_task(self._run(task))

    def get(self, key: str) -> UpscaleTask | None:
        """The task with this id, unless it was deleted."""
        return self._tasks.get(key)

    def position(self, task: UpscaleTask) -> int:
        """How many tasks come before a waiting task, including the running one."""
        tasks = self._in_state("running", "waiting")
        return tasks.index(task) if task.state == "waiting" else 0

    async def delete(self, task: UpscaleTask) -> None:
        """Delete a task and its files; if it is running, its worker is killed."""
        self._tasks.pop(task.id, None)
        if task.job:
            task.job.cancel()
            await asyncio.wait([task.job])
        shutil.rmtree(task.folder, ignore_errors=True)

    async def close(self) -> None:
        """Delete all tasks and kill all workers."""
        tasks = list(self._tasks.values())
        for job in [task.job for task in tasks if task.job]:
            job.cancel()  # all of them before the first one gives its turn to the next
        for task in tasks:
            await self.delete(task)
        for pool in (self._checks, self._upscales):
            await pool.close()

    def _in_state(self, *states: State) -> list[UpscaleTask]:
        return [task for task in self._tasks.values() if task.state in states]

    async def _run(self, task: UpscaleTask) -> None:
        """Wait until it is the task's turn, and upscale it."""
        request = {
            "upload": str(task.upload),
            "result": str(task.result),
            "kind": task.kind,
            "scale": task.scale,
            "strength": task.strength,
        }
        async with self._turn:
            task.state = "running"
            try:
                ask = self._upscales.ask(request, STALL_SECONDS, task.set_progress)
                task.set_done(await ask)
            except Exception as error:  # continue with the next task, whatever this one raised
                if isinstance(error, TimeoutError):
                    reason = f"stopped after {STALL_SECONDS} seconds without progress"
                    error = InputError(f"{reason}; save it again with another program")
                task.error, task.state = task.message(error), "failed"
                shutil.rmtree(task.folder, ignore_errors=True)
            await self._delete_oldest()

    async def _delete_oldest(self) -> None:
        """Delete the oldest results beyond the limits, but never the newest one."""
        used = 0
        for number, task in enumerate(self._in_state("done", "failed")[::-1]):
            used += task.disk_bytes
            if number and (number >= MAX_KEPT or used > MAX_KEPT_BYTES):
                await self.delete(task)
