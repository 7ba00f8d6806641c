"""Enlarge images: files of any kind, arrays and Pillow's images, by a released network."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path
from typing import Any, overload

import numpy as np
import numpy.typing as npt
from PIL import Image
from tqdm import tqdm

from srcnn.errors import InputError, TooLarge
from srcnn.images.colour import to_srgb, without_palette
from srcnn.images.image_io import SUFFIXES, list_images
from srcnn.upscaling.image_files import (
    FORMATS,
    as_image,
    check_result,
    format_of,
    read_original,
    write_result,
)
from srcnn.upscaling.onnx_runner import Enlarger
from srcnn.upscaling.released_networks import load
from srcnn.utils.text import printable


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
        an array for an array, in its type; else an image of Pillow's, 8 bits a channel, with the
        ICC profile in its `info`.

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
        is_cmyk = image.mode == "CMYK"
        plain = to_srgb(image)[0] if is_cmyk else without_palette(image)
        icc = None if is_cmyk else plain.info.get("icc_profile")
        result = as_image(model(np.asarray(plain).reshape(*plain.size[::-1], -1)))
    else:
        original = read_original(Path(image))
        icc = original.icc
        result = as_image(model(original[0 : original.shape[0]]))
    if icc:
        result.info["icc_profile"] = icc
    return result


@dataclass(frozen=True)
class Job:
    """A file, where its result goes, and in what format."""

    source: Path
    target: Path
    kind: str


def find_jobs(
    inputs: Sequence[str], output: Path | None, scale: int, kind: str | None
) -> list[Job | InputError]:
    """What is to be enlarged and where to, and why what cannot be is not.

    Args:
        inputs: files, folders, which are searched, and patterns such as `photos/*.png`. Of the
            last two, what was enlarged before is left out.
        output: a file's name for a single file, else a folder, in which folders are kept; None
            for `{name}_x{scale}` beside each file.
        scale: the factor.
        kind: the format of all results; None for that of each file.

    Raises:
        InputError: `output` contradicts the inputs or `kind`.
    """
    found: list[tuple[Path, Path]] = []
    problems: list[Job | InputError] = []
    for name in inputs:
        try:
            found += _found(name, output, scale)
        except InputError as error:
            problems.append(error)
    as_file = output is not None and format_of(output) and not output.is_dir()
    if as_file and output and len(found) > 1:
        raise InputError(f"{output}: the name of one image, for {len(found)}; name a folder")
    if as_file and output and kind not in (None, format_of(output)):
        raise InputError(f"{output}: not the suffix of {kind}")
    sources, jobs = {source for source, _ in found}, dict[Path, Job]()
    for source, inside in found:
        chosen = kind or (format_of(output) if as_file and output else None) or format_of(source)
        if chosen is None:
            reason = f"{source.suffix or 'no suffix'} is no format known here"
            problems.append(InputError(f"{source}: {reason}"))
            continue
        suffix = source.suffix if format_of(source) == chosen else FORMATS[chosen][0]
        if output is None:
            target = source.with_name(f"{source.stem}_x{scale}{suffix}")
        else:
            target = output if as_file else (output / inside).with_suffix(suffix)
        if target in jobs:
            reason = f"{target} is to be that of {jobs[target].source}"
            problems.append(InputError(f"{source}: its result {reason}"))
        elif target in sources - {source}:
            problems.append(InputError(f"{source}: its result {target} is to be enlarged as well"))
        else:
            jobs[target] = Job(source, target, chosen)
    return [*jobs.values(), *problems]


def _found(name: str, output: Path | None, scale: int) -> list[tuple[Path, Path]]:
    """The files that an argument means, and what each is called inside an output folder."""
    path = Path(name)
    if path.is_dir():
        files = list_images(path)
    elif path.exists() or not has_magic(name):
        return [(path, Path(path.name))]
    else:
        matching = [Path(file) for file in sorted(glob(name, recursive=True))]  # noqa: PTH207
        files = [file for file in matching if file.suffix.lower() in SUFFIXES and file.is_file()]
        if not files:
            raise InputError(f"{name}: no images match it")
    stems = {file.with_suffix("") for file in files}
    made = output.resolve() if output else None  # what lies there was enlarged before
    if made and path.resolve().is_relative_to(made):
        made = None  # as does everything
    return [
        (file, file.relative_to(path) if path.is_dir() else Path(file.name))
        for file in files
        if not (made and file.resolve().is_relative_to(made))
        and not (output is None and _is_result(file, scale, stems))
    ]


def _is_result(file: Path, scale: int, stems: set[Path]) -> bool:
    """Whether a file is called as the result of another one here."""
    before = file.stem.removesuffix(f"_x{scale}")
    return before != file.stem and file.with_name(before) in stems


def upscale_files(
    jobs: Sequence[Job | InputError], model: Enlarger, *, force: bool, allow_large: bool
) -> int:
    """Enlarge files, a line printed for each that is done or cannot be.

    Args:
        jobs: what is to be done, or cannot be.
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
            if isinstance(job, InputError):
                raise job
            notes = upscale_file(job, model, force=force, allow_large=allow_large)
        except MemoryError:
            failed += 1
            tqdm.write(f"error: {_name(job)}: too large for this machine's memory", file=sys.stderr)
        except Exception as error:  # whatever one file does, the next is to have its turn
            failed += 1
            advice = "; --allow-large takes it" if isinstance(error, TooLarge) else ""
            if not isinstance(error, InputError | OSError):
                error = InputError(f"{_name(job)}: cannot be enlarged ({error})")
            tqdm.write(f"error: {error}{advice}", file=sys.stderr)
        else:
            tqdm.write(" ".join([printable(str(job.target)), *(f"({note})" for note in notes)]))
    if failed and jobs[1:]:
        print(f"{failed} of {len(jobs)} could not be enlarged", file=sys.stderr)
    return 1 if failed else 0


def _name(job: Job | InputError) -> str:
    return str(job.source if isinstance(job, Job) else job)


def upscale_file(job: Job, model: Enlarger, *, force: bool, allow_large: bool) -> tuple[str, ...]:
    """Enlarge a file.

    Returns:
        what was converted or could not be kept, in words.

    Raises:
        InputError: it cannot be read, or its result cannot be written; or there is one already
            and `force` is not set.
    """
    target = job.target
    if target.exists() and target.samefile(job.source):
        raise InputError(f"{target}: is the original itself; name another place by -o")
    if target.is_dir():
        raise InputError(f"{target}: is a folder")
    if (target.exists() or target.is_symlink()) and not force:
        raise InputError(f"{target}: exists; --force overwrites it")
    if job.source.exists() and not job.source.is_file():
        raise InputError(f"{job.source}: is no file")
    original = read_original(job.source)
    height, width, _ = original.shape
    check_result(target, job.kind, (height, width), model.scale, allow_large=allow_large)
    size = width * model.scale, height * model.scale
    lost = write_result(target, job.kind, original, model.strips(original), size)
    return (*original.notes, *lost)
