"""How photographs become `hr/{train,val}/NNNN.png` with an index, and what is odd about them."""

import hashlib
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from srcnn.data.resume import Note, finished
from srcnn.data.sources import Photo
from srcnn.errors import InputError
from srcnn.images.image_io import crop_to_multiple, read_photo, write_png
from srcnn.utils.files import atomic_write, check_room
from srcnn.utils.tables import write_csv
from srcnn.utils.text import join_names
from srcnn.utils.threads import map_threads

TINY = 64
"""Pixels of a shorter side below which an original is listed as suspicious."""

VALIDATION = ("image", "split", "name", "width", "height", "mode", "sha256", "suspicious")


@dataclass(frozen=True)
class Content:
    """What is to be known of a photograph once it is laid out.

    Args:
        width: of the original, upright.
        height: of the original, upright.
        mode: of the original, such as `RGB` or `L`.
        conversion: what had to be converted, or None.
        ignored: what the file says of its colours and was not heeded, or None.
        constant: whether all its pixels are equal.
        cropped: width and height as laid out.
        pixels: sha256 of the pixels as laid out.
        sha256: of the PNG file.
    """

    width: int
    height: int
    mode: str
    conversion: str | None
    ignored: str | None
    constant: bool
    cropped: tuple[int, int]
    pixels: str
    sha256: str


@dataclass(frozen=True)
class HRImage:
    """A photograph that is laid out: its number, as four digits or more, and its content."""

    image: str
    photo: Photo
    content: Content


def write_hr(
    photos: Sequence[Photo], folder: Path, multiple: int, smallest_val: int = 1
) -> list[HRImage]:
    """Write every photograph as `folder/{split}/NNNN.png`, cropped, and `folder/index.csv`.

    The folder is replaced once all of it is written; what an earlier run has finished is not done
    again. Numbers run on from train to val, so that a number names one image. `index.csv`
    has the columns image, split, name, width, height. A plain 8-bit RGB PNG that needs no cropping
    is copied byte for byte.

    Args:
        photos: the originals, in order.
        folder: where to write.
        multiple: of which both sides are made multiples by cropping at the bottom and right.
        smallest_val: pixels that each side of a val image needs after that.

    Raises:
        InputError: an image cannot be read or is too small, or one is in train and in val.
    """
    with finished(folder) as work:
        needed = sum(photo.size for photo in photos) - work.size
        check_room(needed, folder, "the photographs", "set data.train_images and data.val_images")

        def lay_out(photo: Photo) -> tuple[Path, Content]:
            smallest = max(multiple, smallest_val) if photo.split == "val" else multiple
            original = photo.read()
            made_from = (hashlib.sha256(original).hexdigest(), multiple, smallest)
            png, note = work.make(
                made_from, lambda png: _write(original, photo.where, png, multiple, smallest)
            )
            return png, Content(**note)

        laid_out = map_threads(lay_out, photos, "photographs")
        digits = max(4, len(str(len(photos))))
        images = [
            HRImage(f"{number:0{digits}d}", photo, content)
            for number, (photo, (_, content)) in enumerate(zip(photos, laid_out, strict=True), 1)
        ]
        _refuse_leaks(images)
        index = work.store / "index.csv"
        write_csv(map(_index_row, images), index)
        names = [f"{hr.photo.split}/{hr.image}.png" for hr in images]
        files = {name: png for name, (png, _) in zip(names, laid_out, strict=True)}
        work.put_in_place(files, {"index.csv": index})
    return images


def _write(original: bytes, where: str, png: Path, multiple: int, smallest: int) -> Note:
    """Write one photograph, cropped; what Content holds of it, but for the file's sha256."""
    picture = read_photo(original, where)
    height, width = picture.pixels.shape[:2]
    cropped = crop_to_multiple(picture.pixels, multiple)
    if min(cropped.shape[:2]) < smallest:
        least = math.ceil(smallest / multiple) * multiple
        raise InputError(f"{where}: {width}×{height} pixels; at least {least}×{least} are needed")
    if picture.plain_png and cropped.shape == picture.pixels.shape:
        with atomic_write(png) as temporary:
            temporary.write_bytes(original)
    else:
        write_png(png, cropped)
    pixels = np.ascontiguousarray(cropped)
    return {
        "width": width,
        "height": height,
        "mode": picture.mode,
        "conversion": picture.conversion,
        "ignored": picture.ignored,
        "constant": bool((pixels == pixels[0, 0]).all()),
        "cropped": (cropped.shape[1], cropped.shape[0]),
        "pixels": hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest(),
    }


def _refuse_leaks(images: Sequence[HRImage]) -> None:
    """Raise InputError if a val image is among the train images."""
    train = {hr.content.pixels: hr.photo for hr in images if hr.photo.split == "train"}
    leaks = [
        f"{train[hr.content.pixels].where} (train) and {hr.photo.where} (val)"
        for hr in images
        if hr.photo.split == "val" and hr.content.pixels in train
    ]
    if leaks:
        raise InputError(
            f"the same picture is in train and in val, which makes the scores worthless: "
            f"{join_names(leaks)}; take one of each pair away"
        )


def _index_row(hr: HRImage) -> dict[str, str | int]:
    width, height = hr.content.cropped
    return {
        "image": hr.image,
        "split": hr.photo.split,
        "name": hr.photo.name,
        "width": width,
        "height": height,
    }


def conversions(images: Sequence[HRImage]) -> list[str]:
    """A line for each kind of image that had to be converted, or was not read as it says."""
    by_kind = defaultdict(list)
    for hr in images:
        if hr.content.conversion:
            by_kind[f"{hr.content.conversion} converted to 8-bit RGB"].append(hr.photo.name)
        if hr.content.ignored:
            by_kind[f"{hr.content.ignored} not heeded, taken for sRGB"].append(hr.photo.name)
    return [f"{kind}: {join_names(names)}" for kind, names in by_kind.items()]


def write_validation(images: Sequence[HRImage], path: Path) -> list[str]:
    """Write a CSV row for each image: size and mode of the original, sha256, what is suspicious.

    Returns:
        a line for each image that is suspicious: tiny, of constant colour, or there twice.
    """
    first: dict[str, str] = {}
    rows, notices = [], []
    for hr in images:
        content, reasons = hr.content, []
        twin = first.setdefault(content.pixels, hr.image)
        if min(content.width, content.height) < TINY:
            reasons.append(f"tiny ({content.width}×{content.height})")
        if content.constant:
            reasons.append("constant colour")
        if twin != hr.image:
            reasons.append(f"same picture as {twin}")
        suspicious = ", ".join(reasons)
        values = (
            hr.image,
            hr.photo.split,
            hr.photo.name,
            content.width,
            content.height,
            content.mode,
            content.sha256,
            suspicious,
        )
        rows.append(dict(zip(VALIDATION, values, strict=True)))
        if suspicious:
            notices.append(f"suspicious: {hr.image} ({hr.photo.name}): {suspicious}")
    write_csv(rows, path, VALIDATION)
    return notices
