"""The comparison: whole images and one window of each, in the ground truth and by three methods.

A row for the image whose LPIPS the perceptual loss lowers most, the median one, and the one whose
LPIPS it raises most or lowers least. So nobody chooses the rows, and the figure fits on a page.
"""

import math
from collections.abc import Mapping

from srcnn.analysis.results import Results
from srcnn.figures.canvas import GAP, LINE_HEIGHT, TITLE_HEIGHT, Canvas, overview_size
from srcnn.figures.style import figure_style, method_name
from srcnn.figures.text import facts, shorten_name, text_width
from srcnn.figures.windows import STRIDE, Window, highest_error_window
from srcnn.images.image_io import RGB8

COMPARED = "bicubic", "mse", "perceptual"
ZOOM = 3  # side of the square that shows one pixel of a window
WINDOW = 56, 168  # height and width of the windows, in pixels of the ground truth

# Pixels on the canvas.
_WIDTH, _BETWEEN = WINDOW[1] * ZOOM, 20  # of a column, and to the next
_AREA = 54_000  # of a whole image of any shape, so that the file stays small
_TALLEST, _WIDEST = 400, _WIDTH - 150  # of a whole image; its scores are beside it
_SCORES = 4 * LINE_HEIGHT + 2 * GAP  # the height of the scores
_NAME, _BELOW = LINE_HEIGHT + 8, 36  # above and below a row
_FIRST_ROW = TITLE_HEIGHT + 3 * LINE_HEIGHT + 32
_NOTES = (
    f"Frame: where bicubic's error (MSE) is highest; below, enlarged {ZOOM} times. "
    "Scores are of the whole image, the best in bold.",
    "PSNR in RGB: higher is closer to the original in each pixel. LPIPS: lower looks closer to it.",
)


def choose_images(results: Results) -> dict[str, str]:
    """The images of the rows, and how the perceptual loss changes their LPIPS."""
    lpips = results.table("lpips")
    changes = (lpips["perceptual"] - lpips["mse"]).sort_values(kind="stable")
    best, median, worst = changes.index[[0, len(changes) // 2, -1]]
    kinds = {
        median: "the median change",
        worst: "the largest rise" if changes[worst] > 0 else "the smallest fall",
        best: "the largest fall" if changes[best] < 0 else "the smallest rise",
    }
    if len(changes) == 1:
        kinds[best] = "the only val image"
    return {
        image: f"LPIPS from {lpips.loc[image, 'mse']:.3f} (MSE loss) to "
        f"{lpips.loc[image, 'perceptual']:.3f} (perceptual loss): {kinds[image]}"
        for image in dict.fromkeys((best, median, worst))
    }


@figure_style()
def draw_comparison(results: Results) -> Canvas:
    """Draw a row per chosen image, with the ground truth and COMPARED as columns."""
    texts = choose_images(results)
    rows = {image: results.pictures(image, *COMPARED) for image in texts}
    heights = {image: _height(pictures["hr"]) for image, pictures in rows.items()}
    canvas = Canvas(_FIRST_ROW + sum(heights.values()) - _BELOW)
    canvas.add_title(f"Ground truth and three methods side by side, ×{results.scale}")
    for number, note in enumerate(_NOTES):
        canvas.add_note(note, 0, TITLE_HEIGHT - 16 + number * LINE_HEIGHT)
    for column, method in enumerate(("hr", *COMPARED)):
        left, top = column * (_WIDTH + _BETWEEN), _FIRST_ROW - LINE_HEIGHT - 16
        canvas.add_text(method_name(method), left, top, bold=True)
    top = _FIRST_ROW
    for image, pictures in rows.items():
        name = shorten_name(results.names[image], _WIDTH, bold=True)
        canvas.add_text(name, 0, top, bold=True)
        canvas.add_note(texts[image], text_width(name, bold=True) + 2 * GAP, top)
        _add_row(canvas, top + _NAME, results, image, pictures)
        top += heights[image]
    return canvas


def _add_row(
    canvas: Canvas, top: int, results: Results, image: str, pictures: Mapping[str, RGB8]
) -> None:
    """Add an image by each method: whole, its scores beside it, and its window below."""
    window = highest_error_window(pictures["bicubic"], pictures["hr"], WINDOW, STRIDE)
    texts = {method: facts(results, image, method) for method in pictures}
    scores = results.scores[results.scores["image"] == image].set_index("method").loc[[*COMPARED]]
    best = {
        "PSNR": texts[scores["psnr_rgb"].idxmax()]["PSNR"],
        "LPIPS": texts[scores["lpips"].idxmin()]["LPIPS"],
    }
    for column, (method, picture) in enumerate(pictures.items()):
        left, box = column * (_WIDTH + _BETWEEN), _box(picture)
        _, width = canvas.add_overview(picture, window, Window(top, left, *box))
        bold = [name for name, text in texts[method].items() if best.get(name) == text]
        canvas.add_facts(texts[method], left + width + 16, top, bold)
        canvas.add_image(window.crop(picture), left, top + max(box[0], _SCORES) + GAP, ZOOM)


def _box(image: RGB8) -> tuple[int, int]:
    """Height and width of a whole image on the canvas."""
    tall, wide = image.shape[:2]
    height, width = math.isqrt(_AREA * tall // wide), math.isqrt(_AREA * wide // tall)
    return overview_size(image.shape, min(height, _TALLEST), min(width, _WIDEST))


def _height(image: RGB8) -> int:
    """The height of an image's row on the canvas."""
    whole = max(_box(image)[0], _SCORES)
    return _NAME + whole + GAP + min(WINDOW[0], len(image)) * ZOOM + _BELOW
