"""The paper's figures, made of this project's images: real pixels, with their scores.

Figure 1 shows what super-resolution does not bring back; figures 3 to 5 the ground truth and both
models' results; figures 6 and 7 where the perceptual loss helps most and where it harms most.
"""

from collections.abc import Callable, Mapping
from itertools import islice

from srcnn.images import RGB8
from srcnn.lpips import LPIPS
from srcnn.metrics import lpips_distance, mse
from srcnn.page import GREY, WIDTH, Page, enlarge, mark, shrink
from srcnn.results import Results
from srcnn.windows import Case, Window, best_case, hardest_window, worst_case

ZOOM = 3
"""Side of the square that a pixel of a window is drawn as."""

CLOSEUP = 72, 72
"""Height and width of the window of figures 1, 6 and 7, in pixels of the ground truth."""

CROP = 72, 96
"""Height and width of the windows of figures 3 to 5."""

STRIDE = 48
"""Pixels from one window that is tried to the next."""

LABELS = {
    "hr": "Ground truth",
    "nearest": "Low resolution (nearest)",
    "bicubic": "Bicubic",
    "mse": "SRCNN, MSE loss",
    "perceptual": "SRCNN, perceptual loss",
}

_MARGIN, _COLUMNS = 6, 3
_CAT, _WHISKERS = "chelsea.png", Window(top=216, left=96, height=72, width=72)


def draw_figure1(results: Results) -> RGB8:
    """The cat near its whiskers: low resolution, bicubic, SRCNN and ground truth.

    Where there is no such cat, the first image, in the window that bicubic restores worst.
    """
    cats = [image for image, name in results.names.items() if name == _CAT]
    image = cats[0] if cats else next(iter(results.names))
    order = "nearest", "bicubic", "mse", "hr"
    pictures = results.pictures(image, *order[:-1])
    if cats and _WHISKERS.of(pictures["hr"]).shape == (*CLOSEUP, 3):
        window, marked = _WHISKERS, "Marked: the whiskers, where the paper sees features vanish."
    else:
        window = hardest_window(pictures["bicubic"], pictures["hr"], CLOSEUP, STRIDE)
        marked = "Marked: the window that bicubic restores worst (by MSE)."
    lines = [
        f"{_short(results.names[image], 40)}, ×{results.scale}",
        marked,
        f"Below: the window, each pixel drawn {ZOOM} × {ZOOM}.",
        "Scores: of the whole picture, PSNR in RGB.",
    ]
    captions = {method: "   ".join(_scores(results, image, method)) for method in order[:-1]}
    ordered = {method: pictures[method] for method in order}
    return _closeup("Figure 1. What SRCNN does not bring back", lines, ordered, window, captions)


def find_crops(results: Results, most: int = 6) -> dict[str, Window]:
    """For each of the first images, the window that bicubic restores worst."""
    crops = {}
    for image in islice(results.names, most):
        pictures = results.pictures(image, "bicubic")
        crops[image] = hardest_window(pictures["bicubic"], pictures["hr"], CROP, STRIDE)
    return crops


def draw_grid(title: str, results: Results, method: str, crops: Mapping[str, Window]) -> RGB8:
    """Figures 3 to 5: of each image a window, large, and the whole, small.

    Args:
        title: of the figure.
        results: to draw from.
        method: whose results, or `hr` for the ground truth.
        crops: the windows by image, from `find_crops`.
    """
    tall, wide = CROP[0] * ZOOM + 140, (WIDTH - 2 * _MARGIN + 12) // _COLUMNS
    page = Page(WIDTH, 62 + -(-len(crops) // _COLUMNS) * tall)
    page.text(title, _MARGIN, 6, 16, bold=True)
    note = f"Large: the window that bicubic restores worst, each pixel drawn {ZOOM} × {ZOOM}. "
    note += "Small: the whole picture, reduced"
    note += "." if method == "hr" else ", and its scores (PSNR in RGB)."
    page.text(note, _MARGIN, 30, 12, GREY)
    methods = [] if method == "hr" else [method]
    for number, (image, window) in enumerate(crops.items()):
        left, top = _MARGIN + number % _COLUMNS * wide, 58 + number // _COLUMNS * tall
        picture = results.pictures(image, *methods)[method]
        page.picture(enlarge(window.of(picture), ZOOM), left, top)
        below = top + window.height * ZOOM + 6
        whole, factor = shrink(picture, 108, 160)
        page.picture(mark(whole, window, factor), left, below)
        beside = left + whole.shape[1] + 10
        page.text(_short(results.names[image], 14), beside, below, 13, bold=True)
        size = f"{picture.shape[1]} × {picture.shape[0]} pixels"
        for line, score in enumerate(_scores(results, image, method) or [size], start=1):
            page.text(score, beside, below + 4 + 18 * line, 12, GREY)
    return page.pixels()


def draw_best(results: Results, cases: list[Case], lpips: LPIPS) -> RGB8:
    """Figure 6: the window in which the perceptual loss lowers LPIPS most.

    Args:
        results: to draw from.
        cases: what `compare_losses` found in them.
        lpips: for the window's scores.
    """
    return _draw_case(
        "Figure 6. Best case for the perceptual loss", best_case, results, cases, lpips
    )


def draw_worst(results: Results, cases: list[Case], lpips: LPIPS) -> RGB8:
    """Figure 7: the window in which the perceptual loss raises LPIPS most; as `draw_best`."""
    return _draw_case(
        "Figure 7. Worst case for the perceptual loss", worst_case, results, cases, lpips
    )


def _draw_case(
    title: str,
    choose: Callable[[list[Case]], tuple[Case, str]],
    results: Results,
    cases: list[Case],
    lpips: LPIPS,
) -> RGB8:
    case, found = choose(cases)
    pictures = results.pictures(case.image, "bicubic", "mse", "perceptual")
    hr, captions = case.window.of(pictures["hr"]), {}
    for method in ("bicubic", "mse", "perceptual"):
        sr = case.window.of(pictures[method])
        distance = lpips_distance(sr, hr, lpips)
        captions[method] = f"MSE {mse(sr / 255, hr / 255):.5f}   LPIPS {distance:.3f}"
    falls = sum(other.change < 0 for other in cases)
    before, after = (results.scores[case.image, method] for method in ("mse", "perceptual"))
    lines = [
        f"{_short(results.names[case.image], 40)}, ×{results.scale}",
        f"Marked: {found},",
        f"from {case.lpips_mse:.3f} (MSE loss) to {case.lpips_perceptual:.3f} (perceptual loss).",
        f"It falls in {falls} of the {len(cases)} windows tried.",
        f"Whole picture: LPIPS {before['lpips']:.3f} to {after['lpips']:.3f},",
        f"MSE {before['mse']:.4f} to {after['mse']:.4f}.",
        f"Below: the window, each pixel drawn {ZOOM} × {ZOOM}, and its scores.",
    ]
    return _closeup(title, lines, pictures, case.window, captions)


def _closeup(
    title: str,
    lines: list[str],
    pictures: Mapping[str, RGB8],
    window: Window,
    captions: Mapping[str, str],
) -> RGB8:
    """The ground truth with a window marked, and below it the window in each of four pictures."""
    whole, factor = shrink(pictures["hr"], 300, 448)
    top = _MARGIN
    crops = top + max(whole.shape[0], 32 + 22 * len(lines)) + 14
    page = Page(WIDTH, crops + window.height * ZOOM + 46)
    page.picture(mark(whole, window, factor), _MARGIN, top)
    beside = _MARGIN + whole.shape[1] + 20
    page.text(title, beside, top, 16, bold=True)
    for number, line in enumerate(lines):
        page.text(line, beside, top + 28 + 22 * number + (8 if number else 0), 13)
    for column, (method, picture) in enumerate(pictures.items()):
        left = _MARGIN + column * 224
        page.picture(enlarge(window.of(picture), ZOOM), left, crops)
        below = crops + window.height * ZOOM + 6
        page.text(LABELS[method], left, below, 13, bold=True)
        size = f"{window.width} × {window.height} pixels"
        page.text(captions.get(method, size), left, below + 20, 12, GREY)
    return page.pixels()


def _scores(results: Results, image: str, method: str) -> list[str]:
    """The whole picture's scores as published, a line each."""
    if method == "hr":
        return []
    row = results.scores[image, method]
    return [f"PSNR {row['psnr_rgb']:.2f} dB", f"LPIPS {row['lpips']:.3f}"]


def _short(name: str, length: int) -> str:
    """The file's name, its middle left out where it is longer than `length` characters."""
    file, half = name.rsplit("/", 1)[-1], (length - 1) // 2
    return file if len(file) <= length else f"{file[:half]}…{file[-half:]}"
