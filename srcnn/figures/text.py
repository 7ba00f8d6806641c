"""Text in figures: captions, missing glyphs, width, wrapping, and shortening of names."""

from collections.abc import Set
from functools import cache

from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.textpath import text_to_path

from srcnn.analysis.results import Results
from srcnn.figures.style import DPI, FONT, TEXT_SIZE

PIXELS_PER_POINT = DPI / 72
SCORE_NOTE = "Scores are of the whole image; PSNR is in RGB."


def score_text(results: Results, image: str, method: str) -> str:
    """The scores of an image by a method."""
    score = results.score(image, method)
    return f"PSNR {score['psnr_rgb']:.2f} dB   LPIPS {score['lpips']:.3f}"


def size_text(shape: tuple[int, ...]) -> str:
    """The width and height of an image."""
    return f"{shape[1]} × {shape[0]} pixels"


def facts(results: Results, image: str, method: str) -> dict[str, str]:
    """The scores of an image by a method; of the ground truth, its size."""
    if method == "hr":
        height, width = results.pictures(image)["hr"].shape[:2]
        return {"width": f"{width} px", "height": f"{height} px"}
    score = results.score(image, method)
    return {"PSNR": f"{score['psnr_rgb']:.2f} dB", "LPIPS": f"{score['lpips']:.3f}"}


def font(size: float, bold: bool = False) -> FontProperties:
    """The font of all figures, `size` points high."""
    return FontProperties(family=FONT, size=size, weight="bold" if bold else "normal")


def replace_missing_glyphs(text: str) -> str:
    """Replace characters that the font cannot draw with �."""
    return "".join(character if ord(character) in _glyphs() else "�" for character in text)


@cache
def _glyphs() -> Set[int]:
    return get_font(findfont(font(TEXT_SIZE))).get_charmap().keys()


def text_width(text: str, size: float = TEXT_SIZE, bold: bool = False) -> float:
    """Width of a line of text in pixels."""
    text = replace_missing_glyphs(text)
    width, _, _ = text_to_path.get_text_width_height_descent(text, font(size, bold), False)
    return float(width) * PIXELS_PER_POINT


def wrap(text: str, width: float, size: float = TEXT_SIZE) -> list[str]:
    """Break text into lines of at most `width` pixels; a wider word gets a line of its own."""
    lines: list[str] = []
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def shorten_name(name: str, width: float, size: float = TEXT_SIZE, bold: bool = False) -> str:
    """A file's name in at most `width` pixels: without its folders, or with "…" in its middle."""
    if text_width(name, size, bold) <= width:
        return name
    name = name.rsplit("/", 1)[-1]
    short, kept = name, len(name)
    while kept > 2 and text_width(short, size, bold) > width:
        kept -= 1
        short = f"{name[: (kept + 1) // 2]}…{name[len(name) - kept // 2 :]}"
    return short
