"""Works on several files at the same time, within a limit on memory."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import TypeVar

from srcnn.utils.machine import cpu_count

MEMORY = 2**29  # bytes for all files at the same time; a file that needs more is alone

Result = TypeVar("Result")
Work = Callable[[Event], Result]


def run_in_order(
    works: Iterable[tuple[int, Work[Result]]],
) -> Generator["Future[Result]", None, None]:
    """Run functions in as many threads as there are cores; yield their futures in order.

    Each function comes with the bytes of memory that it needs. It is taken from `works` and
    started while the caller waits for an earlier future. When this generator is closed, functions
    that have not started are cancelled, and the event that the others were called with is set.
    Closing waits for their end.
    """
    running: deque[tuple[int, Future[Result]]] = deque()
    threads, stopped = cpu_count(), Event()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for memory, work in works:
                while running and (
                    len(running) == 2 * threads or memory + sum(m for m, _ in running) > MEMORY
                ):
                    yield running.popleft()[1]
                running.append((memory, pool.submit(work, stopped)))
            while running:
                yield running.popleft()[1]
        finally:
            stopped.set()
            pool.shutdown(cancel_futures=True)
