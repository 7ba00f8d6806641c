"""Enlarge images: files of any kind, arrays and Pillow's images, by a released network."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path
from typing import Any, overload

import numpy as np
import numpy.typing as npt
from PIL import Image
from tqdm import tqdm

from srcnn.colour import without_palette
from srcnn.enlarger import Enlarger
from srcnn.errors import InputError, TooLarge
from srcnn.images import SUFFIXES, list_images
from srcnn.originals import (
    FORMATS,
    as_image,
    check_result,
    format_of,
    read_original,
    write_result,
)
from srcnn.released import load


@overload
def upscale(image: npt.NDArray[Any], model: Enlarger | None = None) -> npt.NDArray[Any]: ...
@overload
def upscale(image: Image.Image | Path | str, model: Enlarger | None = None) -> Image.Image: ...
def upscale(
    image: npt.NDArray[Any] | Image.Image | Path | str, model: Enlarger | None = None
) -> npt.NDArray[Any] | Image.Image:
    """Enlarge an image.

    Args:
        image: [H, W] or [H, W, C], grey, grey with alpha, RGB or RGBA, of uint8 or uint16; one of
            Pillow's; or a file.
        model: from `load`; by default the released one for ×2.

    Returns:
        an array for an array, in its type; else an image of Pillow's, 8 bits a channel.

    Raises:
        InputError: the file cannot be read.
        TypeError: the array is of another kind.
    """
    model = load() if model is None else model
    if isinstance(image, np.ndarray):
        if image.dtype not in (np.uint8, np.uint16) or image.ndim not in (2, 3):
            raise TypeError(
                f"[H, W] or [H, W, C] of uint8 or uint16, not {image.dtype} {image.shape}"
            )
        levels = image[..., None] if image.ndim == 2 else image
        if not 1 <= levels.shape[2] <= 4 or 0 in levels.shape:
            raise TypeError(f"1 to 4 channels and at least a pixel, not {image.shape}")
        return model(levels).reshape(*(s * model.scale for s in image.shape[:2]), *image.shape[2:])
    if isinstance(image, Image.Image):
        plain = without_palette(image)
        result = model(np.asarray(plain).reshape(*plain.size[::-1], -1))
    else:
        original = read_original(Path(image))
        result = model(original[0 : original.shape[0]])
    return as_image(result)


@dataclass(frozen=True)
class Job:
    """A file, where its result goes, and in what format."""

    source: Path
    target: Path
    kind: str


def find_jobs(
    inputs: Sequence[str], output: Path | None, scale: int, kind: str | None
) -> list[Job]:
    """What is to be enlarged, and where to.

    Args:
        inputs: files, folders, which are searched, and patterns such as `photos/*.png`.
        output: a file's name for a single file, else a folder, in which folders are kept; None
            for `{name}_x{scale}` beside each file.
        scale: the factor.
        kind: the format of all results; None for that of each file.

    Raises:
        InputError: nothing is found, or two would have the same name.
    """
    found = [pair for name in inputs for pair in _found(name)]
    as_file = output is not None and format_of(output) and not output.is_dir() and len(found) == 1
    jobs: dict[Path, Job] = {}
    for source, inside in found:
        chosen = kind or (format_of(output) if as_file and output else None) or format_of(source)
        if chosen is None:
            raise InputError(f"{source}: {source.suffix or 'no suffix'} is no format known here")
        suffix = source.suffix if format_of(source) == chosen else FORMATS[chosen][0]
        if output is None:
            target = source.with_name(f"{source.stem}_x{scale}{suffix}")
        else:
            target = output if as_file else (output / inside).with_suffix(suffix)
        if target in jobs:
            raise InputError(f"{target}: {jobs[target].source} and {source} would both go there")
        jobs[target] = Job(source, target, chosen)
    return list(jobs.values())


def _found(name: str) -> Iterator[tuple[Path, Path]]:
    """The files that an argument means, and what each is called inside an output folder."""
    path = Path(name)
    if path.is_dir():
        yield from ((file, file.relative_to(path)) for file in list_images(path))
    elif path.exists() or not has_magic(name):
        yield path, Path(path.name)
    else:
        files = [Path(file) for file in sorted(glob(name, recursive=True))]  # noqa: PTH207
        images = [file for file in files if file.suffix.lower() in SUFFIXES and file.is_file()]
        if not images:
            raise InputError(f"{name}: no images match it")
        yield from ((file, Path(file.name)) for file in images)


def upscale_files(jobs: Sequence[Job], model: Enlarger, *, force: bool, allow_large: bool) -> int:
    """Enlarge files, a line printed for each that is done or cannot be.

    Args:
        jobs: what is to be done.
        model: does it.
        force: whether results that exist are overwritten.
        allow_large: whether images of any number of pixels are taken.

    Returns:
        the exit status: 1 if any could not be done.
    """
    if allow_large:
        Image.MAX_IMAGE_PIXELS = None
    failed = 0
    bar = tqdm(jobs, "upscaling", unit="image", leave=False, disable=None if jobs[1:] else True)
    for job in bar:
        try:
            notes = upscale_file(job, model, force=force, allow_large=allow_large)
            tqdm.write(" ".join([str(job.target), *(f"({note})" for note in notes)]))
        except (InputError, OSError) as error:
            failed += 1
            advice = "; --allow-large takes it" if isinstance(error, TooLarge) else ""
            tqdm.write(f"error: {error}{advice}", file=sys.stderr)
    if failed and jobs[1:]:
        print(f"{failed} of {len(jobs)} could not be enlarged", file=sys.stderr)
    return 1 if failed else 0


def upscale_file(job: Job, model: Enlarger, *, force: bool, allow_large: bool) -> tuple[str, ...]:
    """Enlarge a file.

    Returns:
        what was converted or could not be kept, in words.

    Raises:
        InputError: it cannot be read, or its result cannot be written; or there is one already
            and `force` is not set.
    """
    target = job.target
    if target.exists() and not force:
        raise InputError(f"{target}: exists; --force overwrites it")
    if target.exists() and target.samefile(job.source):
        raise InputError(f"{target}: is the original itself; name another place by -o")
    original = read_original(job.source)
    height, width, _ = original.shape
    check_result(target, job.kind, (height, width), model.scale, allow_large=allow_large)
    size = width * model.scale, height * model.scale
    lost = write_result(target, job.kind, original, model.strips(original), size)
    return (*original.notes, *lost)
