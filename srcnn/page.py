"""A page of pictures and text laid out in pixels: what is pasted on it is never resampled."""

from typing import Any

import numpy as np
from matplotlib import style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import IdentityTransform

from srcnn.images import RGB8
from srcnn.windows import Window

INK, GREY, ACCENT = "#1f2328", "#656d76", (10, 132, 255)
WIDTH = 900
"""Pixels across every figure: what a README shows unscaled."""

DPI = 72
"""At which a point of type is a pixel."""

STYLE: list[Any] = ["default", {"font.family": "DejaVu Sans", "font.size": 12, "text.color": INK}]
"""Matplotlib's own defaults, whatever the user's are, so that a figure is the same everywhere."""


class Page:
    """White, `width` × `height` pixels; positions are from its left and its top."""

    def __init__(self, width: int, height: int):
        self.width, self.height = width, height
        self._pictures: list[tuple[RGB8, int, int]] = []
        self._texts: list[tuple[int, int, str, dict[str, Any]]] = []

    def picture(self, picture: RGB8, left: int, top: int) -> None:
        """Paste [H, W, 3]."""
        self._pictures.append((picture, left, top))

    def text(
        self,
        text: str,
        left: int,
        top: int,
        size: int = 12,
        colour: str = INK,
        bold: bool = False,
    ) -> None:
        """Set one line of text, `size` pixels high."""
        look = {"size": size, "color": colour, "weight": "bold" if bold else "normal"}
        self._texts.append((left, top + size, text, look))

    def pixels(self) -> RGB8:
        """The page, [height, width, 3] uint8."""
        with style.context(STYLE):
            figure = Figure(figsize=(self.width / DPI, self.height / DPI), dpi=DPI)
            for left, baseline, text, look in self._texts:
                at = (left, self.height - baseline)
                # A name may hold a `$`, which is not to start a formula.
                figure.text(*at, text, transform=IdentityTransform(), parse_math=False, **look)
            page = draw(figure)
        for picture, left, top in self._pictures:
            height, width = picture.shape[:2]
            page[top : top + height, left : left + width] = picture
        return page


def draw(figure: Figure) -> RGB8:
    """The figure's pixels, [H, W, 3] uint8."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


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


def mark(picture: RGB8, window: Window, factor: int) -> RGB8:
    """A copy of a shrunk picture with a frame around a window of the original.

    Args:
        picture: [H, W, 3].
        window: of the original.
        factor: by which the picture was shrunk.
    """
    marked = picture.copy()
    tops = window.top // factor, -(-(window.top + window.height) // factor)
    lefts = window.left // factor, -(-(window.left + window.width) // factor)
    # Around the window; over its outermost pixels where it lies at the picture's edge.
    (top, bottom), (left, right) = (
        (max(0, ends[0] - 3), min(length, ends[1] + 3))
        for ends, length in zip((tops, lefts), picture.shape, strict=False)
    )
    marked[top:bottom, left:right] = 255
    marked[top + 1 : bottom - 1, left + 1 : right - 1] = ACCENT
    inside = slice(top + 3, bottom - 3), slice(left + 3, right - 3)
    marked[inside] = picture[inside]
    return marked
