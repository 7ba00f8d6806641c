"""A photograph that the page of `srcnn serve` has uploaded, and how it is enlarged."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from srcnn.errors import InputError
from srcnn.images.decode import PixelArray
from srcnn.images.image_io import image_size
from srcnn.serve.before_after import BeforeAfter
from srcnn.upscaling.image_files import check_result_size, format_of, read_image, write_image

if TYPE_CHECKING:
    from srcnn.upscaling.onnx_runner import Upscaler

State = Literal["arriving", "waiting", "running", "done", "failed", "cancelled"]


class Cancelled(Exception):  # noqa: N818  # no error
    """Nobody wants the result any more."""


@dataclass(eq=False)
class Task:
    """A photograph that is to be enlarged.

    Args:
        id: that nobody guesses.
        folder: of its own.
        name: of the file that was uploaded.
        scale: 2 or 4.
        strength: as `srcnn.upscaling.released_networks.load`.
        state: how far it is.
        done: the share of the result that is made.
        error: why it failed, in a line.
        notes: what was converted or could not be kept.
        size: width and height of the result.
        reduced: by which factor the pictures to compare are smaller than the result.
        bytes: of the result.
        room: bytes of all that is in the folder.
    """

    id: str
    folder: Path
    name: str
    scale: int
    strength: float
    state: State = "arriving"
    done: float = 0.0
    error: str = ""
    notes: tuple[str, ...] = ()
    size: tuple[int, int] = (0, 0)
    reduced: int = 1
    bytes: int = 0
    room: int = 0

    @property
    def original(self) -> Path:
        """Where the upload lies."""
        return self.folder / f"original{Path(self.name).suffix.lower()}"

    @property
    def result(self) -> Path:
        """Where the result lies."""
        return self.folder / f"result{self.original.suffix}"

    @property
    def result_name(self) -> str:
        """What the result is called when it is saved, such as `photo_x4.png`."""
        name = Path(self.name)
        return f"{name.stem}_x{self.scale}{name.suffix}"


def check_size(task: Task, most_pixels: int) -> None:
    """Find the size of the result, from the file's header alone.

    Args:
        task: whose original is there.
        most_pixels: that a result may have.

    Raises:
        InputError: it is no image, or the result would be too large.
    """
    original = image_size(task.original)
    width, height = (side * task.scale for side in original)
    task.size = width, height
    if width * height > most_pixels:
        advice = f"srcnn serve --max-megapixels {-(-width * height // 10**6)} takes it"
        if task.scale == 4 and width * height // 4 <= most_pixels:
            advice = f"×2 is within it, and {advice}"
        raise InputError(
            f"{width}×{height} pixels, {width * height / 1e6:.0f} megapixels, would be more "
            f"than the {most_pixels / 1e6:g} that a result may have; {advice}"
        )
    kind = format_of(task.original)
    assert kind is not None
    check_result_size(task.result, kind, original, task.scale, allow_large=False)


def enlarge(task: Task, model: "Upscaler") -> None:
    """Write the result, and the two pictures that are compared on the page.

    Args:
        task: that is running.
        model: for its scale and strength.

    Raises:
        Cancelled: it is not running any more.
        InputError: the file cannot be read, or the result not be written.
    """
    kind = format_of(task.original)
    assert kind is not None
    original = read_image(task.original)
    pictures = BeforeAfter(original, task.size)

    def watched(strips: Iterator[PixelArray]) -> Iterator[PixelArray]:
        rows = 0
        for strip in strips:
            if task.state == "cancelled":
                raise Cancelled
            pictures.add(strip, rows)
            yield strip
            rows += len(strip)
            task.done = rows / task.size[1]

    strips = watched(model.strips(original))
    lost = write_image(task.result, kind, original, strips, task.size)
    pictures.write(task.folder)
    task.notes, task.reduced = (*original.notes, *lost), pictures.reduced
    task.bytes = task.result.stat().st_size
    task.room = sum(file.stat().st_size for file in task.folder.iterdir())


def for_page(error: Exception, task: Task) -> str:
    """A line without what only the command line knows: names of files, and its options."""
    if not isinstance(error, InputError | OSError):
        error = InputError(f"it cannot be enlarged ({type(error).__name__}: {error})")
    line = str(InputError(str(error)))
    for file in (task.original, task.result):
        line = line.removeprefix(f"{file}: ")
    return line.partition("; use --")[0]
