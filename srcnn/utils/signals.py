"""Ends a program by a signal as an exception does, so that temporary files are removed."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from srcnn.utils.system import SIGNALS


@contextmanager
def exit_on_signals() -> Iterator[None]:
    """In the block, turn all SIGNALS but SIGINT into SystemExit with the status 128 + signal.

    After these and after Ctrl-C, further signals are ignored, because the program is ending. A
    signal that is ignored before, as SIGHUP is under nohup, stays ignored.
    """
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number, handler in before.items():
        if handler in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, _exit)
    yield
    # Not after an exception or a signal: a further one must not interrupt the end of the program.
    for number, handler in before.items():
        if signal.getsignal(number) == _exit:
            signal.signal(number, handler)


def _exit(number: int, frame: FrameType | None) -> None:
    for each in SIGNALS:  # `timeout`, for example, sends the signal twice
        signal.signal(each, signal.SIG_IGN)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(128 + number)
