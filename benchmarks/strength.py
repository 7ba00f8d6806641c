"""Compares values of `--strength`, and mixed results with mixed weights.

    python -m benchmarks.strength [FOLDER]

Downscales the HR images of a folder (data/hr/val if there is none), upscales them with each
strength of the released networks, and prints the mean PSNR on Y and LPIPS. Draws docs/strength.png,
and docs/upscale.png, a part of a val photograph of the sample. Takes some minutes.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from PIL import Image

from srcnn.data.pretrained_weights import judge_weights
from srcnn.evaluation.lpips import LPIPS, load_lpips
from srcnn.evaluation.metrics import METRICS, GroundTruth, ImagePair
from srcnn.figures.canvas import Canvas, enlarge
from srcnn.figures.charts import axis_limits, make_panels
from srcnn.figures.style import BLACK, GREY, SMALL_SIZE, figure_style, method_colours
from srcnn.images.image_folders import list_images
from srcnn.images.image_io import RGB8, crop_to_multiple, read_photo, read_rgb
from srcnn.images.resize import imresize
from srcnn.models.device import best_device
from srcnn.models.portable import pin_arithmetic
from srcnn.upscaling.onnx_runner import Upscaler
from srcnn.upscaling.released_networks import load
from srcnn.utils.paths import lr_name

STRENGTHS = np.linspace(0, 1, 11)
PICTURE, SCALE, TOP, LEFT, SIDE = "0011", 4, 24, 30, 50
"""The part of a val photograph in docs/upscale.png, in LR pixels."""

Points = Sequence[tuple[str, float, float]]
"""Label, mean PSNR on Y in dB and mean LPIPS of each point."""


def main() -> None:
    """Print the table and draw the figures."""
    pin_arithmetic()
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "data/hr/val")
    images = [read_photo(file) for file in list_images(folder)]
    lpips = load_lpips(best_device(), judge_weights("alexnet")[0])
    lines: dict[int, dict[str, Points]] = {}
    for scale in (2, 4):
        truths = [
            GroundTruth(crop_to_multiple(image.pixels, scale), scale, image.is_grey)
            for image in images
        ]
        names = [f"{strength:.1f}" for strength in STRENGTHS]
        by_result = {name: load(scale, float(name)) for name in names}
        by_weight = {name: interpolated(scale, float(name)) for name in names}
        bicubic = {"bicubic": partial(imresize, scale=scale)}
        lines[scale] = {
            "both results mixed, by --strength": score_all(by_result, truths, lpips),
            "their weights mixed": score_all(by_weight, truths, lpips),
            "bicubic": score_all(bicubic, truths, lpips),
        }
        print(f"\n| ×{scale} | results: PSNR Y, dB | LPIPS | weights: PSNR Y, dB | LPIPS |")
        print("|---|--:|--:|--:|--:|")
        results, weights, ((_, psnr, look),) = lines[scale].values()
        print(f"| bicubic | {psnr:.2f} | {look:.4f} | | |")
        for (name, *result), (_, *weight) in zip(results, weights, strict=True):
            cells = " | ".join(f"{psnr:.2f} | {look:.4f}" for psnr, look in (result, weight))
            print(f"| strength {name} | {cells} |")
    draw(lines)
    if folder == Path("data/hr/val"):
        Image.fromarray(picture().render()).save("docs/upscale.png", optimize=True)


def interpolated(scale: int, strength: float) -> Upscaler:
    """The network whose weights are the weighted mean of both (Wang et al., DNI, 2019)."""
    (mse,), (perceptual,) = (load(scale, end).networks for end in (0.0, 1.0))
    share = np.float32(strength)
    weights = {name: mse[name] + share * (perceptual[name] - mse[name]) for name in mse}
    return Upscaler([weights], scale)


def score_all(
    upscalers: Mapping[str, Callable[[RGB8], RGB8]], truths: Sequence[GroundTruth], lpips: LPIPS
) -> Points:
    """The mean scores of each upscaler."""
    return [(name, *mean_scores(use, truths, lpips)) for name, use in upscalers.items()]


def mean_scores(
    use: Callable[[RGB8], RGB8], truths: Sequence[GroundTruth], lpips: LPIPS
) -> tuple[float, float]:
    """The mean PSNR on Y and LPIPS of what an upscaler makes of the images."""
    found = []
    for truth in truths:
        sr = use(imresize(truth.pixels, 1 / truth.scale))
        psnr = METRICS["psnr_y"].compute(ImagePair(sr, truth, {}))
        found.append((psnr, *lpips.distances([sr], truth.pixels)))
    psnr, look = np.mean(found, axis=0).tolist()
    return psnr, look


@figure_style()
def draw(lines: dict[int, dict[str, Points]]) -> None:
    """Draw docs/strength.png, a panel per scale."""
    page, charts = make_panels(len(lines), 2, 640, 180)
    colours = method_colours(["perceptual"])["perceptual"], GREY, BLACK
    for panel, (scale, by_name) in zip(charts, lines.items(), strict=True):
        panel.set_title(f"×{scale}")
        for (name, points), colour in zip(by_name.items(), colours, strict=True):
            psnrs, looks = [psnr for _, psnr, _ in points], [look for *_, look in points]
            shown = "" if name == "bicubic" else name
            panel.plot(psnrs, looks, ":o" if colour == GREY else "-o", color=colour, label=shown)
        strengths, _, bicubic = by_name.values()
        label(panel, strengths[:1], colours[0], (7, 3), "left")
        label(panel, strengths[-1:], colours[0], (-5, -14), "right")
        label(panel, bicubic, BLACK, (7, 3), "left")
        every = [point for points in by_name.values() for point in points]
        panel.set_xlim(axis_limits([psnr for _, psnr, _ in every], 0.2))
        panel.set_ylim(axis_limits([look for *_, look in every], 0.15))
        panel.set_xlabel("PSNR on Y in dB (higher is closer to the original)")
        panel.set_ylabel("LPIPS (lower looks closer)")
        panel.legend()
        panel.grid()
    Image.fromarray(page.render()).save("docs/strength.png", optimize=True)


def label(panel: Axes, points: Points, colour: str, away: tuple[int, int], align: str) -> None:
    """Write labels next to points."""
    options = {"textcoords": "offset points", "size": SMALL_SIZE, "color": colour, "ha": align}
    for name, psnr, look in points:
        panel.annotate(name, (psnr, look), away, **options)


def picture() -> Canvas:
    """A part of a photograph upscaled in five ways, side by side."""
    lr = read_rgb(Path(f"data/lr/x{SCALE}/val") / lr_name(PICTURE, SCALE))
    size = lr.shape[1] * SCALE, lr.shape[0] * SCALE
    lanczos = Image.fromarray(lr).resize(size, Image.Resampling.LANCZOS)
    ways: dict[str, RGB8] = {
        "its pixels, a quarter a side": enlarge(lr, SCALE),
        "Lanczos, as Pillow has it": np.asarray(lanczos),
        "srcnn upscale --strength 0": load(SCALE, 0.0)(lr),
        "srcnn upscale": load(SCALE)(lr),
        "the original": read_rgb(Path(f"data/hr/val/{PICTURE}.png")),
    }
    rows, columns = (slice(first * SCALE, (first + SIDE) * SCALE) for first in (TOP, LEFT))
    page = Canvas(2 * SIDE * SCALE + 40)
    for number, (words, whole) in enumerate(ways.items()):
        left = number * (2 * SIDE * SCALE + 20)
        page.add_image(enlarge(whole[rows, columns], 2), left, 0)
        page.add_text(words, left, 2 * SIDE * SCALE + 10)
    return page


if __name__ == "__main__":
    main()
