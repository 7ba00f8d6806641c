"""The temporary folder of `srcnn serve`."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from srcnn.utils.system import LockedFile, is_own, remove_unlocked

PREFIX = "srcnn-serve-"
LOCK = "lock"


@contextmanager
def server_folder() -> Iterator[Path]:
    """A temporary folder for the files of one server; it is removed at the end.

    Folders that killed servers have left are removed first. A living server holds a lock in its
    folder, and the operating system releases it when the server ends in any way.
    """
    _remove_abandoned(Path(tempfile.gettempdir()))
    lock = LockedFile(lambda: Path(tempfile.mkdtemp(prefix=PREFIX), LOCK))
    folder = lock.path.parent
    try:
        yield folder
    finally:
        lock.unlock()  # before, because Windows does not remove an open file
        shutil.rmtree(folder, ignore_errors=True)


def _remove_abandoned(parent: Path) -> None:
    """Remove this user's folders whose lock nobody holds."""
    for folder in parent.glob(f"{PREFIX}*"):
        with suppress(OSError):  # in use, or removed by another server
            if is_own(folder):
                remove_unlocked(folder / LOCK)
                shutil.rmtree(folder, ignore_errors=True)
