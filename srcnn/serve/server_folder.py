"""The temporary folder of `srcnn serve`."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock

PREFIX = "srcnn-serve-"
LOCK = "lock"


@contextmanager
def server_folder() -> Iterator[Path]:
    """A temporary folder for the files of one server; it is removed at the end.

    Folders that killed servers have left are removed first. A living server holds a lock in its
    folder, and the operating system releases it when the server ends in any way.
    """
    _remove_abandoned(Path(tempfile.gettempdir()))
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    lock = FileLock(folder / f"{LOCK}.new")
    lock.acquire()
    (folder / f"{LOCK}.new").rename(folder / LOCK)  # other servers see it locked or not at all
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()


def _remove_abandoned(parent: Path) -> None:
    """Remove this user's folders whose lock nobody holds."""
    for folder in parent.glob(f"{PREFIX}*"):
        with suppress(OSError):  # in use (`filelock.Timeout`), or removed by another server
            is_own = folder.lstat().st_uid == os.getuid() and not folder.is_symlink()
            if is_own and (folder / LOCK).is_file():
                with FileLock(folder / LOCK, timeout=0):
                    shutil.rmtree(folder, ignore_errors=True)
