"""Starts the worker processes of `srcnn serve`, sends them requests, and kills them."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from srcnn.errors import InputError
from srcnn.utils.system import NEW_SESSION, exit_reason

START_SECONDS = 60
COMMAND = (sys.executable, "-P", "-m", "srcnn.serve.worker")  # -P: no modules of this folder


class WorkerPool:
    """Worker processes that answer one request each at a time; an idle one is kept."""

    def __init__(self) -> None:
        self._all: set[Process] = set()
        self._idle: list[Process] = []

    async def ask(
        self,
        request: Mapping[str, Any],
        seconds: float,
        progress: Callable[[float], None] = lambda share: None,
    ) -> Any:
        """Send a request to a worker that is idle or new, and return its answer.

        The worker is killed if the caller is cancelled, or after `seconds` without an answer or
        progress. The time to start the worker does not count, and has a limit of its own.

        Raises:
            InputError: the worker reports an error, or has died; TimeoutError: see above.
        """
        async with self._worker() as worker:
            assert worker.stdin
            worker.stdin.write(json.dumps(request).encode() + b"\n")
            while True:
                async with asyncio.timeout(seconds):
                    message = await _read(worker)
                if "progress" not in message:
                    break
                progress(message["progress"])
        if "error" in message:
            raise InputError(message["error"])
        return message["done"]

    async def close(self) -> None:
        """Kill all workers."""
        await asyncio.gather(*map(self._kill, list(self._all)))

    @asynccontextmanager
    async def _worker(self) -> AsyncIterator[Process]:
        """A worker that is ready, to be used again unless the block raises."""
        worker = await self._ready()
        try:
            yield worker
        except BaseException:
            await self._kill(worker)
            raise
        if self._idle:
            await self._kill(worker)
        else:
            self._idle.append(worker)

    async def _ready(self) -> Process:
        """An idle worker that has not died meanwhile, or a new one; both have said `ready`."""
        while True:
            is_new = not self._idle
            worker = await _start() if is_new else self._idle.pop()
            self._all.add(worker)
            try:
                async with asyncio.timeout(START_SECONDS):
                    await _read(worker)
            except BaseException as error:
                await self._kill(worker)
                if isinstance(error, TimeoutError):
                    raise InputError("no worker process starts; try again later") from None
                if is_new or not isinstance(error, InputError):
                    raise
            else:
                return worker

    async def _kill(self, worker: Process) -> None:
        if worker.returncode is None:
            worker.kill()
        await worker.wait()
        self._all.discard(worker)


async def _start() -> Process:
    paths = os.pathsep.join(str(Path(path).absolute()) for path in sys.path)
    # In a session of its own, as Ctrl-C and the end of the terminal are the server's business.
    return await asyncio.create_subprocess_exec(
        *COMMAND,
        stdin=PIPE,
        stdout=PIPE,
        env=os.environ | {"PYTHONPATH": paths},
        **NEW_SESSION,
    )


async def _read(worker: Process) -> dict[str, Any]:
    """The next message of a worker; InputError if it has died."""
    assert worker.stdout
    line = await worker.stdout.readline()
    if line.endswith(b"\n"):
        return dict(json.loads(line))
    reason = exit_reason(await worker.wait())
    if reason == "SIGKILL":
        raise InputError("its process was killed, probably because memory ran out")
    raise InputError(f"its process crashed ({reason}); the file may be damaged: save it again")
