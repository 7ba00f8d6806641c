"""Figures 6 and 7: where the perceptual loss helps most and where it harms most, with maps.

Below each method's pixels lie maps of where it differs from the ground truth, each kind on one
scale of colours.
"""

from collections.abc import Mapping

import numpy as np
from matplotlib.ticker import MultipleLocator

from srcnn.analysis.hallucination import BANDS, hallucinated, hallucinated_energy
from srcnn.analysis.results import Results
from srcnn.evaluation.lpips import LPIPS
from srcnn.evaluation.metrics import mse
from srcnn.figures.canvas import LINE, Canvas, enlarge
from srcnn.figures.charts import decimals_of, named, start, unit_of
from srcnn.figures.difference_maps import Map, colour_bar, coloured, error_map, lpips_map
from srcnn.figures.figure3_4_5 import GAP, TOP, reduced, squares
from srcnn.figures.style import GREY, SMALL, TITLE, WIDTH, colours_of, look, name_of, short_name
from srcnn.figures.text import shorten, wrap
from srcnn.figures.windows import CLOSEUP, Case, best_case, worst_case
from srcnn.images.image_io import RGB8

ZOOM = 5
"""Side of the square that a pixel of a window is drawn as."""

METHODS = "bicubic", "mse", "perceptual"

_SIDE = CLOSEUP[0] * ZOOM
_PITCH = _SIDE + 24
_FIRST = WIDTH - 3 * _PITCH - _SIDE
_ROW = _SIDE + GAP + LINE + 24
_STORY = _FIRST - 36
_BODY = TOP + LINE + 6
_BAR = 24
_CHART, _XLABEL, _YLABEL = 460, 60, 80


@look()
def draw_best(results: Results, cases: list[Case], lpips: LPIPS) -> Canvas:
    """Figure 6: the window in which the perceptual loss lowers LPIPS most.

    Args:
        results: to draw from.
        cases: what `compare_losses` found in them.
        lpips: for the maps.
    """
    case, found = best_case(cases)
    page = _start("Figure 6. Best case for the perceptual loss", results, cases, case, found, 3)
    _put_differences(page, results, case, lpips)
    return page


@look()
def draw_worst(results: Results, cases: list[Case], lpips: LPIPS) -> Canvas:
    """Figure 7: the window in which the perceptual loss raises LPIPS most, and what it invents.

    Args:
        results: to draw from.
        cases: what `compare_losses` found in them.
        lpips: for the maps.
    """
    case, found = worst_case(cases)
    page = _start("Figure 7. Worst case for the perceptual loss", results, cases, case, found, 4)
    windows = _put_differences(page, results, case, lpips)
    hr = windows.pop("hr")
    inventions = {method: hallucinated(windows[method], hr) for method in METHODS}
    words = "Energy of texture that the ground truth does not have."
    _put_maps(page, 3, "Hallucination", words, inventions)
    _draw_bands(page, windows, hr)
    return page


def _start(
    title: str, results: Results, cases: list[Case], case: Case, found: str, rows: int
) -> Canvas:
    """The page with its title, and at the left the whole picture and what there is to say."""
    page = Canvas(_BODY + rows * _ROW - 24)
    page.text(title, 0, 0, TITLE, bold=True)
    hr = results.pictures(case.image)["hr"]
    top = _BODY
    tall, _, factor = page.overview(hr, case.window, 0, top, 160, _STORY)
    top += tall + GAP
    name = f"{shorten(results.names[case.image], _STORY - 80, bold=True)}, ×{results.scale}"
    page.text(name, 0, top, bold=True)
    size = f"{hr.shape[1]} × {hr.shape[0]} pixels{reduced(factor)}"
    page.text(size, 0, top + LINE, SMALL, GREY)
    falls = sum(other.change < 0 for other in cases)
    before, after = (results.score(case.image, method) for method in ("mse", "perceptual"))
    story = [
        f"Marked: {found}, from {case.lpips_mse:.3f} (MSE loss) "
        f"to {case.lpips_perceptual:.3f} (perceptual loss).",
        f"It falls in {falls} of the {len(cases)} windows tried.",
        f"Whole picture: LPIPS {before['lpips']:.3f} to {after['lpips']:.3f}, "
        f"MSE {before['mse']:.4f} to {after['mse']:.4f}.",
        f"Right: the window, each pixel drawn {squares(ZOOM)}.",
    ]
    below = float(top + 2 * LINE + GAP)
    for sentence in story:
        below = page.lines(wrap(sentence, _STORY), 0, below) + GAP
    return page


def _put_differences(page: Canvas, results: Results, case: Case, lpips: LPIPS) -> dict[str, RGB8]:
    """Three rows: the window in each picture, then the maps of LPIPS and of the error.

    Returns:
        the windows, by method.
    """
    pictures = results.pictures(case.image, *METHODS)
    windows = {name: case.window.of(picture) for name, picture in pictures.items()}
    hr, below = windows["hr"], _BODY + _SIDE + GAP
    for column, (method, window) in enumerate(windows.items()):
        left = _FIRST + column * _PITCH
        page.text(name_of(method), left, TOP + 4, SMALL, bold=True)
        page.picture(enlarge(window, ZOOM), left, _BODY)
        size = f"{window.shape[1]} × {window.shape[0]} pixels"
        words = size if method == "hr" else f"MSE {mse(window / 255, hr / 255):.5f}"
        page.text(words, left, below, SMALL, GREY)
    lpips_maps = {method: lpips_map(windows[method], hr, lpips) for method in METHODS}
    _put_maps(page, 1, "LPIPS", "Where it arises; the mean is the score.", lpips_maps)
    errors = {method: error_map(windows[method], hr) for method in METHODS}
    _put_maps(page, 2, "Absolute error", "Of RGB in [0, 1].", errors)
    return windows


def _put_maps(page: Canvas, row: int, name: str, words: str, maps: Mapping[str, Map]) -> None:
    """A row of maps on one scale of colours, from 0 to the largest value in any of them.

    Args:
        page: to draw on.
        row: counted from 0.
        name: of what is shown.
        words: on what it is.
        maps: by method, in the order of METHODS.
    """
    top, left = _BODY + row * _ROW, _FIRST
    below = top + _SIDE + GAP
    most = max(float(values.max()) for values in maps.values())
    means = {method: values.mean(dtype=float) for method, values in maps.items()}
    unit, unit_name = unit_of([most])
    decimals = decimals_of(max(means.values()) / unit)
    page.text(name, left, top, bold=True)
    page.lines(wrap(words, _SIDE), left, top + LINE, GREY)
    if unit_name:
        page.text(f"in {unit_name}", left, top + _SIDE - 2 * LINE - _BAR, SMALL, GREY)
    page.picture(colour_bar(_BAR, _SIDE), left, top + _SIDE - _BAR)
    page.text("0", left, below, SMALL, GREY)
    page.text(f"{most / unit:.3g}", left + _SIDE, below, SMALL, GREY, align="right")
    for column, (method, values) in enumerate(maps.items(), start=1):
        left = _FIRST + column * _PITCH
        page.picture(enlarge(coloured(values, most), ZOOM), left, top)
        page.text(f"mean {means[method] / unit:.{decimals}f}", left, below, SMALL, GREY)


def _draw_bands(page: Canvas, windows: Mapping[str, RGB8], hr: RGB8) -> None:
    """The means of the maps of hallucination by frequency; left of them."""
    bottom = _BODY + 3 * _ROW + _SIDE - _XLABEL
    panel = page.chart(_YLABEL, bottom - _CHART, _STORY - _YLABEL - 20, _CHART)
    energies = {name: hallucinated_energy(sr, hr, BANDS)[1:] for name, sr in windows.items()}
    most = max(float(energy.max()) for energy in energies.values())
    unit, unit_name = unit_of([most])
    frequencies = (np.arange(1, BANDS) + 0.5) / BANDS / 2
    colours = colours_of(energies)
    for method, energy in energies.items():
        colour, label = colours[method], short_name(method)
        panel.plot(frequencies, energy / unit, color=colour, label=label, marker="o", markersize=2)
    start(panel, named("Hallucination", unit_name))
    panel.xaxis.set_major_locator(MultipleLocator(0.25))
    panel.set(xlabel="cycles per pixel", xlim=(0, 0.5), ylim=(0, 1.5 * most / unit or 1))
    panel.legend(loc="upper right", borderaxespad=0)
