"""The HR images `hr/{split}/NNNN.png` with their index, and warnings about the originals."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd

from srcnn.data.resume import Note, resume
from srcnn.data.sources import Photo
from srcnn.errors import InputError
from srcnn.images.image_io import crop_to_multiple, read_photo, write_png
from srcnn.utils.files import atomic_write, check_room
from srcnn.utils.paths import check_val_size
from srcnn.utils.tables import write_csv
from srcnn.utils.text import join_names
from srcnn.utils.threads import map_threads

TINY = 64  # originals with a side below this many pixels are listed as suspicious


@dataclass(frozen=True)
class HRImage:
    """An HR image that is written; width, height and mode are the upright original's."""

    image: str  # its number, four digits or more
    photo: Photo
    width: int
    height: int
    mode: str  # as in DecodedPhoto, like the next two
    conversion: str | None
    ignored: str | None
    is_grey: bool
    constant: bool  # whether all pixels are equal
    cropped: tuple[int, int]  # width and height of the HR image
    pixels: str  # sha256 of its pixels
    sha256: str  # of its PNG file


def write_hr(
    photos: Sequence[Photo], folder: Path, multiple: int, val_scale: int | None = None
) -> list[HRImage]:
    """Write every photograph as `folder/{split}/NNNN.png`, cropped, and `folder/index.csv`.

    The folder is replaced when all images are written; images of an earlier run are used again.
    Numbers continue from train to val, so that each names one image. Both sides are cropped at the
    bottom and right to a multiple of `multiple` pixels; a val image must then be
    large enough to be scored at ×`val_scale`. A plain 8-bit RGB PNG without cropping is copied. An
    original that is stored as grey becomes a grey PNG, because its score depends on that.

    Raises:
        InputError: an image cannot be read or is too small, or is in two splits.
    """
    with resume(folder) as work:
        kept = sum(file.stat().st_size for file in work.store.glob("*.png"))
        needed = sum(photo.size for photo in photos) - kept
        check_room(needed, folder, "the photographs", "set data.train_images and data.val_images")

        def write(photo: Photo) -> tuple[Path, Note]:
            scale = val_scale if photo.split == "val" else None
            original = photo.read()
            made_from = (hashlib.sha256(original).hexdigest(), multiple, scale)
            write_image = partial(_write, original, photo.where, multiple, scale)
            return work.make(made_from, write_image)

        written = map_threads(write, photos, "photographs")
        digits = max(4, len(str(len(photos))))
        images = [
            HRImage(f"{number:0{digits}d}", photo, **note)
            for number, (photo, (_, note)) in enumerate(zip(photos, written, strict=True), 1)
        ]
        _refuse_leaks(images)
        files = {
            f"{hr.photo.split}/{hr.image}.png": png
            for hr, (png, _) in zip(images, written, strict=True)
        }
        index = work.store / "index.csv"
        rows = [(hr.image, hr.photo.split, hr.photo.name, *hr.cropped) for hr in images]
        write_csv(pd.DataFrame(rows, columns=["image", "split", "name", "width", "height"]), index)
        work.replace(files, index)
    return images


def _write(original: bytes, where: str, multiple: int, val_scale: int | None, png: Path) -> Note:
    """Write one photograph, cropped; return the fields of HRImage from `width` to `pixels`."""
    photo = read_photo(original, where)
    height, width = photo.pixels.shape[:2]
    cropped = crop_to_multiple(photo.pixels, multiple)
    if val_scale:
        check_val_size(where, (width, height), val_scale, multiple)
    if not cropped.size:
        least = f"{multiple}×{multiple}"
        raise InputError(f"{where}: {width}×{height} pixels; at least {least} are needed")
    if photo.plain_png and cropped.shape == photo.pixels.shape:
        with atomic_write(png) as temporary:
            temporary.write_bytes(original)
    else:
        write_png(png, cropped[..., 0] if photo.is_grey else cropped)
    return {
        "width": width,
        "height": height,
        "mode": photo.mode,
        "conversion": photo.conversion,
        "ignored": photo.ignored,
        "is_grey": photo.is_grey,
        "constant": bool((cropped == cropped[0, 0]).all()),
        "cropped": (cropped.shape[1], cropped.shape[0]),
        "pixels": hashlib.sha256(repr(cropped.shape).encode() + cropped.tobytes()).hexdigest(),
    }


def _refuse_leaks(images: Sequence[HRImage]) -> None:
    """Raise InputError if two splits have the same image."""
    first: dict[str, Photo] = {}
    leaks = []
    for hr in images:
        twin = first.setdefault(hr.pixels, hr.photo)
        if twin.split != hr.photo.split:
            leaks.append(f"{twin.where} ({twin.split}) and {hr.photo.where} ({hr.photo.split})")
    if leaks:
        problem = "the same image is in two splits, which makes the scores meaningless"
        raise InputError(f"{problem}: {join_names(leaks)}; remove one of each pair")


def list_conversions(images: Sequence[HRImage]) -> list[str]:
    """A line for each kind of conversion, and for each kind of colour information not used."""
    by_kind = defaultdict(list)
    for hr in images:
        if hr.conversion:
            verb = "kept as" if hr.is_grey and hr.conversion == "grey" else "converted to"
            kind = "grey, whose values are scored as Y" if hr.is_grey else "RGB"
            by_kind[f"{hr.conversion} {verb} 8-bit {kind}"].append(hr.photo.name)
        if hr.ignored:
            by_kind[f"{hr.ignored} ignored, read as sRGB"].append(hr.photo.name)
    return [f"{kind}: {join_names(names)}" for kind, names in by_kind.items()]


def write_validation(images: Sequence[HRImage], path: Path) -> list[str]:
    """Write a row for each image; return a line for each that is tiny, constant or a duplicate."""
    first: dict[str, str] = {}
    rows, notices = [], []
    for hr in images:
        reasons = []
        twin = first.setdefault(hr.pixels, hr.image)
        if min(hr.width, hr.height) < TINY:
            reasons.append(f"tiny ({hr.width}×{hr.height})")
        if hr.constant:
            reasons.append("constant colour")
        if twin != hr.image:
            reasons.append(f"same picture as {twin}")
        suspicious, name, size = ", ".join(reasons), hr.photo.name, (hr.width, hr.height)
        rows.append((hr.image, hr.photo.split, name, *size, hr.mode, hr.sha256, suspicious))
        if suspicious:
            notices.append(f"suspicious: {hr.image} ({name}): {suspicious}")
    columns = ["image", "split", "name", "width", "height", "mode", "sha256", "suspicious"]
    write_csv(pd.DataFrame(rows, columns=columns), path)
    return notices
