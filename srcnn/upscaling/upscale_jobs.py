"""Finds the files that `srcnn upscale` has to upscale, and which of them are done."""

import re
import time
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from glob import has_magic
from pathlib import Path

from PIL import Image

from srcnn.errors import InputError
from srcnn.images.image_folders import find_images, find_matches
from srcnn.images.image_io import image_size
from srcnn.images.kinds import (
    IMAGE_SUFFIXES,
    REFUSED_SUFFIXES,
    UNKNOWN_FORMAT,
    format_of,
    result_format,
    result_suffix,
)
from srcnn.upscaling.target_size import TargetSize
from srcnn.utils.files import name_errors

_RESULT = re.compile(r"_(x\d+(\.\d+)?|w\d+|h\d+|\d+x\d+)$")  # the end of a result's name
_LISTED = (*IMAGE_SUFFIXES, *REFUSED_SUFFIXES)  # so that no photograph is overlooked
_NOT_WRITTEN = (*_LISTED, ".gif", ".jp2", ".j2k", ".ppm", ".pgm", ".tga", ".exr", ".psd", ".pdf")


@dataclass(frozen=True)
class Job:
    """A file to upscale."""

    source: Path
    target: Path  # the file of the result
    kind: str  # its format, a key of SUFFIXES
    size: TargetSize


def is_done(job: Job) -> bool:
    """Whether the result exists with the right size and is not older than its source.

    Raises:
        InputError: the source cannot be read.
    """
    source, target = job.source, job.target
    if not target.is_file():
        return False
    changed = source.stat().st_mtime_ns
    if target.stat().st_mtime_ns < changed <= time.time_ns():  # a date in the future says nothing
        return False
    expected = job.size.size_for(source, image_size(source))
    try:
        with _any_size():
            return image_size(target) == expected
    except InputError:  # not an image
        return False


@contextmanager
def _any_size() -> Iterator[None]:
    """Read the size of images with more pixels than Pillow's limit, which results may have."""
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def find_jobs(
    inputs: Sequence[str], output: Path | None, size: TargetSize, kind: str | None
) -> list[Job | InputError]:
    """Find the files to upscale, and choose a name and a format for each result.

    Inputs are files, folders (searched recursively) and patterns such as `photos/*.png`. Results of
    other inputs, of any size, are skipped. The output is a file name for a single file,
    otherwise a folder, which mirrors the input folder; None stands for `{name}_{label}` next to
    each file, with the label of `size`. Without a `kind`, each file keeps its format. Returns the
    jobs, and an error for each input that cannot be upscaled and for each folder that cannot be
    read.

    Raises:
        InputError: `output` cannot be written, or contradicts the inputs or `kind`.
    """
    found: list[tuple[Path, Path]] = []
    errors: list[Job | InputError] = []
    for name in inputs:
        try:
            files, unreadable = _find_files(name, output)
            found += files
            errors += unreadable
        except InputError as error:
            errors.append(error)
        except OSError as error:
            errors.append(InputError(f"{name}: cannot be read ({error.strerror})"))
    file_kind = _file_kind(output) if output else None
    if file_kind and len(found) > 1:
        raise InputError(f"{output}: one file name for {len(found)} images; name a folder")
    if file_kind and kind not in (None, file_kind):
        raise InputError(f"{output}: the suffix does not match --format {kind}")
    if output is None:  # skip results, of any size, of other inputs
        names = {source.with_suffix("") for source, _ in found}
        found = [(source, inside) for source, inside in found if not _is_result(source, names)]
    sources, jobs = {source for source, _ in found}, dict[Path, Job]()
    for source, inside in found:
        chosen = kind or file_kind or result_format(source)
        if chosen is None:
            reason = UNKNOWN_FORMAT if source.exists() else "no such file or folder"
            errors.append(InputError(f"{source}: {reason}"))
            continue
        suffix = result_suffix(source, chosen)
        if output is None:
            target = source.with_name(f"{source.stem}_{size.label}{suffix}")
        else:
            target = output if file_kind else (output / inside).with_suffix(suffix)
        if other := jobs.get(target):
            if not _is_same(source, other.source):  # else it is only named twice
                reason = f"{target} is already the result of {other.source}"
                errors.append(InputError(f"{source}: {reason}"))
        elif target in sources - {source}:
            errors.append(InputError(f"{source}: its result {target} is also an input"))
        else:
            jobs[target] = Job(source, target, chosen, size)
    return [*jobs.values(), *errors]


def _file_kind(output: Path) -> str | None:
    """The format of an output file; None for a folder.

    Raises:
        InputError: it is named like an image of a format that cannot be written.
    """
    with name_errors(output):
        if output.is_dir():
            return None
    kind = format_of(output)
    if kind is None and output.suffix.lower() in _NOT_WRITTEN:  # not meant as a folder
        raise InputError(f"{output}: {UNKNOWN_FORMAT}")
    return kind


def _is_result(file: Path, names: Container[Path]) -> bool:
    """Whether a file is named like a result of one of `names`, which are without suffixes."""
    stem = _RESULT.sub("", file.stem)
    return stem not in ("", file.stem) and file.with_name(stem) in names


def _is_same(first: Path, second: Path) -> bool:
    return first == second or (first.exists() and second.exists() and first.samefile(second))


def _find_files(name: str, output: Path | None) -> tuple[list[tuple[Path, Path]], list[InputError]]:
    """The files that an argument stands for, each with its path inside an output folder."""
    path = Path(name)
    if path.is_dir():
        files, errors = find_images(path, _LISTED)
    elif path.exists() or not has_magic(name):
        return [(path, Path(path.name))], []
    else:
        matches, errors = find_matches(name)
        files = [f for f in matches if f.suffix.lower() in _LISTED and f.is_file()]
        if not files and not errors:
            raise InputError(f"{name}: matches no images")
    # Skip the output folder.
    if output is not None and not path.resolve().is_relative_to(output.resolve()):
        files = [file for file in files if not file.resolve().is_relative_to(output.resolve())]
    in_output = (file.relative_to(path) if path.is_dir() else Path(file.name) for file in files)
    return list(zip(files, in_output, strict=True)), errors
