"""Runs functions in threads: on all cores at once, or ahead of time."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from tqdm import tqdm

from srcnn.utils.machine import cpu_count

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD = 4  # results computed before they are needed


def map_threads(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    title: str | None = None,
    unit: str = "image",
) -> list[Result]:
    """Apply a function to all items on all cores; with a title, show a progress bar."""
    items = list(items)
    # Threads suffice, because decoding, encoding and matrix products release the GIL.
    with ThreadPoolExecutor(cpu_count()) as pool:
        results = pool.map(function, items)
        hidden = None if title else True  # None hides the bar if there is no terminal
        return list(tqdm(results, title, len(items), unit=unit, disable=hidden))


def prefetch(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Yield the results in the order of `items`, computed ahead in one other thread."""
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(1) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
