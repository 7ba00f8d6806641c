"""Work in other threads: on many images at once, on all cores; and before it is asked for."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")
Result = TypeVar("Result")

_AHEAD = 4  # results that are made before they are asked for


def map_threads(
    function: Callable[[Item], Result], items: Iterable[Item], title: str | None = None
) -> list[Result]:
    """The function's results in the order of `items`; with a title, a progress bar on a terminal.

    In threads: decoding, encoding and matrix products run outside the interpreter's lock.
    """
    items = list(items)
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        results = pool.map(function, items)
        hidden = None if title else True  # None: where there is no terminal
        return list(tqdm(results, title, len(items), unit="image", disable=hidden))


def prefetch(function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """The function's results in the order of `items`, made in one other thread."""
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
