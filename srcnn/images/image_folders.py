"""Finds files in folders: follows links to folders, and visits each folder once."""

import os
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from glob import has_magic
from heapq import heappop, heappush
from pathlib import Path

from srcnn.errors import InputError
from srcnn.images.kinds import IMAGE_NAMES, IMAGE_SUFFIXES

Found = tuple[list[Path], list[InputError]]
"""Files sorted by path, and an error for each folder that cannot be read."""


def list_images(folder: Path) -> list[Path]:
    """The images of `find_images`; InputError if there are none, or a folder cannot be read."""
    return _without_errors(find_images(folder))


def list_files(folder: Path) -> list[Path]:
    """The files of `find_files`; InputError if a folder is missing or cannot be read."""
    return _without_errors(find_files(folder))


def find_images(folder: Path, suffixes: Sequence[str] = IMAGE_SUFFIXES) -> Found:
    """The files of `find_files` with an image's suffix; InputError if the folder has none."""
    files, errors = find_files(folder)
    images = [file for file in files if file.suffix.lower() in suffixes]
    if not images and not errors:
        raise InputError(f"{folder}: no images (looked for {IMAGE_NAMES})")
    return images, errors


def find_files(folder: Path) -> Found:
    """All files in `folder` and its subfolders except hidden ones.

    A folder that several links lead to is listed once: by its path in `folder` if it is there,
    otherwise by the first link. A link to a folder that contains the link is not followed.

    Raises:
        InputError: the folder is missing.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    return _walk(folder, lambda _: True)


def find_matches(pattern: str) -> Found:
    """The files that match a pattern such as `photos/**/*.png`; folders as in `find_files`."""
    parts = Path(pattern).parts
    first = next((i for i, part in enumerate(parts) if has_magic(part)), len(parts))
    root, wanted = Path(*parts[:first]), parts[first:]
    if not root.is_dir():
        return [], []

    def enter(folder: Path) -> bool:
        return _matches(folder.relative_to(root).parts, wanted, as_folder=True)

    files, errors = _walk(root, enter)
    return [file for file in files if _matches(file.relative_to(root).parts, wanted)], errors


def _without_errors(found: Found) -> list[Path]:
    files, errors = found
    if errors:
        raise errors[0]
    return files


def _walk(root: Path, enter: Callable[[Path], bool]) -> Found:
    """The files in `root` and in the subfolders that `enter` accepts."""
    files, errors = list[Path](), list[InputError]()
    folders, links, visited = [root], list[Path](), set[tuple[int, int]]()
    while folders or links:  # links last, so that a folder gets its own path
        folder = folders.pop() if folders else heappop(links)
        try:
            status = folder.stat()
            if (status.st_dev, status.st_ino) in visited:
                continue
            visited.add((status.st_dev, status.st_ino))
            with os.scandir(folder) as listed:
                entries = [entry for entry in listed if not entry.name.startswith(".")]
        except OSError as error:
            errors.append(_unreadable(folder, error))
            continue
        for entry in entries:
            path = folder / entry.name
            try:
                is_folder = entry.is_dir()
            except OSError as error:
                errors.append(_unreadable(path, error))
                continue
            if not is_folder:
                files.append(path)
            elif not enter(path):
                continue
            elif not entry.is_symlink():
                folders.append(path)
            elif not folder.resolve().is_relative_to(path.resolve()):
                heappush(links, path)
    return sorted(files), sorted(errors, key=str)


def _unreadable(path: Path, error: OSError) -> InputError:
    return InputError(f"{path}: cannot be read ({error.strerror})")


def _matches(parts: Sequence[str], patterns: Sequence[str], *, as_folder: bool = False) -> bool:
    """Whether a path matches a pattern; as a folder, whether a path in it may match."""
    if not parts:
        return bool(patterns) if as_folder else all(pattern == "**" for pattern in patterns)
    if not patterns:
        return False
    if patterns[0] == "**":
        return as_folder or any(_matches(parts[i:], patterns[1:]) for i in range(len(parts) + 1))
    matches = fnmatchcase(parts[0], patterns[0])
    return matches and _matches(parts[1:], patterns[1:], as_folder=as_folder)
