"""The differences between Linux, macOS and Windows: files, signals, processes, the terminal.

Other modules contain no code for one system, except `machine.py` (processor and memory). The code
checks for a missing name rather than for Windows, so that tests can remove the name. `srcnn
upscale` runs without psutil and filelock, so functions that need them import them themselves.
"""

import ctypes
import io
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

SIGNALS: tuple[signal.Signals, ...] = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
    if hasattr(signal, name)
)
"""The signals that end a program. Windows has SIGBREAK, also sent when a terminal is closed."""

NEW_SESSION: dict[str, Any] = (
    {"start_new_session": True}
    if hasattr(os, "killpg")
    else {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
)
"""Options of Popen: Ctrl-C, and on POSIX the end of the terminal, do not reach the process."""


@contextmanager
def block_signals() -> Iterator[None]:
    """Delay the signals that end the program until the block ends."""
    held: list[int] = []
    if hasattr(signal, "pthread_sigmask"):
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return
    handlers = {number: signal.signal(number, lambda n, _: held.append(n)) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for each in dict.fromkeys(held):
            signal.raise_signal(each)


def exit_reason(status: int) -> str:
    """Why a process ended: the name of a signal or, always on Windows, the exit status."""
    return signal.Signals(-status).name if status < 0 else f"exit status {status}"


def stop_family(process: "subprocess.Popen[Any]", seconds: float) -> None:
    """Interrupt a process of a NEW_SESSION and its children; kill what is left after `seconds`.

    On Windows, children whose parent had ended before are not found.
    """
    if hasattr(os, "killpg"):
        for number, patience in ((signal.SIGINT, seconds), (signal.SIGKILL, None)):
            with suppress(ProcessLookupError, PermissionError):  # the id may be in use again
                os.killpg(process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(patience)
        return
    import psutil

    family: list[Any] = []
    with suppress(psutil.NoSuchProcess):
        leader = psutil.Process(process.pid)
        family = [leader, *leader.children(recursive=True)]
    if process.poll() is None:
        process.send_signal(getattr(signal, "CTRL_BREAK_EVENT", signal.SIGINT))  # to the group
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
    for member in family:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    process.wait()


def can_open_browser() -> bool:
    """Whether there is a desktop to open a page on."""
    on_desktop = sys.platform in ("darwin", "win32")
    return on_desktop or bool(os.environ.keys() & {"DISPLAY", "WAYLAND_DISPLAY", "BROWSER"})


def silence_libtiff(library: str) -> None:
    """Stop libtiff from printing its own messages; not on Windows, where it cannot be reached."""
    if sys.platform == "win32":  # Pillow's library contains libtiff without its names
        return
    loaded = ctypes.CDLL(library)
    for name in ("TIFFSetErrorHandler", "TIFFSetWarningHandler"):
        if hasattr(loaded, name):  # Pillow may also be linked statically
            getattr(loaded, name)(None)


class LockedFile:
    """A new, empty file that is locked until `unlock` or the end of the process, however that ends.

    Windows neither renames nor removes an open file, so there the file is locked by being open. A
    file system without locks has no locked files, so nothing is removed there either.
    """

    def __init__(self, make_path: Callable[[], Path]):
        """Create the file that `make_path` names; try again if another process removes it."""
        while True:
            self.path = make_path()
            self._file: int | None = os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
            if fcntl is not None:
                with suppress(OSError):
                    fcntl.flock(self._file, fcntl.LOCK_EX)
            if self.path.exists():  # not removed by another process before it was locked
                return
            self.unlock()

    def rename(self, target: Path) -> None:
        """Replace `target` by the file, which stays locked; on Windows it is unlocked before."""
        if fcntl is None:
            self.unlock()
        self.path.replace(target)

    def remove(self) -> None:
        """Remove the file, unless it was renamed, and unlock it."""
        if fcntl is None:
            self.unlock()
        self.path.unlink(missing_ok=True)
        self.unlock()

    def unlock(self) -> None:
        """Unlock the file."""
        if self._file is not None:
            os.close(self._file)
        self._file = None


def remove_unlocked(file: Path) -> None:
    """Remove a `LockedFile` of another process; OSError if it is locked."""
    if fcntl is None:
        file.unlink()
        return
    descriptor = os.open(file, os.O_RDWR | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.unlink()
    finally:
        os.close(descriptor)


@contextmanager
def lock_for_children(file: Path) -> Iterator[dict[str, Any]]:
    """Lock a file for this process and those that it starts with the yielded options of Popen.

    On Windows, the lock ends with this process.

    Raises:
        BlockingIOError: it is locked.
    """
    if fcntl is None:
        from filelock import FileLock, Timeout

        try:
            lock = FileLock(file).acquire(timeout=0)
        except Timeout:
            raise BlockingIOError(str(file)) from None
        with lock:
            yield {}
        return
    with file.open("wb") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield {"pass_fds": [opened.fileno()]}


def remove_unless_open(file: Path) -> None:
    """Remove a file; on Windows, keep it if a process has it open."""
    try:
        file.unlink()
    except PermissionError:
        if sys.platform != "win32":
            raise


def remove_folder(folder: Path) -> None:
    """Remove a folder, even with read-only files, such as git's, which Windows would keep."""
    if sys.platform == "win32":
        for file in folder.rglob("*"):
            file.chmod(0o666)
    shutil.rmtree(folder)


def is_own(folder: Path) -> bool:
    """Whether `folder` is a folder of this user, and not a link.

    On Windows the owner is not checked; its folder for temporary files is the user's own.
    """
    status = folder.lstat()
    return stat.S_ISDIR(status.st_mode) and (
        not hasattr(os, "getuid") or status.st_uid == os.getuid()
    )


def escape_output() -> None:
    """Make `print` escape characters that the output's encoding lacks, as Windows's often does."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
