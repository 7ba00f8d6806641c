"""A canvas of images, text and charts, placed in pixels.

Windows show each pixel as a square; only whole images are resampled, to their size in print. A
canvas is written at 300 dpi as PNG, and as PDF with selectable text.
"""

from collections.abc import Container, Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.transforms import Affine2D
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from srcnn.figures import style
from srcnn.figures.style import BLACK, DPI, FIGURE_MARGIN, GREY, TEXT_SIZE, figure_style
from srcnn.figures.text import PIXELS_PER_POINT, font, replace_missing_glyphs, wrap
from srcnn.figures.windows import Window
from srcnn.images.image_io import RGB8
from srcnn.images.resize import imresize
from srcnn.utils.files import atomic_write

LINE_HEIGHT = 40  # pixels from one line of text to the next
TITLE_HEIGHT = 60  # pixels that a figure's title takes
GAP = 12  # pixels between an image and the text below it
OVERVIEW_ZOOM = (
    2  # whole images are printed at 150 dpi: at 300, they would need three times as much
)
_OUTLINE, _FRAME = 8, 4  # pixels: the black line around a window, and the coloured one on it


class Canvas:
    """White, FIGURE_WIDTH × `height` pixels inside a margin; positions exclude the margin."""

    def __init__(self, height: int):
        self._size = style.FIGURE_WIDTH + 2 * FIGURE_MARGIN, height + 2 * FIGURE_MARGIN
        with figure_style():
            self._figure = Figure(figsize=(self._size[0] / DPI, self._size[1] / DPI))

    def add_image(self, image: RGB8, left: int, top: int, zoom: int = 1) -> None:
        """Draw [H, W, 3] with each pixel as a square of `zoom` × `zoom`."""
        bottom = self._size[1] - FIGURE_MARGIN - top - image.shape[0] * zoom
        self._figure.add_artist(_ExactImage(image, FIGURE_MARGIN + left, bottom, zoom))

    def add_overview(self, image: RGB8, window: Window, box: Window) -> tuple[int, int]:
        """Draw a whole image, fitted into a box, with a frame around a window of it.

        Returns its height and width on the canvas.
        """
        size = overview_size(image.shape, box.height, box.width)
        small = imresize(image, size=(size[0] // OVERVIEW_ZOOM, size[1] // OVERVIEW_ZOOM))
        self.add_image(small, box.left, box.top, OVERVIEW_ZOOM)
        # The frame lies around the window, but inside the image.
        factor = np.divide(image.shape[:2], size)
        starts = np.array([window.top, window.left])
        ends = starts + np.array([window.height, window.width])
        top, left = np.maximum(starts // factor, _OUTLINE) - _OUTLINE // 2
        bottom, right = np.minimum(-(-ends // factor) + _OUTLINE, size) - _OUTLINE // 2
        corner = box.left + left, box.top + top
        x, y, *sides = self._fractions(*corner, right - left, bottom - top)
        for colour, thickness in ((BLACK, _OUTLINE), (style.FRAME_COLOUR, _FRAME)):
            frame = Rectangle((x, y), *sides, transform=self._figure.transFigure, fill=False)
            frame.set(edgecolor=colour, linewidth=thickness / PIXELS_PER_POINT, joinstyle="miter")
            self._figure.add_artist(frame)
        return size

    def add_text(
        self,
        text: str,
        left: float,
        top: float,
        size: float = TEXT_SIZE,
        colour: str = BLACK,
        bold: bool = False,
        align: str = "left",
    ) -> None:
        """Draw one line of text, `size` points high; with `align="right"`, `left` is its right."""
        x, y, _, _ = self._fractions(left, top + size * PIXELS_PER_POINT, 0, 0)
        text = replace_missing_glyphs(text)
        # A `$` in a file name must not start a formula.
        self._figure.text(
            x, y, text, font=font(size, bold), color=colour, ha=align, parse_math=False
        )

    def add_title(self, title: str) -> None:
        """Draw the figure's title at the top."""
        self.add_text(title, 0, 0, style.TITLE_SIZE, bold=True)

    def add_caption(self, name: str, details: str, left: float, top: float) -> None:
        """Draw a name in bold and, below it, details in small grey type."""
        self.add_text(name, left, top, bold=True)
        self.add_note(details, left, top + LINE_HEIGHT)

    def add_note(self, text: str, left: float, top: float, align: str = "left") -> None:
        """Draw a line of small grey type."""
        self.add_text(text, left, top, style.SMALL_SIZE, GREY, align=align)

    def add_facts(
        self, facts: Mapping[str, str], left: float, top: float, best: Container[str] = ()
    ) -> None:
        """Draw each value below its name, in small type; those named in `best` in bold."""
        for name, value in facts.items():
            is_best = name in best
            for text in (name, value):
                colour = BLACK if is_best else GREY
                self.add_text(text, left, top, style.SMALL_SIZE, colour, is_best)
                top += LINE_HEIGHT
            top += GAP

    def add_paragraph(
        self, text: str, left: float, top: float, width: float, colour: str = BLACK
    ) -> float:
        """Draw text in lines of at most `width` pixels; returns the top of the next line."""
        for line in wrap(text, width):
            self.add_text(line, left, top, colour=colour)
            top += LINE_HEIGHT
        return top

    def add_axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Add axes around a rectangle; draw in them inside `figure_style`."""
        return self._figure.add_axes(self._fractions(left, top, width, height))

    def render(self) -> RGB8:
        """The canvas with its margin, [H, W, 3] uint8."""
        with figure_style():
            agg = FigureCanvasAgg(self._figure)
            agg.draw()
        return np.asarray(agg.buffer_rgba())[..., :3].copy()

    def write(self, path: Path) -> None:
        """Write `path` + .png and `path` + .pdf; the same canvas gives the same bytes."""
        srgb = PngInfo()
        srgb.add(b"sRGB", b"\0")
        with atomic_write(path.with_name(f"{path.name}.png")) as temporary:
            Image.fromarray(self.render()).save(temporary, "PNG", dpi=(DPI, DPI), pnginfo=srgb)
        undated = {"Creator": None, "Producer": None, "CreationDate": None}
        with figure_style(), atomic_write(path.with_name(f"{path.name}.pdf")) as temporary:
            self._figure.savefig(temporary, format="pdf", dpi=DPI, metadata=undated)

    def _fractions(
        self, left: float, top: float, width: float, height: float
    ) -> tuple[float, float, float, float]:
        """A rectangle as Matplotlib expects it: in fractions of the figure, from the bottom."""
        across, down = self._size
        bottom = down - FIGURE_MARGIN - top - height
        return (FIGURE_MARGIN + left) / across, bottom / down, width / across, height / down


class _ExactImage(Artist):
    """An image that is copied, not resampled (Matplotlib's figimage loses pixels in a PDF).

    A PDF stores it once and scales it; a PNG repeats its pixels.
    """

    def __init__(self, image: RGB8, left: int, bottom: int, zoom: int):
        super().__init__()
        self._rgba = np.dstack([image, np.full(image.shape[:2], 255, np.uint8)])[::-1]
        self._corner, self._zoom = (left, bottom), zoom

    def draw(self, renderer: RendererBase) -> None:
        """Copy the image; positions scale with the dpi of the output, which is 72 in a PDF."""
        figure = self.get_figure(root=True)
        scale = (figure.dpi if figure else DPI) / DPI
        x, y = (round(position * scale, 6) for position in self._corner)
        if self._zoom > 1 and renderer.option_scale_image():
            tall, wide = (side * self._zoom * scale for side in self._rgba.shape[:2])
            sides = Affine2D().scale(wide, tall)
            renderer.draw_image(renderer.new_gc(), x, y, self._rgba, sides)
        else:
            renderer.draw_image(renderer.new_gc(), x, y, enlarge(self._rgba, self._zoom))


def enlarge(image: RGB8, zoom: int) -> RGB8:
    """Draw each pixel of [H, W, C] as a square of `zoom` × `zoom`."""
    return image.repeat(zoom, axis=0).repeat(zoom, axis=1)


def overview_size(shape: Sequence[int], height: int, width: int) -> tuple[int, int]:
    """Height and width of an [H, W, …] image that fills a box of the canvas in one direction."""
    scale = min(height / shape[0], width / shape[1]) / OVERVIEW_ZOOM
    tall, wide = (max(1, round(side * scale)) * OVERVIEW_ZOOM for side in shape[:2])
    return tall, wide
