"""A page of pictures, text and charts laid out in pixels; no picture on it is resampled.

It is written at 300 dpi as PNG, and as PDF with its text as text.
"""

from pathlib import Path

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from srcnn.figures.style import DPI, INK, MARGIN, MARK, TEXT, WIDTH, look
from srcnn.figures.text import POINT, drawable, font_of
from srcnn.figures.windows import Window
from srcnn.images.image_io import RGB8
from srcnn.utils.files import atomic_write

LINE = 40
"""Pixels from a line of text to the next."""

_OUTLINE, _FRAME = 8, 4


class Canvas:
    """White, WIDTH × `height` pixels and a margin; positions are from the margin's inner edge."""

    def __init__(self, height: int):
        self._size = WIDTH + 2 * MARGIN, height + 2 * MARGIN
        with look():
            self._figure = Figure(figsize=(self._size[0] / DPI, self._size[1] / DPI))

    def picture(self, picture: RGB8, left: int, top: int) -> None:
        """Put [H, W, 3] on the page, pixel for pixel."""
        bottom = self._size[1] - MARGIN - top - picture.shape[0]
        self._figure.add_artist(_Pixels(picture, MARGIN + left, bottom))

    def overview(
        self, picture: RGB8, window: Window, left: int, top: int, height: int, width: int
    ) -> tuple[int, int, int]:
        """Put a whole picture, a window of it marked, reduced if it does not fit into a box.

        Args:
            picture: [H, W, 3].
            window: of the picture.
            left: of the box.
            top: of the box.
            height: of the box.
            width: of the box.

        Returns:
            height and width that it takes, and by which whole factor it is reduced.
        """
        whole, factor = shrink(picture, height, width)
        tall, wide = whole.shape[:2]
        self.picture(whole, left, top)
        # Around the window; over its outermost pixels where it lies at the picture's edge.
        edge = _OUTLINE // 2
        (upper, lower), (start, end) = (
            (max(edge, first // factor - edge), min(length, -(-last // factor) + _OUTLINE) - edge)
            for first, last, length in (
                (window.top, window.top + window.height, tall),
                (window.left, window.left + window.width, wide),
            )
        )
        x, y, *size = self._place(left + start, top + upper, end - start, lower - upper)
        for colour, thickness in ((INK, _OUTLINE), (MARK, _FRAME)):
            frame = Rectangle((x, y), *size, transform=self._figure.transFigure, fill=False)
            frame.set(edgecolor=colour, linewidth=thickness / POINT, joinstyle="miter")
            self._figure.add_artist(frame)
        return tall, wide, factor

    def text(
        self,
        text: str,
        left: float,
        top: float,
        size: float = TEXT,
        colour: str = INK,
        bold: bool = False,
        align: str = "left",
    ) -> None:
        """Set one line of text, `size` points high; `left` is its right end if aligned `right`."""
        x, y, _, _ = self._place(left, top + size * POINT, 0, 0)
        font = font_of(size, bold)
        # A name may hold a `$`, which is not to start a formula.
        self._figure.text(x, y, drawable(text), font=font, color=colour, ha=align, parse_math=False)

    def lines(self, lines: list[str], left: float, top: float, colour: str = INK) -> float:
        """Set lines of text, one below the other; returns where the next would begin."""
        for line in lines:
            self.text(line, left, top, colour=colour)
            top += LINE
        return top

    def chart(self, left: float, top: float, width: float, height: float) -> Axes:
        """Axes around a rectangle; to be drawn in under `look`."""
        return self._figure.add_axes(self._place(left, top, width, height))

    def pixels(self) -> RGB8:
        """The page with its margin, [H, W, 3] uint8."""
        with look():
            canvas = FigureCanvasAgg(self._figure)
            canvas.draw()
        return np.asarray(canvas.buffer_rgba())[..., :3].copy()

    def write(self, path: Path) -> None:
        """Write `path` with .png and .pdf added, whole or not at all; same page, same bytes."""
        srgb = PngInfo()
        srgb.add(b"sRGB", b"\0")
        with atomic_write(path.with_name(f"{path.name}.png")) as temporary:
            Image.fromarray(self.pixels()).save(
                temporary, format="PNG", dpi=(DPI, DPI), pnginfo=srgb
            )
        nothing = {"Creator": None, "Producer": None, "CreationDate": None}
        with look(), atomic_write(path.with_name(f"{path.name}.pdf")) as temporary:
            self._figure.savefig(temporary, format="pdf", dpi=DPI, metadata=nothing)

    def _place(
        self, left: float, top: float, width: float, height: float
    ) -> tuple[float, float, float, float]:
        """A rectangle as Matplotlib has it: in shares of the page, from its bottom."""
        across, down = self._size
        bottom = down - MARGIN - top - height
        return (MARGIN + left) / across, bottom / down, width / across, height / down


class _Pixels(Artist):
    """A picture that is copied and not resampled, its place in pixels from left and bottom."""

    def __init__(self, picture: RGB8, left: int, bottom: int):
        super().__init__()
        opaque = np.full((*picture.shape[:2], 1), 255, np.uint8)
        self._rgba = np.concatenate([picture, opaque], axis=2)[::-1]
        self._place = left, bottom

    def draw(self, renderer: RendererBase) -> None:
        """Copy it."""
        x, y = (round(place * self._dpi() / DPI, 6) for place in self._place)
        renderer.draw_image(renderer.new_gc(), x, y, self._rgba)

    def _dpi(self) -> float:
        """Of the figure as it is drawn; a PDF has 72."""
        figure = self.get_figure(root=True)
        return figure.dpi if figure else DPI


def enlarge(picture: RGB8, zoom: int) -> RGB8:
    """Draw every pixel of [H, W, 3] as a square of `zoom` × `zoom`."""
    return picture.repeat(zoom, axis=0).repeat(zoom, axis=1)


def shrink(picture: RGB8, height: int, width: int) -> tuple[RGB8, int]:
    """Fit [H, W, 3] into a box by the smallest whole factor, each pixel the mean of a square.

    Returns:
        the picture and the factor.
    """
    factor = max(-(-picture.shape[0] // height), -(-picture.shape[1] // width))
    tall, wide = picture.shape[0] // factor, picture.shape[1] // factor
    squares = picture[: tall * factor, : wide * factor].reshape(tall, factor, wide, factor, 3)
    return np.rint(squares.mean((1, 3))).astype(np.uint8), factor
