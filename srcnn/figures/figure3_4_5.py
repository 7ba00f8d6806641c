"""Figures 3 to 5: windows of six images in the ground truth and in the results of both models."""

from collections.abc import Mapping, Sequence
from itertools import islice, product

from srcnn.analysis.results import Results
from srcnn.figures.canvas import GAP, LINE_HEIGHT, TITLE_HEIGHT, Canvas, enlarge
from srcnn.figures.style import FIGURE_WIDTH, figure_style, method_name
from srcnn.figures.text import SCORE_NOTE, score_text, shorten_name, size_text
from srcnn.figures.windows import STRIDE, Window, highest_error_window

ZOOM = 7  # side of the square that shows one pixel
MAX_IMAGES = 6
WINDOW = 72, 96  # height and width of the windows, in pixels of the ground truth
_COLUMNS = 3
_OVERVIEW_HEIGHT = 108


def find_windows(results: Results) -> dict[str, Window]:
    """For each of the first MAX_IMAGES images, the window where bicubic's error is highest."""
    windows = {}
    for image in islice(results.names, MAX_IMAGES):
        pictures = results.pictures(image, "bicubic")
        windows[image] = highest_error_window(pictures["bicubic"], pictures["hr"], WINDOW, STRIDE)
    return windows


@figure_style()
def draw_windows(
    title: str, results: Results, methods: Sequence[str], windows: Mapping[str, Window]
) -> Canvas:
    """Draw the window of each image for each method; for `hr`, the whole image as well."""
    height, width = (side * ZOOM for side in WINDOW)
    is_hr = methods == ["hr"]
    below_image = _OVERVIEW_HEIGHT + GAP if is_hr else 2 * LINE_HEIGHT
    across = (FIGURE_WIDTH - width) // (_COLUMNS - 1)
    down = height + GAP + below_image + LINE_HEIGHT
    first_row = TITLE_HEIGHT + LINE_HEIGHT
    block = -(-len(windows) // _COLUMNS) * down
    canvas = Canvas(first_row + len(methods) * (block + LINE_HEIGHT) - 2 * LINE_HEIGHT)
    canvas.add_title(title)
    note = f"The window where bicubic's error (MSE) is highest, enlarged {ZOOM} times. "
    note += "Below it, the whole image." if is_hr else SCORE_NOTE
    canvas.add_note(note, 0, TITLE_HEIGHT - 16)
    for place, (method, (image, window)) in enumerate(product(methods, windows.items())):
        nth, number = divmod(place, len(windows))
        start = first_row + nth * (block + LINE_HEIGHT)
        if nth and not number:
            canvas.add_text(method_name(method), 0, start - LINE_HEIGHT - 8, bold=True)
        left, top = number % _COLUMNS * across, start + number // _COLUMNS * down
        picture = results.pictures(image, *([] if is_hr else [method]))[method]
        canvas.add_image(enlarge(window.crop(picture), ZOOM), left, top)
        beside, below = left, top + height + GAP
        if is_hr:
            box = Window(below, left, _OVERVIEW_HEIGHT, width // 2)
            _, overview_width, factor = canvas.add_overview(picture, window, box)
            beside = left + overview_width + 2 * GAP
            details = size_text(picture.shape, factor)
        else:
            details = score_text(results, image, method)
        name = shorten_name(results.names[image], left + width - beside, bold=True)
        canvas.add_caption(name, details, beside, below)
    return canvas
