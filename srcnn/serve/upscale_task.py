"""A photograph uploaded to the page of `srcnn serve`, its state and its files."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from srcnn.errors import InputError
from srcnn.images.kinds import result_format, result_suffix
from srcnn.upscaling.result_files import check_result_size

State = Literal["uploading", "waiting", "running", "done", "failed"]


@dataclass(eq=False)
class UpscaleTask:
    """A photograph to upscale."""

    id: str  # a secret token
    folder: Path  # holds only the files of this task
    name: str  # file name of the upload
    scale: int  # 2 or 4
    strength: float  # in [0, 1]
    state: State = "uploading"
    job: asyncio.Task[None] | None = None  # waits and runs; None while uploading
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
        self.kind = result_format(name) or "png"  # of the result; UpscaleQueue.create checks it
        suffix = result_suffix(name, self.kind)
        self.result = self.folder / f"result{suffix.lower()}"
        self.result_name = f"{name.stem}_x{self.scale}{suffix}"  # for the download

    def set_size(self, source_size: tuple[int, int], max_pixels: int) -> None:
        """Set the size of the result from the width and height of the upload.

        Raises:
            InputError: the result would be too large.
        """
        self.size = width, height = source_size[0] * self.scale, source_size[1] * self.scale
        if width * height > max_pixels:
            advice = f"start srcnn serve --max-megapixels {-(-width * height // 10**6)}"
            if self.scale == 4 and width * height // 4 <= max_pixels:
                advice = f"choose ×2, or {advice}"
            raise InputError(
                f"the result would have {width}×{height} pixels ({width * height / 1e6:.0f} "
                f"megapixels); the limit is {max_pixels / 1e6:g} megapixels: {advice}"
            )
        check_result_size(self.result, self.kind, source_size, self.size, allow_large=False)

    def set_progress(self, share: float) -> None:
        """Set the share of the result that is ready."""
        self.progress = share

    def set_done(self, answer: dict[str, Any]) -> None:
        """Set what is known of a written result; `answer` is the worker's."""
        self.notes, self.reduction = answer["notes"], answer["reduction"]
        self.result_bytes = self.result.stat().st_size
        self.disk_bytes = sum(file.stat().st_size for file in self.folder.iterdir())
        self.state = "done"

    def message(self, error: Exception) -> str:
        """The error in one line, without temporary file names and command-line options."""
        line = str(InputError(str(error)))
        for file in (self.upload, self.result):
            line = line.removeprefix(f"{file}: ")
        return line.partition("; use --")[0]
