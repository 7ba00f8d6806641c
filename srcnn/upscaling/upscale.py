"""Upscales images with a released network: files of any kind, arrays and Pillow images."""

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
from srcnn.images import image_io
from srcnn.images.kinds import READ_ONLY, SUFFIXES, UNKNOWN_FORMAT, format_of
from srcnn.upscaling.image_files import from_pillow, read_image, to_pillow
from srcnn.upscaling.onnx_runner import Upscaler
from srcnn.upscaling.released_networks import load
from srcnn.upscaling.result_files import check_result_size, write_image
from srcnn.utils.text import printable


@overload
def upscale(image: npt.NDArray[Any], model: Upscaler | None = None) -> npt.NDArray[Any]: ...
@overload
def upscale(image: Image.Image | Path | str, model: Upscaler | None = None) -> Image.Image: ...
def upscale(
    image: npt.NDArray[Any] | Image.Image | Path | str, model: Upscaler | None = None
) -> npt.NDArray[Any] | Image.Image:
    """Upscale an image.

    Args:
        image: an array [H, W] or [H, W, C] of uint8 or uint16 (grey, grey + alpha, RGB or RGBA), a
            Pillow image, or the path of a file.
        model: from `load`; None for the released network for ×2.

    Returns:
        An array of the same dtype if `image` is an array. Otherwise a Pillow image with 8 bits per
        channel and the ICC profile in its `info`.

    Raises:
        InputError: the file cannot be read.
        TypeError: the array has another dtype or shape.
    """
    model = load() if model is None else model
    if isinstance(image, np.ndarray):
        if image.dtype not in (np.uint8, np.uint16) or image.ndim not in (2, 3):
            found = f"{image.dtype} {image.shape}"
            raise TypeError(f"expected [H, W] or [H, W, C] of uint8 or uint16, got {found}")
        pixels = image[..., None] if image.ndim == 2 else image
        if not 1 <= pixels.shape[2] <= 4 or 0 in pixels.shape:
            raise TypeError(f"expected 1 to 4 channels and at least one pixel, got {image.shape}")
        upscaled = model(pixels)
        return upscaled[..., 0] if image.ndim == 2 else upscaled
    source = from_pillow(image) if isinstance(image, Image.Image) else read_image(Path(image))
    result = to_pillow(model(source[0 : source.shape[0]]))
    if source.icc:
        result.info["icc_profile"] = source.icc
    return result


@dataclass(frozen=True)
class Job:
    """A file to upscale."""

    source: Path
    target: Path  # the file of the result
    kind: str  # its format, a key of SUFFIXES


def find_jobs(
    inputs: Sequence[str], output: Path | None, scale: int, kind: str | None
) -> list[Job | InputError]:
    """Find the files to upscale, and choose a name and a format for each result.

    Inputs are files, folders (searched recursively) and patterns such as `photos/*.png`. Earlier
    results in folders and patterns are skipped. The output is a file name for a single file,
    otherwise a folder, which mirrors the input folder; None stands for `{name}_x{scale}` next to
    each file. Without a `kind`, each file keeps its format. Returns the jobs, and an error for each
    input that cannot be upscaled.

    Raises:
        InputError: `output` contradicts the inputs or `kind`.
    """
    found: list[tuple[Path, Path]] = []
    errors: list[Job | InputError] = []
    for name in inputs:
        try:
            found += _find_files(name, output, scale)
        except InputError as error:
            errors.append(error)
    file_kind = format_of(output) if output and not output.is_dir() else None
    if file_kind and len(found) > 1:
        raise InputError(f"{output}: one file name for {len(found)} images; name a folder")
    if file_kind and kind not in (None, file_kind):
        raise InputError(f"{output}: the suffix does not match --format {kind}")
    sources, jobs = {source for source, _ in found}, dict[Path, Job]()
    for source, inside in found:
        chosen = kind or file_kind or format_of(source) or READ_ONLY.get(source.suffix.lower())
        if chosen is None:
            errors.append(InputError(f"{source}: {UNKNOWN_FORMAT}"))
            continue
        suffix = source.suffix if format_of(source) == chosen else SUFFIXES[chosen][0]
        if output is None:
            target = source.with_name(f"{source.stem}_x{scale}{suffix}")
        else:
            target = output if file_kind else (output / inside).with_suffix(suffix)
        if other := jobs.get(target):
            errors.append(InputError(f"{source}: {target} is already the result of {other.source}"))
        elif target in sources - {source}:
            errors.append(InputError(f"{source}: its result {target} is also an input"))
        else:
            jobs[target] = Job(source, target, chosen)
    return [*jobs.values(), *errors]


def _find_files(name: str, output: Path | None, scale: int) -> list[tuple[Path, Path]]:
    """The files that an argument stands for, each with its path inside an output folder."""
    path = Path(name)
    if path.is_dir():
        files = image_io.list_images(path)
    elif path.exists() or not has_magic(name):
        return [(path, Path(path.name))]
    else:
        matches = [Path(file) for file in sorted(glob(name, recursive=True))]  # noqa: PTH207
        files = [f for f in matches if f.suffix.lower() in image_io.SUFFIXES and f.is_file()]
        if not files:
            raise InputError(f"{name}: matches no images")
    if output is None:  # skip files with the name of another file's result
        names = {file.with_name(f"{file.stem}_x{scale}") for file in files}
        files = [file for file in files if file.with_suffix("") not in names]
    elif not path.resolve().is_relative_to(output.resolve()):  # skip the output folder
        files = [file for file in files if not file.resolve().is_relative_to(output.resolve())]
    return [(file, file.relative_to(path) if path.is_dir() else Path(file.name)) for file in files]


def upscale_files(
    jobs: Sequence[Job | InputError], model: Upscaler, *, force: bool, allow_large: bool
) -> int:
    """Upscale files, and print one line for each file that succeeds or fails.

    `force` overwrites existing results; `allow_large` accepts images of any size. Returns the exit
    status: 1 if any file failed.
    """
    if allow_large:
        Image.MAX_IMAGE_PIXELS = None
    failed = 0
    bar = tqdm(jobs, "upscaling", unit="image", leave=False, disable=None if jobs[1:] else True)
    for job in bar:
        name = str(job.source if isinstance(job, Job) else job)
        try:
            if isinstance(job, InputError):
                raise job
            notes = upscale_file(job, model, force=force, allow_large=allow_large)
        except Exception as error:  # continue with the next file, whatever this one raised
            failed += 1
            if isinstance(error, MemoryError):
                error = InputError(f"{name}: does not fit in this machine's memory")
            elif not isinstance(error, InputError | OSError):
                error = InputError(f"{name}: cannot be upscaled ({error})")
            advice = "; use --allow-large to upscale it" if isinstance(error, TooLarge) else ""
            tqdm.write(f"error: {error}{advice}", file=sys.stderr)
        else:
            tqdm.write(" ".join([printable(str(job.target)), *(f"({note})" for note in notes)]))
    if failed and jobs[1:]:
        print(f"{failed} of {len(jobs)} could not be upscaled", file=sys.stderr)
    return 1 if failed else 0


def upscale_file(job: Job, model: Upscaler, *, force: bool, allow_large: bool) -> list[str]:
    """Upscale a file; returns notes on what was converted or could not be kept.

    Raises:
        InputError: the file cannot be read, the result cannot be written, or a result exists and
            `force` is not set.
    """
    source, target = job.source, job.target
    if target.exists() and target.samefile(source):
        raise InputError(f"{target}: would overwrite the original; choose another output with -o")
    if target.is_dir():
        raise InputError(f"{target}: is a folder")
    if (target.exists() or target.is_symlink()) and not force:
        raise InputError(f"{target}: exists; use --force to overwrite it")
    if source.exists() and not source.is_file():
        raise InputError(f"{source}: not a regular file")
    image = read_image(source)
    height, width, _ = image.shape
    check_result_size(target, job.kind, (width, height), model.scale, allow_large=allow_large)
    size = width * model.scale, height * model.scale
    return [*image.notes, *write_image(target, job.kind, image, model.strips(image), size)]
