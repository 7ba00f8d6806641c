"""Finds the ground truth of each result for `srcnn score`, by file name, and checks their sizes."""

import unicodedata
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path

from srcnn.errors import InputError
from srcnn.images.image_io import (
    RGB8,
    crop_to_multiple,
    image_size,
    list_images,
    read_photo,
    read_rgb,
)
from srcnn.utils.paths import check_val_size
from srcnn.utils.text import join_names, printable


@dataclass(frozen=True)
class ScorePair:
    """The files of a result and its ground truth."""

    name: str  # path of the ground truth inside its folder, without the suffix
    sr: Path
    hr: Path

    def read(self, scale: int) -> tuple[RGB8, RGB8, bool]:
        """Decode both to [H, W, 3] uint8, with the ground truth cropped to the result's size.

        Also tells whether the ground truth is stored as grey.

        Raises:
            InputError: a file is damaged.
        """
        sr, truth = read_rgb(self.sr), read_photo(self.hr)
        hr = truth.pixels
        hr = hr if hr.shape == sr.shape else crop_to_multiple(hr, scale)
        return sr, hr, truth.is_grey


def find_pairs(sr: Path, hr: Path, scale: int) -> list[ScorePair]:
    """Find the ground truth in the folder `hr` of every result in the folder `sr`.

    A result has the name of its ground truth, or `{name}_x{scale}`, `{name}x{scale}` or
    `{name}_{method}_x{scale}`, with any suffix. Subfolders must be the same in both folders.

    Raises:
        InputError: a folder is missing or empty; a file has no partner or two partners; an image
            is damaged, too small to be scored, or differs from its partner in size.
    """
    hr_files: dict[str, Path] = {}
    for file in _list("--hr", hr):
        other = hr_files.setdefault(_name(file, hr), file)
        if other != file:
            raise InputError(f"{_names(other)} and {_names(file)}: two images with the same name")
    sr_files: dict[str, Path] = {}
    unmatched = []
    for file in _list("--sr", sr):
        name = _match(_name(file, sr), hr_files, scale)
        if name is None:
            unmatched.append(file)
        elif name in sr_files:
            both = f"{_names(sr_files[name])} and {_names(file)}"
            raise InputError(f"{both}: two results for {_names(hr_files[name])}")
        else:
            sr_files[name] = file
    if unmatched:
        raise InputError(
            f"no ground truth in {_names(hr)} for {_names(*unmatched)}; the result for img.png is "
            f"named img, img_x{scale}, imgx{scale} or img_METHOD_x{scale}"
        )
    if missing := [file for name, file in hr_files.items() if name not in sr_files]:
        raise InputError(f"no result in {_names(sr)} for {_names(*missing)}")
    pairs = [ScorePair(name, sr_files[name], file) for name, file in hr_files.items()]
    for pair in pairs:
        _check_size(pair, scale)
    return pairs


def _list(option: str, folder: Path) -> list[Path]:
    try:
        return list_images(folder)
    except InputError as error:
        raise InputError(f"{option}: {error}") from None


def _name(file: Path, folder: Path) -> str:
    # NFC, because file systems store é as one or as two characters.
    return unicodedata.normalize("NFC", str(file.relative_to(folder).with_suffix("")))


def _match(name: str, hr_names: Container[str], scale: int) -> str | None:
    """The ground truth's name for a result's: the whole name, or else the longest match."""
    if name in hr_names:
        return name
    for ending in (f"_x{scale}", f"x{scale}"):
        if name.endswith(ending) and (start := name.removesuffix(ending)) in hr_names:
            return start
    start, stem = name.removesuffix(f"_x{scale}"), name.rfind("/") + 1
    while start != name and "_" in start[stem:]:
        start = start.rpartition("_")[0]
        if start in hr_names:
            return start
    return None


def _check_size(pair: ScorePair, scale: int) -> None:
    size, (hr_width, hr_height) = image_size(pair.sr), image_size(pair.hr)
    cropped = hr_width - hr_width % scale, hr_height - hr_height % scale
    if size not in ((hr_width, hr_height), cropped):
        raise InputError(
            f"{_names(pair.sr)}: {size[0]}×{size[1]} pixels, but {_names(pair.hr)} has "
            f"{hr_width}×{hr_height}; a result needs the same size, or {cropped[0]}×{cropped[1]} "
            f"(cropped at the bottom and right to a multiple of {scale})"
        )
    check_val_size(_names(pair.sr), size, scale)


def _names(*files: Path) -> str:
    return join_names([printable(str(file)) for file in files])
