"""Which image of a method belongs to which ground truth: by name, and of the same size."""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from srcnn.errors import InputError
from srcnn.images.image_io import RGB8, crop_to_multiple, image_size, list_images, read_rgb
from srcnn.utils.paths import check_val_size
from srcnn.utils.text import join_names, printable


@dataclass(frozen=True)
class SRFiles:
    """A result and its ground truth.

    Args:
        name: of the ground truth, its path in the folder without the suffix.
        sr: the result's file.
        hr: the ground truth's file.
    """

    name: str
    sr: Path
    hr: Path

    def read(self, scale: int) -> tuple[RGB8, RGB8]:
        """Decode both as [H, W, 3] uint8, the ground truth cropped to the result's size.

        Raises:
            InputError: one is damaged.
        """
        sr, hr = read_rgb(self.sr), read_rgb(self.hr)
        return sr, hr if hr.shape == sr.shape else crop_to_multiple(hr, scale)


def pair_files(sr: Path, hr: Path, scale: int) -> list[SRFiles]:
    """Find the ground truth of every result of a folder, and look at their sizes.

    A result is called as its ground truth, or `{name}_x{scale}`, `{name}x{scale}` or
    `{name}_{method}_x{scale}`, with any suffix; folders in the folders must be the same in both.

    Args:
        sr: folder of the results.
        hr: folder of the ground truth.
        scale: the enlargement.

    Raises:
        InputError: a folder is missing or empty; a file has no partner or two; an image is
            damaged, too small to be scored, or not of its partner's size.
    """
    hr_files = _by_name(hr)
    partners: dict[str, Path] = {}
    strays = []
    for file in _list("--sr", sr):
        name = _partner(_name(file, sr), hr_files, scale)
        if name is None:
            strays.append(file)
        elif name in partners:
            raise InputError(
                f"{_printed(partners[name])} and {_printed(file)}: "
                f"two results for {_printed(hr_files[name])}"
            )
        else:
            partners[name] = file
    if strays:
        raise InputError(
            f"no ground truth in {_printed(hr)} for {_some(strays)}; a result of img.png is called "
            f"img, img_x{scale}, imgx{scale} or img_METHOD_x{scale}"
        )
    if missing := [file for name, file in hr_files.items() if name not in partners]:
        raise InputError(f"no result in {_printed(sr)} for {_some(missing)}")
    pairs = [SRFiles(name, partners[name], file) for name, file in hr_files.items()]
    for pair in pairs:
        _check_size(pair, scale)
    return pairs


def _list(option: str, folder: Path) -> list[Path]:
    try:
        return list_images(folder)
    except InputError as error:
        raise InputError(f"{option}: {error}") from None


def _by_name(hr: Path) -> dict[str, Path]:
    """The ground truth's files by name."""
    files: dict[str, Path] = {}
    for file in _list("--hr", hr):
        twin = files.setdefault(_name(file, hr), file)
        if twin != file:
            raise InputError(f"{_printed(twin)} and {_printed(file)}: two images of one name")
    return files


def _name(file: Path, folder: Path) -> str:
    # Some systems store é as one character and some as two.
    return unicodedata.normalize("NFC", str(file.relative_to(folder).with_suffix("")))


def _partner(name: str, known: Mapping[str, Path], scale: int) -> str | None:
    """The name of a result's ground truth: the whole of it, or else the longest that fits."""
    if name in known:
        return name
    for ending in (f"_x{scale}", f"x{scale}"):
        if name.endswith(ending) and (start := name.removesuffix(ending)) in known:
            return start
    start, stem = name.removesuffix(f"_x{scale}"), name.rfind("/") + 1
    while start != name and "_" in start[stem:]:
        start = start.rpartition("_")[0]
        if start in known:
            return start
    return None


def _check_size(pair: SRFiles, scale: int) -> None:
    (width, height), (hr_width, hr_height) = image_size(pair.sr), image_size(pair.hr)
    cropped = hr_width - hr_width % scale, hr_height - hr_height % scale
    if (width, height) not in ((hr_width, hr_height), cropped):
        raise InputError(
            f"{_printed(pair.sr)}: {width}×{height} pixels, but {_printed(pair.hr)} has "
            f"{hr_width}×{hr_height}; a result has as many, or those left after cropping to a "
            f"multiple of {scale} at the bottom and right ({cropped[0]}×{cropped[1]})"
        )
    check_val_size(_printed(pair.sr), (width, height), scale)


def _printed(path: Path) -> str:
    return printable(str(path))


def _some(files: Iterable[Path]) -> str:
    return join_names([_printed(file) for file in files])
