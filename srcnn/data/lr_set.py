"""The LR images of one scale, and their comparison with the official ones."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from srcnn.data.archives import Images
from srcnn.data.resume import Note, resume
from srcnn.errors import InputError
from srcnn.images.image_folders import list_images
from srcnn.images.image_io import read_photo, read_rgb, write_png
from srcnn.images.resize import imresize
from srcnn.utils.files import name_errors
from srcnn.utils.paths import SELECT, lr_name
from srcnn.utils.tables import read_csv
from srcnn.utils.text import join_names
from srcnn.utils.threads import map_threads

Official = Mapping[str, tuple[Images, str]]  # archive and name of an LR image by image number


def write_lr(hr_folder: Path, folder: Path, scale: int, official: Official | None = None) -> None:
    """Write the LR image of every HR image as `folder/{split}/NNNNx{scale}.png`.

    The folder is replaced when all images are written; images of an earlier run are used again.
    They are compared with the `official` LR images, if given.

    Raises:
        InputError: an HR image cannot be read, or an LR image differs from the official one.
    """
    hr_files = list_images(hr_folder)
    with resume(folder) as work:

        def degrade(hr_file: Path) -> tuple[Path, str | None]:
            with name_errors(hr_file):
                hr_bytes = hr_file.read_bytes()

            def write(file: Path) -> Note:
                hr = read_photo(hr_bytes, str(hr_file)).pixels
                write_png(file, imresize(hr, 1 / scale))
                return {}

            file, _ = work.make((hashlib.sha256(hr_bytes).hexdigest(), scale), write)
            return file, _describe_difference(file, *official[hr_file.stem]) if official else None

        written = map_threads(degrade, hr_files, f"degrade ×{scale}")
        if official is not None:
            _report_differences([difference for _, difference in written], scale)
        names = [f"{hr.parent.name}/{lr_name(hr.stem, scale)}" for hr in hr_files]
        work.replace({name: file for name, (file, _) in zip(names, written, strict=True)})


def official_images(index: Path, archives: Sequence[Images], scale: int) -> Official:
    """The official LR image of each image in `index.csv`; InputError unless one archive has it."""
    found = {}
    for _, row in read_csv(index, "fetch_data").iterrows():
        hr_name = PurePosixPath(row["name"])
        name = str(hr_name.with_name(lr_name(hr_name.stem, scale)))
        split = "train" if row["split"] == SELECT else row["split"]
        of_split = [images for images in archives if images.archive.split == split]
        places = [images for images in of_split if name in images.entries]
        if len(places) != 1:
            problem = f"{len(places)} archives have {name}, the LR image of {row['name']}"
            advice = "set data.lr: generate to skip the comparison"
            raise InputError(f"data.lr: official: {problem}; {advice}")
        found[row["image"]] = places[0], name
    return found


def _describe_difference(file: Path, images: Images, name: str) -> str | None:
    """How an LR image differs from the official one, or None."""
    lr = read_rgb(file)
    official = read_photo(images.read(name), f"{images.path}: {name}").pixels
    if lr.shape != official.shape:
        sizes = [f"{image.shape[1]}×{image.shape[0]}" for image in (lr, official)]
        return f"{name} has {sizes[1]} pixels, ours {sizes[0]} (from a cropped HR image)"
    errors = np.abs(lr.astype(int) - official)
    if not errors.any():
        return None
    return f"{name} in {100 * np.mean(errors > 0):.2g} % of its values, by up to {errors.max()}"


def _report_differences(differences: Sequence[str | None], scale: int) -> None:
    """Print how many LR images equal the official ones; raise InputError unless all do."""
    different = [difference for difference in differences if difference]
    equal = len(differences) - len(different)
    summary = f"{equal} of {len(differences)} LR images ×{scale} equal the official ones"
    if different:
        advice = "set data.lr: generate to continue with ours"
        raise InputError(f"{summary}, others differ: {join_names(different)}; {advice}")
    print(f"{summary} in every value")
