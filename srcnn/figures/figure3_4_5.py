"""The paper's figures 1 and 3 to 5, made of this project's images: real pixels, with their scores.

Figure 1 shows what super-resolution does not bring back; figures 3 to 5 the ground truth and both
models' results.
"""

from collections.abc import Mapping
from itertools import islice

from srcnn.analysis.results import Results
from srcnn.figures.canvas import LINE, Canvas, enlarge
from srcnn.figures.style import GREY, SMALL, TITLE, WIDTH, look, name_of
from srcnn.figures.text import shorten, wrap
from srcnn.figures.windows import CLOSEUP, CROP, STRIDE, Window, hardest_window

TOP = 60
"""Pixels above the body of a figure: the title's."""

GAP = 12
"""Pixels between a picture and the text below it."""

OVERVIEW = 108
"""Pixels that a whole picture may be high in figure 3."""

CLOSEUP_ZOOM, CROP_ZOOM = 9, 7
"""Sides of the squares that pixels are drawn as, in figure 1 and in figures 3 to 5."""

_COLUMNS = 3
_CAT, _WHISKERS = "chelsea.png", Window(top=216, left=96, height=72, width=72)


@look()
def draw_figure1(results: Results) -> Canvas:
    """The cat near its whiskers: low resolution, bicubic, both models and ground truth.

    Where there is no such cat, the first image, in the window that bicubic restores worst.
    """
    cats = [image for image, name in results.names.items() if name == _CAT]
    image = cats[0] if cats else next(iter(results.names))
    pictures = results.pictures(image, "nearest", "bicubic", "mse", "perceptual")
    pictures["hr"] = pictures.pop("hr")  # last
    if cats and _WHISKERS.of(pictures["hr"]).shape == (*CLOSEUP, 3):
        window, marked = _WHISKERS, "Marked: the whiskers, where the paper sees features vanish."
    else:
        window = hardest_window(pictures["bicubic"], pictures["hr"], CLOSEUP, STRIDE)
        marked = "Marked: the window that bicubic restores worst (by MSE)."
    side = CLOSEUP[0] * CLOSEUP_ZOOM
    across, down = (WIDTH - side) // (_COLUMNS - 1), side + GAP + 3 * LINE
    page = Canvas(TOP + 2 * down - LINE)
    page.text("Figure 1. What SRCNN does not bring back", 0, 0, TITLE, bold=True)
    tall, _, _ = page.overview(pictures["hr"], window, 0, TOP, side - 6 * LINE, side)
    below = TOP + tall + GAP
    name = f"{shorten(results.names[image], side - 80, bold=True)}, ×{results.scale}"
    page.text(name, 0, below, bold=True)
    text = f"{marked} Beside and below: each of its pixels drawn {squares(CLOSEUP_ZOOM)}."
    lines = [*wrap(text, side), "Scores: of the whole picture, PSNR in RGB."]
    page.lines(lines, 0, below + LINE, GREY)
    for number, (method, picture) in enumerate(pictures.items(), start=1):
        left, top = number % _COLUMNS * across, TOP + number // _COLUMNS * down
        page.picture(enlarge(window.of(picture), CLOSEUP_ZOOM), left, top)
        below = top + side + GAP
        label = "Low resolution (nearest)" if method == "nearest" else name_of(method)
        page.text(label, left, below, bold=True)
        size = f"{window.width} × {window.height} pixels"
        scores = size if method == "hr" else _scores(results, image, method)
        page.text(scores, left, below + LINE, SMALL, GREY)
    return page


def find_crops(results: Results, most: int = 6) -> dict[str, Window]:
    """For each of the first images, the window that bicubic restores worst."""
    crops = {}
    for image in islice(results.names, most):
        pictures = results.pictures(image, "bicubic")
        crops[image] = hardest_window(pictures["bicubic"], pictures["hr"], CROP, STRIDE)
    return crops


@look()
def draw_grid(title: str, results: Results, method: str, crops: Mapping[str, Window]) -> Canvas:
    """Figures 3 to 5: a window of each image; of the ground truth, the whole as well.

    Args:
        title: of the figure.
        results: to draw from.
        method: whose results, or `hr` for the ground truth.
        crops: the windows by image, from `find_crops`.
    """
    tall, wide = (side * CROP_ZOOM for side in CROP)
    note = f"The window that bicubic restores worst, each pixel drawn {squares(CROP_ZOOM)}. "
    if method == "hr":
        note, below_it = f"{note}Below it the whole picture.", OVERVIEW + GAP
    else:
        note, below_it = f"{note}Scores: of the whole picture, PSNR in RGB.", 2 * LINE
    across, down = (WIDTH - wide) // (_COLUMNS - 1), tall + GAP + below_it + LINE
    top = TOP + LINE
    page = Canvas(top + -(-len(crops) // _COLUMNS) * down - LINE)
    page.text(title, 0, 0, TITLE, bold=True)
    page.text(note, 0, TOP - 16, SMALL, GREY)
    for number, (image, window) in enumerate(crops.items()):
        left, row = number % _COLUMNS * across, top + number // _COLUMNS * down
        picture = results.pictures(image, *([] if method == "hr" else [method]))[method]
        page.picture(enlarge(window.of(picture), CROP_ZOOM), left, row)
        beside, below = left, row + tall + GAP
        if method == "hr":
            _, width, factor = page.overview(picture, window, left, below, OVERVIEW, wide // 2)
            beside = left + width + 2 * GAP
            words = f"{picture.shape[1]} × {picture.shape[0]} pixels{reduced(factor)}"
        else:
            words = _scores(results, image, method)
        name = shorten(results.names[image], left + wide - beside, bold=True)
        page.text(name, beside, below, bold=True)
        page.text(words, beside, below + LINE, SMALL, GREY)
    return page


def squares(zoom: int) -> str:
    """How large a pixel is drawn."""
    return f"{zoom}\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}{zoom}"


def reduced(factor: int) -> str:
    """By how much a picture is reduced; nothing if it is not."""
    return f", 1 : {factor}" if factor > 1 else ""


def _scores(results: Results, image: str, method: str) -> str:
    """The whole picture's scores as published."""
    row = results.score(image, method)
    return f"PSNR {row['psnr_rgb']:.2f} dB   LPIPS {row['lpips']:.3f}"
