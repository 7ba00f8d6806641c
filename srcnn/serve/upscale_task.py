"""A photograph uploaded to the page of `srcnn serve`: its state, and how it is upscaled."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from srcnn.errors import InputError
from srcnn.images.decode import PixelArray
from srcnn.images.image_io import image_size
from srcnn.images.kinds import format_of
from srcnn.serve.before_after import BeforeAfter
from srcnn.upscaling.image_files import read_image
from srcnn.upscaling.result_files import check_result_size, write_image

if TYPE_CHECKING:
    from srcnn.upscaling.onnx_runner import Upscaler

State = Literal["uploading", "waiting", "running", "done", "failed", "cancelled"]


@dataclass(eq=False)
class UpscaleTask:
    """A photograph to upscale."""

    id: str  # a secret token
    folder: Path  # holds only the files of this task
    name: str  # file name of the upload
    scale: int  # 2 or 4
    strength: float  # in [0, 1]
    state: State = "uploading"
    progress: float = 0.0  # share of the result that is ready, in [0, 1]
    error: str = ""  # why the task failed, in one line
    notes: Sequence[str] = ()  # what was converted, and what the format could not keep
    size: tuple[int, int] = (0, 0)  # width and height of the result
    reduction: int = 1  # how many times smaller the images to compare are
    result_bytes: int = 0
    disk_bytes: int = 0  # of all files in the folder

    def __post_init__(self) -> None:
        name = Path(self.name)
        self.upload = self.folder / f"original{name.suffix.lower()}"
        self.result = self.folder / f"result{self.upload.suffix}"
        self.result_name = f"{name.stem}_x{self.scale}{name.suffix}"  # for the download
        self.kind = format_of(name) or ""  # of upload and result; UpscaleQueue.create checks it

    def check_size(self, max_pixels: int) -> None:
        """Read the size of the uploaded image from its header, and set the size of the result.

        Raises:
            InputError: the upload is not an image, or the result would be too large.
        """
        source_size = image_size(self.upload)
        self.size = width, height = source_size[0] * self.scale, source_size[1] * self.scale
        if width * height > max_pixels:
            advice = f"start srcnn serve --max-megapixels {-(-width * height // 10**6)}"
            if self.scale == 4 and width * height // 4 <= max_pixels:
                advice = f"choose ×2, or {advice}"
            raise InputError(
                f"the result would have {width}×{height} pixels ({width * height / 1e6:.0f} "
                f"megapixels); the limit is {max_pixels / 1e6:g} megapixels: {advice}"
            )
        check_result_size(self.result, self.kind, source_size, self.scale, allow_large=False)

    def run(self, model: "Upscaler") -> None:
        """Write the result and the two images to compare.

        Raises:
            InputError: the photograph cannot be read, or the task is cancelled meanwhile.
        """
        source = read_image(self.upload)
        images = BeforeAfter(source, self.size)

        def strips() -> Iterator[PixelArray]:
            rows = 0
            for strip in model.strips(source):
                if self.state == "cancelled":
                    raise InputError("cancelled")
                images.add(strip, rows)
                yield strip
                rows += len(strip)
                self.progress = rows / self.size[1]

        notes = write_image(self.result, self.kind, source, strips(), self.size)
        images.write(self.folder)
        self.notes, self.reduction = [*source.notes, *notes], images.reduction
        self.result_bytes = self.result.stat().st_size
        self.disk_bytes = sum(file.stat().st_size for file in self.folder.iterdir())

    def message(self, error: Exception) -> str:
        """The error in one line, without temporary file names and command-line options."""
        if not isinstance(error, InputError | OSError):
            error = InputError(f"cannot be upscaled ({type(error).__name__}: {error})")
        line = str(InputError(str(error)))
        for file in (self.upload, self.result):
            line = line.removeprefix(f"{file}: ")
        return line.partition("; use --")[0]
