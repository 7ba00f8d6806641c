"""What is finished of a folder of images, image by image, so that no run does it again.

A run that is killed leaves images; a run after a photograph was added needs all but one again. DVC
empties a stage's folder before the stage runs, so they are kept beside it, as hard links.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from srcnn.utils.files import atomic_write, code_digest, sha256_of

Note = dict[str, Any]

ROOMS = ("errors.py", "utils", "images", "data")
"""The code that makes images; a change in it makes them again."""


class Finished:
    """The finished files of a folder.

    A file is kept under a digest of all that it is made from, this code included, with a note of
    its sha256; it is taken again only for the very same work, and only if it is unchanged.

    Args:
        folder: that is to be made.
        store: keeps the files.
    """

    def __init__(self, folder: Path, store: Path):
        self.folder, self.store = folder, store
        self.complete = False

    @property
    def size(self) -> int:
        """Bytes of the files that are finished."""
        return sum(file.stat().st_size for file in self.store.glob("*.png"))

    def make(self, made_from: object, write: Callable[[Path], Note]) -> tuple[Path, Note]:
        """The PNG file that is made from all this, written now if it is not finished.

        Args:
            made_from: whatever the content depends on; its `repr` counts.
            write: writes the file and returns what is to be noted of it, JSON's types.

        Returns:
            the file and its note, with `sha256` added.
        """
        digest = hashlib.sha256(repr((code_digest(*ROOMS), made_from)).encode()).hexdigest()
        file = self.store / f"{digest[:32]}.png"
        about = file.with_suffix(".json")  # written last
        # A power cut can leave a note empty.
        if about.is_file() and file.is_file() and (text := about.read_text()):
            note: Note = json.loads(text)
            if sha256_of(file) == note["sha256"]:
                return file, note
        note = json.loads(json.dumps(write(file))) | {"sha256": sha256_of(file)}
        with atomic_write(about) as temporary:
            temporary.write_text(json.dumps(note))
        return file, note

    def put_in_place(
        self, files: Mapping[str, Path], texts: Mapping[str, Path] | None = None
    ) -> None:
        """Put the folder in its place.

        Args:
            files: what `make` gave, by name in the folder; the store forgets all others.
            texts: further files by name, which are moved there.
        """
        whole = self.store / "whole"
        shutil.rmtree(whole, ignore_errors=True)
        for name, file in files.items():
            (whole / name).parent.mkdir(parents=True, exist_ok=True)
            _link(file, whole / name)
        for name, file in (texts or {}).items():
            file.rename(whole / name)
        shutil.rmtree(self.folder, ignore_errors=True)
        whole.rename(self.folder)
        self.complete = True
        used = {file.stem for file in files.values()}
        for file in self.store.iterdir():
            if file.stem not in used:
                file.unlink()


@contextmanager
def finished(folder: Path) -> Iterator[Finished]:
    """What is finished of `folder`, for one process at a time; kept beside it, in `.finished`."""
    store = folder.parent / ".finished" / folder.name
    store.mkdir(parents=True, exist_ok=True)
    lock = FileLock(store.with_name(f"{store.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f"another process is making {folder}: waiting for it", flush=True)
        lock.acquire()
    work = Finished(folder, store)
    try:
        yield work
    finally:
        lock.release()
        if not work.complete and any(store.glob("*.json")):
            print(f"what is finished of {folder} is kept: the same command goes on from there")


def _link(file: Path, name: Path) -> None:
    """Give a file a second name, or a copy where the file system has no hard links."""
    try:
        os.link(file, name)
    except OSError:
        shutil.copyfile(file, name)
