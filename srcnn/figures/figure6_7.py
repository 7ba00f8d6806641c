"""Figures 6 and 7: windows where the perceptual loss lowers and raises LPIPS most, with maps."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import torch
from matplotlib.ticker import MultipleLocator

from srcnn.analysis.hallucination import BANDS, energy_by_band, hallucination_map
from srcnn.analysis.results import Results
from srcnn.evaluation.fidelity import mse
from srcnn.evaluation.lpips import LPIPS
from srcnn.figures import style
from srcnn.figures.canvas import GAP, LINE_HEIGHT, TITLE_HEIGHT, Canvas
from srcnn.figures.charts import axis_label, decimals_for, readable_unit, set_up_panel
from srcnn.figures.style import figure_style, method_name, short_name
from srcnn.figures.text import shorten_name, size_text
from srcnn.figures.windows import CLOSEUP, Window, WindowScores
from srcnn.images.image_io import RGB8
from srcnn.models.tensors import to_tensor

ZOOM = 5  # side of the square that shows one pixel
MAPPED_METHODS = "bicubic", "mse", "perceptual"
Case = tuple[WindowScores, str]  # a window, and how LPIPS changes in it
Map = npt.NDArray[Any]  # [H, W]: how much two images differ at each pixel
Compare = Callable[[RGB8, RGB8], Map]  # of SR and HR

# Pixels on the canvas.
_SIDE, _BETWEEN = CLOSEUP[0] * ZOOM, 24
_PITCH = _SIDE + _BETWEEN
_FIRST_COLUMN = style.FIGURE_WIDTH - 3 * _PITCH - _SIDE
_ROW_HEIGHT = _SIDE + GAP + LINE_HEIGHT + _BETWEEN
_TEXT_WIDTH = _FIRST_COLUMN - 36
_FIRST_ROW = TITLE_HEIGHT + LINE_HEIGHT + 6
_OVERVIEW_HEIGHT, _BAR_HEIGHT = 160, 24
_CHART_HEIGHT, _BELOW_CHART, _LEFT_OF_CHART = 460, 60, 80


@figure_style()
def draw_figure6(results: Results, scores: Sequence[WindowScores], lpips: LPIPS) -> Canvas:
    """The window of `score_windows` where the perceptual loss lowers LPIPS most."""
    case, title = best_window(scores), "Figure 6. Best case for the perceptual loss"
    canvas = _start_canvas(title, 3, results, scores, case)
    _add_differences(canvas, results, case[0], lpips)
    _add_published(canvas, 3, results, case[0])
    return canvas


@figure_style()
def draw_figure7(results: Results, scores: Sequence[WindowScores], lpips: LPIPS) -> Canvas:
    """The window of `score_windows` where it raises LPIPS most, and the texture it invents."""
    case, title = worst_window(scores), "Figure 7. Worst case for the perceptual loss"
    canvas = _start_canvas(title, 4, results, scores, case)
    crops = _add_differences(canvas, results, case[0], lpips)
    note = "Energy of texture that the ground truth lacks."
    _add_maps(canvas, 3, "Hallucination", note, crops, hallucination_map)
    _add_frequency_chart(canvas, crops)
    _add_published(canvas, 4, results, case[0])
    return canvas


def best_window(scores: Sequence[WindowScores]) -> Case:
    """The window where LPIPS falls most, or at least rises least."""
    best = min(scores, key=lambda window: window.change)
    return best, "falls most" if best.change < 0 else "rises least (it falls nowhere)"


def worst_window(scores: Sequence[WindowScores]) -> Case:
    """The window where LPIPS rises most, or at least falls least."""
    worst = max(scores, key=lambda window: window.change)
    return worst, "rises most" if worst.change > 0 else "falls least (it rises nowhere)"


def _start_canvas(
    title: str, rows: int, results: Results, scores: Sequence[WindowScores], case: Case
) -> Canvas:
    """The canvas with its left column: the whole image, its frame around the window, the scores."""
    shown, change = case
    height = _FIRST_ROW + rows * _ROW_HEIGHT - _BETWEEN
    canvas = Canvas(height + (_ROW_HEIGHT + 2 * LINE_HEIGHT) * bool(results.authors))
    canvas.add_title(title)
    image, hr = shown.image, results.pictures(shown.image)["hr"]
    box = Window(_FIRST_ROW, 0, _OVERVIEW_HEIGHT, _TEXT_WIDTH)
    height, _ = canvas.add_overview(hr, shown.window, box)
    name = f"{shorten_name(results.names[image], _TEXT_WIDTH - 80, bold=True)}, ×{results.scale}"
    top = float(_FIRST_ROW + height + GAP)
    canvas.add_caption(name, size_text(hr.shape), 0, top)
    falls = sum(window.change < 0 for window in scores)
    before, after = (results.score(image, method) for method in ("mse", "perceptual"))
    top += 2 * LINE_HEIGHT + GAP
    for sentence in (
        f"Frame: the window where LPIPS {change}, from {shown.lpips_mse:.3f} (MSE loss) "
        f"to {shown.lpips_perceptual:.3f} (perceptual loss).",
        f"LPIPS falls in {falls} of {len(scores)} windows.",
        f"Whole image: LPIPS {before['lpips']:.3f} to {after['lpips']:.3f}, "
        f"MSE {before['mse']:.4f} to {after['mse']:.4f}.",
        f"Right: enlarged {ZOOM} times.",
    ):
        top = canvas.add_paragraph(sentence, 0, top, _TEXT_WIDTH) + GAP
    return canvas


def _add_differences(
    canvas: Canvas, results: Results, shown: WindowScores, lpips: LPIPS
) -> dict[str, RGB8]:
    """Add three rows: the window in each image, LPIPS maps, error maps; returns the windows."""
    pictures = results.pictures(shown.image, *MAPPED_METHODS)
    crops = {method: shown.window.crop(picture) for method, picture in pictures.items()}
    hr = crops["hr"]
    for column, (method, crop) in enumerate(crops.items()):
        left = _FIRST_COLUMN + column * _PITCH
        canvas.add_text(method_name(method), left, TITLE_HEIGHT + 4, style.SMALL_SIZE, bold=True)
        canvas.add_image(crop, left, _FIRST_ROW, ZOOM)
        details = size_text(hr.shape) if method == "hr" else f"MSE {mse(crop / 255, hr / 255):.5f}"
        canvas.add_note(details, left, _FIRST_ROW + _SIDE + GAP)
    compare = partial(lpips_map, lpips=lpips)
    _add_maps(canvas, 1, "LPIPS", "By pixel; the mean is the score.", crops, compare)
    _add_maps(canvas, 2, "Absolute error", "Mean over RGB in [0, 1].", crops, error_map)
    return crops


def _add_published(canvas: Canvas, row: int, results: Results, shown: WindowScores) -> None:
    """Add a row with the window in the results of the published networks, if there are any."""
    pictures = results.pictures(shown.image, *results.authors)
    crops = {method: shown.window.crop(picture) for method, picture in pictures.items()}
    hr, top = crops.pop("hr") / 255, _FIRST_ROW + row * _ROW_HEIGHT
    for column, (method, crop) in enumerate(crops.items()):
        left = _FIRST_COLUMN + column * _PITCH
        canvas.add_image(crop, left, top, ZOOM)
        below = top + _SIDE + GAP
        canvas.add_note(f"MSE {mse(crop / 255, hr):.5f}", left, below)
        canvas.add_paragraph(method_name(method), left, below + LINE_HEIGHT, _SIDE)


def error_map(sr: RGB8, hr: RGB8) -> Map:
    """Absolute difference of two [H, W, 3] uint8 images in [0, 1], mean over RGB: [H, W]."""
    return np.abs(sr.astype(np.int16) - hr).mean(axis=2) / 255


@torch.no_grad()
def lpips_map(sr: RGB8, hr: RGB8, lpips: LPIPS) -> Map:
    """LPIPS by pixel, [H, W], of two [H, W, 3] uint8 images; its mean is their distance."""
    device = lpips.get_buffer("shift").device
    pair = (to_tensor(image[None], device) for image in (sr, hr))
    return lpips.map(*pair)[0].cpu().numpy()


def colourise(values: Map, maximum: float) -> RGB8:
    """Colours from dark (0) to light (`maximum`): [H, W, 3] uint8 of [H, W]."""
    shares = values / maximum if maximum > 0 else np.zeros_like(values)
    return (mpl.colormaps["cividis"](shares)[..., :3] * 255).round().astype(np.uint8)


def colour_bar(height: int, width: int) -> RGB8:
    """All colours from left to right: [height, width, 3]."""
    return colourise(np.broadcast_to(np.arange(width) / width, (height, width)), 1.0)


def _add_maps(
    canvas: Canvas, row: int, name: str, note: str, crops: Mapping[str, RGB8], compare: Compare
) -> None:
    """Add a row of maps with one colour scale, from 0 to the largest value of all."""
    maps = {method: compare(crops[method], crops["hr"]) for method in MAPPED_METHODS}
    top, left = _FIRST_ROW + row * _ROW_HEIGHT, _FIRST_COLUMN
    below = top + _SIDE + GAP
    maximum = max(float(values.max()) for values in maps.values())
    means = {method: values.mean(dtype=float) for method, values in maps.items()}
    unit, unit_name = readable_unit([maximum])
    decimals = decimals_for(max(means.values()) / unit)
    canvas.add_text(name, left, top, bold=True)
    canvas.add_paragraph(note, left, top + LINE_HEIGHT, _SIDE, style.GREY)
    bar_top = top + _SIDE - _BAR_HEIGHT
    if unit_name:
        canvas.add_note(f"in {unit_name}", left, bar_top - 2 * LINE_HEIGHT)
    canvas.add_image(colour_bar(_BAR_HEIGHT, _SIDE), left, bar_top)
    canvas.add_note("0", left, below)
    canvas.add_note(f"{maximum / unit:.3g}", left + _SIDE, below, align="right")
    for column, (method, values) in enumerate(maps.items(), start=1):
        left = _FIRST_COLUMN + column * _PITCH
        canvas.add_image(colourise(values, maximum), left, top, ZOOM)
        canvas.add_note(f"mean {means[method] / unit:.{decimals}f}", left, below)


def _add_frequency_chart(canvas: Canvas, crops: Mapping[str, RGB8]) -> None:
    """Add a chart of the hallucinated energy by frequency, left of the last maps."""
    bottom = _FIRST_ROW + 3 * _ROW_HEIGHT + _SIDE - _BELOW_CHART
    width = _TEXT_WIDTH - _LEFT_OF_CHART - 20
    panel = canvas.add_axes(_LEFT_OF_CHART, bottom - _CHART_HEIGHT, width, _CHART_HEIGHT)
    hr = crops["hr"]
    energies = {method: energy_by_band(crops[method], hr, BANDS)[1:] for method in MAPPED_METHODS}
    maximum = max(float(energy.max()) for energy in energies.values())
    unit, unit_name = readable_unit([maximum])
    frequencies = (np.arange(1, BANDS) + 0.5) / BANDS / 2
    for method, colour in style.method_colours(energies).items():
        energy, label = energies[method] / unit, short_name(method)
        panel.plot(frequencies, energy, color=colour, label=label, marker="o", markersize=2)
    set_up_panel(panel, axis_label("Hallucination energy", unit_name))
    panel.xaxis.set_major_locator(MultipleLocator(0.25))
    panel.set(xlim=(0, 0.5), ylim=(0, 1.5 * maximum / unit or 1))
    panel.set_xlabel("frequency (cycles per pixel)")
    panel.legend(loc="upper right", borderaxespad=0)
