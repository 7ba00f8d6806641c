"""Upscales images with a released network: files of any kind, arrays and Pillow images."""

import math
import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import closing
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any, overload

import numpy as np
import numpy.typing as npt
from PIL import Image
from tqdm import tqdm

from srcnn.errors import InputError, TooLarge
from srcnn.images.decode import PixelArray
from srcnn.images.image_io import image_size
from srcnn.upscaling.image_files import from_pillow, read_image, to_pillow
from srcnn.upscaling.onnx_runner import Upscaler
from srcnn.upscaling.parallel_files import Work, run_in_order
from srcnn.upscaling.released_networks import load, load_all
from srcnn.upscaling.result_files import check_result_size, write_image
from srcnn.upscaling.target_size import choose_network, describe_resize, strips_of_size
from srcnn.upscaling.upscale_jobs import Job, is_done
from srcnn.utils.files import name_errors
from srcnn.utils.text import printable

_Size = tuple[int, int]  # width and height
_Notes = list[str]  # on what was converted or could not be kept


@overload
def upscale(
    image: npt.NDArray[Any], model: Upscaler | None = None, *, size: _Size | None = None
) -> npt.NDArray[Any]: ...
@overload
def upscale(
    image: Image.Image | Path | str, model: Upscaler | None = None, *, size: _Size | None = None
) -> Image.Image: ...
def upscale(
    image: npt.NDArray[Any] | Image.Image | Path | str,
    model: Upscaler | None = None,
    *,
    size: _Size | None = None,
) -> npt.NDArray[Any] | Image.Image:
    """Upscale an image.

    Args:
        image: an array [H, W] or [H, W, C] of uint8 or uint16 (grey, grey + alpha, RGB or RGBA), a
            Pillow image, or the path of a file.
        model: from `load`; None for the released network for ×2, or the next larger one for `size`.
        size: width and height of the result, to which the network's result is resized; None for the
            scale of `model`.

    Returns:
        An array of the same dtype if `image` is an array. Otherwise a Pillow image with 8 bits per
        channel and the ICC profile in its `info`.

    Raises:
        InputError: the file cannot be read.
        TypeError: the array has another dtype or shape.
        ValueError: `size` has no pixels.
    """
    if isinstance(image, np.ndarray):
        if image.dtype not in (np.uint8, np.uint16) or image.ndim not in (2, 3):
            found = f"{image.dtype} {image.shape}"
            raise TypeError(f"expected [H, W] or [H, W, C] of uint8 or uint16, got {found}")
        pixels = image[..., None] if image.ndim == 2 else image
        if not 1 <= pixels.shape[2] <= 4 or 0 in pixels.shape:
            raise TypeError(f"expected 1 to 4 channels and at least one pixel, got {image.shape}")
        upscaled = _upscale_pixels(pixels, model, size)
        return upscaled[..., 0] if image.ndim == 2 else upscaled
    source = from_pillow(image) if isinstance(image, Image.Image) else read_image(Path(image))
    result = to_pillow(_upscale_pixels(source[0 : source.shape[0]], model, size))
    if source.icc:
        result.info["icc_profile"] = source.icc
    return result


def _upscale_pixels(pixels: PixelArray, model: Upscaler | None, size: _Size | None) -> PixelArray:
    if size is None:
        return (model or load())(pixels)
    if min(size) < 1:
        raise ValueError(f"a result of {size[0]}×{size[1]} has no pixels")
    networks = [model] if model else load_all()
    network = choose_network(networks, pixels.shape[1::-1], size)
    return np.concatenate(list(strips_of_size(pixels, network, size)))


def upscale_files(
    jobs: Sequence[Job | InputError],
    networks: Sequence[Upscaler],
    *,
    force: bool = False,
    allow_large: bool = False,
    strip: bool = False,
) -> int:
    """Upscale files; print a line for each that succeeds or fails, and how many were done already.

    `choose_network` chooses one of `networks` for each file. `force` overwrites existing results;
    `allow_large` accepts images of any size; `strip` leaves out the metadata that the colours do
    not depend on. Returns the exit status: 1 if any file failed.
    """
    if allow_large:
        Image.MAX_IMAGE_PIXELS = None
    failed = done = 0
    upscale_source = partial(_upscale_source, networks, allow_large, strip)
    works = (_prepare(job, force, upscale_source) for job in jobs)
    hidden = None if jobs[1:] else True
    with closing(run_in_order(works)) as results:
        bar = tqdm(results, "upscaling", len(jobs), unit="image", leave=False, disable=hidden)
        for job, result in zip(jobs, bar, strict=True):
            try:
                notes = result.result()
            except Exception as error:  # continue with the next file, whatever this one raised
                failed += 1
                advice = "; use --allow-large to upscale it" if isinstance(error, TooLarge) else ""
                tqdm.write(f"error: {_describe(error, job)}{advice}", file=sys.stderr)
            else:
                if notes is None or isinstance(job, InputError):
                    done += 1
                    continue
                name = printable(str(job.target))
                tqdm.write(" ".join([name, *(f"({note})" for note in notes)]))
    if done:
        print(f"{done} already done")
    if failed and jobs[1:]:
        print(f"{failed} of {len(jobs)} could not be upscaled", file=sys.stderr)
    return 1 if failed else 0


def _prepare(
    job: Job | InputError, force: bool, upscale: Callable[[Job, Event], _Notes]
) -> tuple[int, Work[_Notes | None]]:
    """The memory that a job needs, in bytes, and the function that does it or raises its error.

    The function returns None if the result is there already.
    """
    try:
        if isinstance(job, InputError):
            raise job
        with name_errors(job.target):
            if _is_done(job, force):
                return 0, lambda _: None
            source = image_size(job.source)
            result = job.size.size_for(job.source, source)
        return 4 * (math.prod(source) + math.prod(result)), partial(upscale, job)
    except Exception as error:
        return 0, partial(_fail, error)


def _fail(error: Exception, _: Event) -> None:
    raise error


def _describe(error: Exception, job: Job | InputError) -> Exception:
    """An error of a job as one line that names a file."""
    if isinstance(error, InputError) or isinstance(job, InputError):
        return error
    if isinstance(error, MemoryError):
        return InputError(f"{job.source}: does not fit in this machine's memory")
    if isinstance(error, OSError):
        return InputError(f"{error.filename}: {error.strerror}")
    return InputError(f"{job.source}: cannot be upscaled ({error})")


def upscale_file(
    job: Job,
    networks: Sequence[Upscaler],
    *,
    force: bool = False,
    allow_large: bool = False,
    strip: bool = False,
) -> _Notes | None:
    """Upscale a file.

    Returns notes on what was converted or could not be kept; None if the result is there already
    (`is_done`) and `force` is not set.

    Raises:
        InputError: the file cannot be read, the result cannot be written, or another file has its
            name and `force` is not set.
    """
    if _is_done(job, force):
        return None
    return _upscale_source(networks, allow_large, strip, job, Event())


def _is_done(job: Job, force: bool) -> bool:
    """Whether the result is there already and `force` is not set; errors as in `upscale_file`."""
    source, target = job.source, job.target
    if target.exists() and target.samefile(source):
        raise InputError(f"{target}: would overwrite the original; choose another output with -o")
    if target.is_dir():
        raise InputError(f"{target}: is a folder")
    if source.exists() and not source.is_file():
        raise InputError(f"{source}: not a regular file")
    if (target.exists() or target.is_symlink()) and not force:
        if is_done(job):
            return True
        raise InputError(f"{target}: exists; use --force to overwrite it")
    return False


def _upscale_source(
    networks: Sequence[Upscaler], allow_large: bool, strip: bool, job: Job, stopped: Event
) -> _Notes:
    """Upscale a file, until `stopped` is set; returns notes."""
    source, target = job.source, job.target
    with name_errors(target):
        image = read_image(source)
        if strip:
            image = image.stripped()
        height, width, _ = image.shape
        size = job.size.size_for(source, (width, height))
        check_result_size(target, job.kind, (width, height), size, allow_large=allow_large)
        network = choose_network(networks, (width, height), size)
        notes = [*image.notes, *describe_resize((width, height), network, size)]
        with closing(_until(stopped, strips_of_size(image, network, size))) as strips:
            return notes + write_image(target, job.kind, image, strips, size)


def _until(stopped: Event, strips: Iterator[PixelArray]) -> Generator[PixelArray, None, None]:
    """Yield strips; raise CancelledError once `stopped` is set."""
    for strip in strips:
        if stopped.is_set():
            raise CancelledError
        yield strip
