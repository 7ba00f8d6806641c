"""Resumes folders of images: an image that an earlier run has made is not made again.

This helps after a kill and when photographs are added. DVC empties the folder of a stage before
the stage runs, so the images are kept beside it, as hard links.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from srcnn.utils.files import code_digest, name_errors, sha256_of, write_text

Note = dict[str, Any]

# The code that makes images; after a change in it all images are made again.
ROOMS = ("errors.py", "utils", "images", "data")


class ResumableFolder:
    """A folder of PNG images that is written completely or not at all.

    Each image is kept in `store` under a digest of everything it is made from, this code included,
    with a note of its sha256. It is used again only if both are unchanged.
    """

    def __init__(self, folder: Path, store: Path):
        self.folder, self.store = folder, store
        self.complete = False

    def make(self, made_from: object, write: Callable[[Path], Note]) -> tuple[Path, Note]:
        """Return an image and its note; write it if it is not kept already.

        The image depends on nothing but `made_from`, whose `repr` is compared. `write` returns a
        note of JSON types, to which `sha256` is added.
        """
        digest = hashlib.sha256(repr((code_digest(*ROOMS), made_from)).encode()).hexdigest()
        file = self.store / f"{digest[:32]}.png"
        note_file = file.with_suffix(".json")  # written last
        with name_errors(note_file):
            is_kept = note_file.is_file() and file.is_file()
            text = note_file.read_text(encoding="utf-8") if is_kept else ""
        # A power cut can damage a note.
        with suppress(KeyError, RecursionError, TypeError, ValueError):
            note: Note = json.loads(text)
            if sha256_of(file) == note["sha256"]:
                return file, note
        note = json.loads(json.dumps(write(file))) | {"sha256": sha256_of(file)}
        write_text(json.dumps(note), note_file)
        return file, note

    def replace(self, images: Mapping[str, Path], index: Path | None = None) -> None:
        """Replace the folder by one with these images and this index; forget all other images."""
        whole = self.store / "whole"
        shutil.rmtree(whole, ignore_errors=True)
        for name, file in images.items():
            (whole / name).parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(file, whole / name)
            except OSError:  # the file system has no hard links
                shutil.copyfile(file, whole / name)
        if index is not None:
            index.rename(whole / index.name)
        shutil.rmtree(self.folder, ignore_errors=True)
        whole.rename(self.folder)
        self.complete = True
        used = {file.stem for file in images.values()}
        for file in self.store.iterdir():
            if file.stem not in used:
                file.unlink()


@contextmanager
def resume(folder: Path) -> Iterator[ResumableFolder]:
    """Open a folder for one process at a time; its images are kept beside it, in `.finished`."""
    store = folder.parent / ".finished" / folder.name
    store.mkdir(parents=True, exist_ok=True)
    lock = FileLock(store.with_name(f"{store.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f"waiting for another process that writes {folder}", flush=True)
        lock.acquire()
    work = ResumableFolder(folder, store)
    try:
        yield work
    finally:
        lock.release()
        if not work.complete and any(store.glob("*.json")):
            print(f"the images of {folder} made so far are kept; run the same command to continue")
