"""Lines of text: what the font can draw, how wide it is, and how it is broken and shortened."""

from collections.abc import Set
from functools import cache

from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.textpath import text_to_path

from srcnn.figures.style import DPI, FONT, TEXT

POINT = DPI / 72
"""Pixels of a point of type."""

_MISSING = "\N{REPLACEMENT CHARACTER}"


def font_of(size: float, bold: bool = False) -> FontProperties:
    """The font of all figures, `size` points high."""
    return FontProperties(family=FONT, size=size, weight="bold" if bold else "normal")


def drawable(text: str) -> str:
    """The text with what the font has no sign for replaced."""
    return "".join(sign if ord(sign) in _signs() else _MISSING for sign in text)


@cache
def _signs() -> Set[int]:
    return get_font(findfont(font_of(TEXT))).get_charmap().keys()


def width_of(text: str, size: float = TEXT, bold: bool = False) -> float:
    """Width of a line of text in pixels."""
    width, _, _ = text_to_path.get_text_width_height_descent(
        drawable(text), font_of(size, bold), False
    )
    return float(width) * POINT


def wrap(text: str, width: float, size: float = TEXT) -> list[str]:
    """Lines of whole words, none wider than `width` pixels but for words that are."""
    lines: list[str] = []
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width_of(longer, size) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def shorten(name: str, width: float, size: float = TEXT, bold: bool = False) -> str:
    """A file's name without its folders, its middle left out where it is too wide."""
    name = name.rsplit("/", 1)[-1]
    short, kept = name, len(name)
    while kept > 2 and width_of(short, size, bold) > width:
        kept -= 1
        short = f"{name[: (kept + 1) // 2]}…{name[len(name) - kept // 2 :]}"
    return short
