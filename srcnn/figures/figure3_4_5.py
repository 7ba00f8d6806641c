"""Figures 3 to 5: six images in the ground truth and in the results of both models.

Each image is shown whole, with a window of it beside.
"""

from collections.abc import Mapping, Sequence
from itertools import islice, product

from srcnn.analysis.results import Results
from srcnn.figures.canvas import GAP, LINE_HEIGHT, TITLE_HEIGHT, Canvas, overview_size
from srcnn.figures.style import FIGURE_WIDTH, figure_style, method_name
from srcnn.figures.text import SCORE_NOTE, facts, shorten_name
from srcnn.figures.windows import STRIDE, Window, highest_error_window

ZOOM = 3  # side of the square that shows one pixel of a window
MAX_IMAGES = 6

# Pixels on the canvas.
_HEIGHT, _WIDEST = 198, 408  # of a whole image; its window has the same height
_COLUMNS, _WIDTH, _FACTS = 3, 522, 132  # of an image with its window, and of the text beside it
_PITCH = (FIGURE_WIDTH - _WIDTH - _FACTS) // (_COLUMNS - 1)
_DOWN = _HEIGHT + GAP + 2 * LINE_HEIGHT  # from row to row


def find_windows(results: Results) -> dict[str, Window]:
    """For each of the first MAX_IMAGES images, the window where bicubic's error is highest.

    A window is as large as the space beside its image.
    """
    windows = {}
    for image in islice(results.names, MAX_IMAGES):
        pictures = results.pictures(image, "bicubic")
        _, width = overview_size(pictures["hr"].shape, _HEIGHT, _WIDEST)
        size = _HEIGHT // ZOOM, (_WIDTH - width - GAP) // ZOOM
        windows[image] = highest_error_window(pictures["bicubic"], pictures["hr"], size, STRIDE)
    return windows


@figure_style()
def draw_windows(
    title: str, results: Results, methods: Sequence[str], windows: Mapping[str, Window]
) -> Canvas:
    """Draw each image whole, with its window beside it, for each method."""
    first_row = TITLE_HEIGHT + LINE_HEIGHT
    block = -(-len(windows) // _COLUMNS) * _DOWN + LINE_HEIGHT
    canvas = Canvas(first_row + len(methods) * block - 2 * LINE_HEIGHT)
    canvas.add_title(title)
    note = f"Frame: where bicubic's error (MSE) is highest; right of it, enlarged {ZOOM} times."
    canvas.add_note(note if methods == ["hr"] else f"{note} {SCORE_NOTE}", 0, TITLE_HEIGHT - 16)
    for place, (method, (image, window)) in enumerate(product(methods, windows.items())):
        nth, number = divmod(place, len(windows))
        start = first_row + nth * block
        if nth and not number:
            canvas.add_text(method_name(method), 0, start - LINE_HEIGHT - 8, bold=True)
        left, top = number % _COLUMNS * _PITCH, start + number // _COLUMNS * _DOWN
        picture = results.pictures(image, *{method} - {"hr"})[method]
        _, width = canvas.add_overview(picture, window, Window(top, left, _HEIGHT, _WIDEST))
        canvas.add_image(window.crop(picture), left + width + GAP, top, ZOOM)
        canvas.add_facts(facts(results, image, method), left + _WIDTH + GAP, top)
        name = shorten_name(results.names[image], _WIDTH, bold=True)
        canvas.add_text(name, left, top + _HEIGHT + GAP, bold=True)
    return canvas
