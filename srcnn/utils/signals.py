"""Ends a program by SIGTERM or SIGHUP as an exception does, so that temporary files are removed."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def exit_on_signals() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP in the block into SystemExit with the status 128 + signal.

    A signal that is ignored, as SIGHUP is under nohup, stays ignored.
    """
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number, handler in before.items():
        if handler == signal.SIG_DFL:
            signal.signal(number, _exit)
    yield
    # Not after an exception: a further signal must not interrupt the removal of temporary files.
    for number, handler in before.items():
        signal.signal(number, handler)


def _exit(number: int, frame: FrameType | None) -> None:
    for each in SIGNALS:  # `timeout`, for example, sends the signal twice
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)
