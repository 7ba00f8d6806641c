"""Finds the photographs: in installed packages, in a folder, or in the archives of a manifest."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import Any, Literal

from srcnn.data.archives import Images
from srcnn.errors import InputError
from srcnn.images.image_folders import list_files, list_images
from srcnn.images.image_io import image_size
from srcnn.images.kinds import IMAGE_SUFFIXES
from srcnn.utils.files import packaged_file
from srcnn.utils.paths import SELECT, SPLITS
from srcnn.utils.yaml_files import read_yaml


@dataclass(frozen=True)
class Photo:
    """An original photograph."""

    path: Path  # its file, or the archive that holds it
    name: str  # in the folder or archive
    split: str  # train, val or select
    images: Images | None = None  # of the archive, if it is in one

    @property
    def where(self) -> str:
        """The file, for messages."""
        return f"{self.path}: {self.name}" if self.images else str(self.path)

    @property
    def size(self) -> int:
        """Bytes of the image file."""
        return self.images.entries[self.name].file_size if self.images else self.path.stat().st_size

    def read(self) -> bytes:
        """The content of the image file; InputError if it cannot be read."""
        if self.images:
            return self.images.read(self.name)
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise InputError(f"{self.path}: cannot be read ({error.strerror})") from None


def sample_photos(manifest: Path) -> list[Photo]:
    """The photographs in packages that a manifest lists; InputError if one is missing or other."""
    entries: list[dict[str, Any]] = read_yaml(manifest)["images"]
    splits = [entry.pop("split") for entry in entries]
    files = [packaged_file(**entry) for entry in entries]
    return [Photo(file, file.name, split) for file, split in zip(files, splits, strict=True)]


def folder_photos(root: Path) -> list[Photo]:
    """The photographs in `root/train` and `root/val`; InputError if none, or not named in UTF-8."""
    try:
        return [
            Photo(path, _name(path, root / split), split)
            for split in SPLITS
            for path in list_images(root / split)
        ]
    except InputError as error:
        raise InputError(f"data.root: {error}") from None


def _name(path: Path, folder: Path) -> str:
    name = path.relative_to(folder).as_posix()
    try:
        name.encode()
    except UnicodeEncodeError:
        raise InputError(f"{str(path)!a}: the name is not UTF-8; rename the file") from None
    return name


def other_files(root: Path) -> list[str]:
    """Names of the files in `root/train` and `root/val` that are not images."""
    return [
        f"{split}/{path.relative_to(root / split).as_posix()}"
        for split in SPLITS
        for path in list_files(root / split)
        if path.suffix.lower() not in IMAGE_SUFFIXES
    ]


def archive_photos(archives: Iterable[Images]) -> list[Photo]:
    """The photographs in archives, train before val."""
    return [
        Photo(images.path, name, split, images)
        for split in SPLITS
        for images in archives
        if images.archive.split == split
        for name in images.entries
    ]


def select(
    photos: Sequence[Photo],
    same_size: tuple[int, int] | Literal["most_common"] | None = None,
    most: dict[str, int | None] | None = None,
    aside: int = 0,
) -> list[Photo]:
    """Keep the photographs of one upright size, and of these the first `most` ones of each split.

    The size `most_common` is the most frequent one in train. Before that, `aside` photographs,
    evenly spread over those of train, move to the split `select`.

    Raises:
        InputError: an image cannot be read, or no image of a split is left.
    """
    sizes = {p: image_size(p.read(), p.where) for p in photos} if same_size else {}
    if same_size == "most_common":
        counts = Counter(sizes[photo] for photo in photos if photo.split == "train")
        same_size, _ = max(counts.items(), key=lambda item: item[::-1])
    chosen = []
    for split in SPLITS:
        of_split = [photo for photo in photos if photo.split == split]
        kept = [photo for photo in of_split if not sizes or sizes[photo] == same_size]
        if same_size and not kept:
            counts = Counter(sizes[photo] for photo in of_split)
            (common, count), *_ = counts.most_common(1)
            wanted, most_common = ("×".join(map(str, size)) for size in (same_size, common))
            problem = f"no {split} image has {wanted} pixels"
            usual = f"the most common size is {most_common}, {count} of {counts.total()}"
            raise InputError(f"data.same_size: {problem}; {usual}")
        if same_size:
            width, height = same_size
            counted = f"{len(kept)} of {len(of_split)} {split} images"
            print(f"data.same_size: {counted} have {width}×{height} pixels")
        kept = _set_aside(kept, aside) if split == "train" and aside else kept
        left = (most or {}).get(split) or len(kept)
        numbers = accumulate(photo.split == split for photo in kept)
        chosen += [p for p, i in zip(kept, numbers, strict=True) if i <= left or p.split != split]
    return chosen


def _set_aside(photos: Sequence[Photo], count: int) -> list[Photo]:
    """The photographs, with `count` evenly spread ones in the split `select`."""
    check_aside(count, len(photos))
    aside = {(2 * i + 1) * len(photos) // (2 * count) for i in range(count)}
    return [replace(p, split=SELECT) if i in aside else p for i, p in enumerate(photos)]


def check_aside(count: int, images: int) -> None:
    """Raise InputError if no training image would be left with `count` of them set aside."""
    if count >= images:
        raise InputError(
            f"data.select: cannot set aside {count} of {images} training images; lower it"
        )
