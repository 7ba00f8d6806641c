"""Image files decoded once into one file of pixels, which processes map and share.

The file is named by a digest of the image files, so that it is never taken for other images. It
can be deleted at any time: who needs it next makes it again.
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
from srcnn.utils.threads import map_threads

_STEP = 2**16
"""Images start at multiples of it, as systems map a file from the start of a page alone."""


class DecodedImages:
    """The images in a file of pixels, each [H, W, 3] uint8 and read-only.

    An image is mapped when it is asked for, until its array is gone: what a process holds of them
    does not grow with their number.

    Args:
        path: the file, named by a digest of the images.
        sizes: width and height of each image.
    """

    def __init__(self, path: Path, sizes: Sequence[tuple[int, int]]):
        self.digest = path.stem
        self._file = path.open("rb")
        weakref.finalize(self, self._file.close)
        self._places = list(zip(_starts(sizes), sizes, strict=False))

    def __getitem__(self, index: int) -> RGB8:
        start, (width, height) = self._places[index]
        length = width * height * 3
        # np.memmap does the same in twice the time, which counts at a patch.
        mapped = mmap.mmap(self._file.fileno(), length, access=mmap.ACCESS_READ, offset=start)
        return np.frombuffer(mapped, np.uint8).reshape(height, width, 3)


class DecodedPairs(Sequence[Pair]):
    """Pairs whose pixels lie decoded on disk.

    Args:
        files: at least one pair.
        hr_folder: for the HR images of this set alone, at whatever scale.
        lr_folder: for its LR images alone.

    Raises:
        InputError: as `decode`.
    """

    def __init__(self, files: Sequence[PairFiles], hr_folder: Path, lr_folder: Path):
        self._names = [pair.name for pair in files]
        self._hr = decode([pair.hr for pair in files], hr_folder)
        self._lr = decode([pair.lr for pair in files], lr_folder)
        self.digest = f"{self._hr.digest} {self._lr.digest}"

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, index: int) -> Pair:  # type: ignore[override]  # no slices
        return Pair(self._names[index], self._hr[index], self._lr[index])


def decode(files: Sequence[Path], folder: Path) -> DecodedImages:
    """The pixels of image files, decoded into `folder` unless they are there already.

    Processes that ask at the same time wait for the one that decodes.

    Args:
        files: at least one image file.
        folder: for this set alone: pixels of other images in it are deleted.

    Raises:
        InputError: an image cannot be read, or the disk has too little room.
    """
    seen = map_threads(lambda f: (image_size(f), sha256_of(f)), files, f"look at {folder.name}")
    sizes = [size for size, _ in seen]
    length = _starts(sizes)[-1]
    path = folder / f"{hashlib.sha256(repr(seen).encode()).hexdigest()}.pixels"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        for other in folder.glob("*.pixels*"):  # those that a kill left unfinished among them
            if other != path or other.stat().st_size != length:
                other.unlink()
        if not path.exists():
            _write(path, files, sizes)
        return DecodedImages(path, sizes)


def _write(path: Path, files: Sequence[Path], sizes: Sequence[tuple[int, int]]) -> None:
    *starts, end = _starts(sizes)
    purpose = f"the pixels of {len(files)} images"
    check_room(end, path.parent, purpose, "lower data.train_images or data.val_images")
    with atomic_write(path) as temporary, temporary.open("wb") as output:
        output.truncate(end)

        def write(number: int) -> None:
            image, _ = read_rgb(files[number])
            if image.shape[1::-1] != sizes[number]:
                raise InputError(f"{files[number]}: changed while it was read")
            with temporary.open("r+b") as part:
                part.seek(starts[number])
                part.write(image.data)

        map_threads(write, range(len(files)), f"decode {path.parent.name}")
        os.fsync(output.fileno())  # a name that outlives a power cut vouches for the pixels


def _starts(sizes: Sequence[tuple[int, int]]) -> list[int]:
    """Where in the file each image starts, and where the last one ends."""
    lengths = (width * height * 3 for width, height in sizes)
    return list(accumulate((-(-length // _STEP) * _STEP for length in lengths), initial=0))
