"""Work on many images at once, on all cores that this process may use."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")
Result = TypeVar("Result")


def on_all_cores(
    function: Callable[[Item], Result], items: Iterable[Item], title: str
) -> list[Result]:
    """The function's results in the order of `items`, with a progress bar on a terminal.

    In threads: decoding, encoding and matrix products run outside the interpreter's lock.
    """
    items = list(items)
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        results = pool.map(function, items)
        return list(tqdm(results, title, len(items), unit="image", disable=None))
