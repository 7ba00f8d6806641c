"""Finds the ground truth of each result for `srcnn score`, by file name, and checks their sizes."""

import unicodedata
from dataclasses import dataclass
from pathlib import Path

from srcnn.cli.result_names import Template, match_names, match_template
from srcnn.errors import InputError
from srcnn.images.image_folders import list_images
from srcnn.images.image_io import RGB8, crop_to_multiple, image_size, read_photo, read_rgb
from srcnn.utils.paths import check_val_size
from srcnn.utils.text import printable


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


def find_pairs(sr: Path, hr: Path, scale: int, name: str | None = None) -> list[ScorePair]:
    """Find the ground truth in the folder `hr` of every result in the folder `sr`.

    `name` is a template for the names of results, such as `{hr}_SwinIR`; without it they are
    matched as in `match_names`. Subfolders must be the same in both folders.

    Raises:
        InputError: the template is malformed; a folder is missing or empty; a file has no partner
            or two partners; an image is damaged, too small to be scored, or differs from its
            partner in size.
    """
    template = None if name is None else Template.parse(name, scale)
    truths, results = _files("--hr", hr), _files("--sr", sr)
    if template is None:
        matches = match_names(results, truths, scale)
    else:
        matches = match_template(results, truths, template)
    pairs = [ScorePair(truth, results[result], truths[truth]) for truth, result in matches.items()]
    for pair in pairs:
        _check_size(pair, scale)
    return pairs


def _files(option: str, folder: Path) -> dict[str, Path]:
    files: dict[str, Path] = {}
    try:
        listed = list_images(folder)
    except InputError as error:
        raise InputError(f"{option}: {error}") from None
    for file in listed:
        # NFC, because file systems store é as one or as two characters.
        name = unicodedata.normalize("NFC", file.relative_to(folder).with_suffix("").as_posix())
        other = files.setdefault(name, file)
        if other != file:
            raise InputError(f"{_name(other)} and {_name(file)}: two images with the same name")
    return files


def _check_size(pair: ScorePair, scale: int) -> None:
    size, (hr_width, hr_height) = image_size(pair.sr), image_size(pair.hr)
    cropped = hr_width - hr_width % scale, hr_height - hr_height % scale
    if size not in ((hr_width, hr_height), cropped):
        raise InputError(
            f"{_name(pair.sr)}: {size[0]}×{size[1]} pixels, but {_name(pair.hr)} has "
            f"{hr_width}×{hr_height}; a result needs the same size, or {cropped[0]}×{cropped[1]} "
            f"(cropped at the bottom and right to a multiple of {scale})"
        )
    check_val_size(_name(pair.sr), size, scale)


def _name(file: Path) -> str:
    return printable(str(file))
