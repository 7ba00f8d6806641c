"""A cache on disk of decoded images, which processes map into memory and share.

A set of images is one file of pixels, named by a digest of the image files. The file can be deleted
at any time; the next run makes it again.
"""

import hashlib
import mmap
import os
import weakref
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

import numpy as np
from filelock import FileLock

from srcnn.errors import InputError
from srcnn.images.image_io import RGB8, image_size, read_rgb
from srcnn.images.pairs import Pair, PairFiles
from srcnn.utils.files import atomic_write, check_room, sha256_of
from srcnn.utils.system import remove_unless_open
from srcnn.utils.threads import map_threads

_ALIGNMENT = 2**16  # of the images in the file, because a mapping has to start at a memory page


class CachedImages:
    """The images in a file of pixels, each [H, W, 3] uint8 and read-only.

    An image is mapped on access until its array is freed, so that the memory of a process does not
    grow with the number of images. The file's name is a digest of the images.
    """

    def __init__(self, path: Path, sizes: Sequence[tuple[int, int]]):
        self.digest = path.stem
        self._file = path.open("rb")
        weakref.finalize(self, self._file.close)
        self._layout = list(zip(_starts(sizes), sizes, strict=False))

    def __getitem__(self, index: int) -> RGB8:
        start, (width, height) = self._layout[index]
        length = width * height * 3
        # np.memmap takes twice as long, which matters for a patch.
        mapped = mmap.mmap(self._file.fileno(), length, access=mmap.ACCESS_READ, offset=start)
        return np.frombuffer(mapped, np.uint8).reshape(height, width, 3)


class CachedPairs(Sequence[Pair]):
    """Pairs whose decoded pixels are in cache folders; all scales share `hr_folder`.

    Raises:
        InputError: as in `cache_pixels`.
    """

    def __init__(self, files: Sequence[PairFiles], hr_folder: Path, lr_folder: Path):
        self._names = [pair.name for pair in files]
        self._hr = cache_pixels([pair.hr for pair in files], hr_folder)
        self._lr = cache_pixels([pair.lr for pair in files], lr_folder)
        self.digest = f"{self._hr.digest} {self._lr.digest}"

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, index: int) -> Pair:  # type: ignore[override]  # no slices
        return Pair(self._names[index], self._hr[index], self._lr[index])


def cache_pixels(files: Sequence[Path], folder: Path) -> CachedImages:
    """Decode at least one image into `folder`, unless the pixels are there already.

    Pixels of other images in the folder are deleted. If several processes ask at the same time, one
    decodes and the others wait.

    Raises:
        InputError: an image cannot be read, or the disk has too little room.
    """
    state = map_threads(lambda f: (image_size(f), sha256_of(f)), files, f"check {folder.name}")
    sizes = [size for size, _ in state]
    length = _starts(sizes)[-1]
    path = folder / f"{hashlib.sha256(repr(state).encode()).hexdigest()}.pixels"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        for other in folder.glob("*.pixels*"):  # includes files that a killed process left
            if other != path or other.stat().st_size != length:
                remove_unless_open(other)
        if not path.exists():
            _write(path, files, sizes)
        return CachedImages(path, sizes)


def _write(path: Path, files: Sequence[Path], sizes: Sequence[tuple[int, int]]) -> None:
    *starts, end = _starts(sizes)
    purpose = f"the pixels of {len(files)} images"
    check_room(end, path.parent, purpose, "lower data.train_images or data.val_images")
    with atomic_write(path) as temporary, temporary.open("wb") as output:
        output.truncate(end)

        def write(number: int) -> None:
            image = read_rgb(files[number])
            if image.shape[1::-1] != sizes[number]:
                raise InputError(f"{files[number]}: changed while it was read")
            with temporary.open("r+b") as part:
                part.seek(starts[number])
                part.write(image.data)

        map_threads(write, range(len(files)), f"decode {path.parent.name}")
        os.fsync(output.fileno())  # after a power cut, the final name must not point to lost pixels


def _starts(sizes: Sequence[tuple[int, int]]) -> list[int]:
    """Offsets of the images in the file, and the end of the last one."""
    units = (-(-width * height * 3 // _ALIGNMENT) for width, height in sizes)
    return [unit * _ALIGNMENT for unit in accumulate(units, initial=0)]
