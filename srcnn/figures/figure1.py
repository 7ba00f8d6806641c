"""Figure 1: details that super-resolution does not restore, next to the ground truth."""

from srcnn.analysis.results import Results
from srcnn.figures.canvas import GAP, LINE_HEIGHT, TITLE_HEIGHT, Canvas
from srcnn.figures.style import FIGURE_WIDTH, GREY, figure_style, method_name
from srcnn.figures.text import SCORE_NOTE, score_text, shorten_name, size_text
from srcnn.figures.windows import CLOSEUP, STRIDE, Window, highest_error_window

ZOOM = 9  # side of the square that shows one pixel
_COLUMNS = 3
_CAT, _WHISKERS = "chelsea.png", Window(top=216, left=96, height=72, width=72)


@figure_style()
def draw_figure1(results: Results) -> Canvas:
    """A cat's whiskers in low resolution, bicubic, both models and the ground truth.

    Without that photograph: the first image, in the window where bicubic's error is highest.
    """
    cats = [image for image, name in results.names.items() if name == _CAT]
    image = cats[0] if cats else next(iter(results.names))
    pictures = results.pictures(image, "nearest", "bicubic", "mse", "perceptual")
    hr = pictures.pop("hr")
    if cats and _WHISKERS.crop(hr).shape == (*CLOSEUP, 3):
        window, frame = _WHISKERS, "Frame: the whiskers, one of the details that the paper names."
    else:
        window = highest_error_window(pictures["bicubic"], hr, CLOSEUP, STRIDE)
        frame = "Frame: the window where bicubic's error (MSE) is highest."
    side = CLOSEUP[0] * ZOOM
    across, down = (FIGURE_WIDTH - side) // (_COLUMNS - 1), side + GAP + 3 * LINE_HEIGHT
    canvas = Canvas(TITLE_HEIGHT + 2 * down - LINE_HEIGHT)
    canvas.add_title("Figure 1. Details that SRCNN does not restore")
    box = Window(TITLE_HEIGHT, 0, 288, side)
    height, _ = canvas.add_overview(hr, window, box)
    below = TITLE_HEIGHT + height + GAP
    name = f"{shorten_name(results.names[image], side - 80, bold=True)}, ×{results.scale}"
    canvas.add_text(name, 0, below, bold=True)
    text = f"{frame} The other panels show it, enlarged {ZOOM} times. {SCORE_NOTE}"
    canvas.add_paragraph(text, 0, below + LINE_HEIGHT, side, GREY)
    for number, (method, picture) in enumerate((pictures | {"hr": hr}).items(), start=1):
        left, top = number % _COLUMNS * across, TITLE_HEIGHT + number // _COLUMNS * down
        shown = window.crop(picture)
        canvas.add_image(shown, left, top, ZOOM)
        label = "Low resolution (nearest)" if method == "nearest" else method_name(method)
        details = size_text(shown.shape) if method == "hr" else score_text(results, image, method)
        canvas.add_caption(label, details, left, top + side + GAP)
    return canvas
