"""Compares values of `--strength` with networks trained with other λ2.

    make sweep                        # plots/sweep.csv: the same training with five λ2
    python -m benchmarks.strength     # prints a table, draws docs/strength.png and docs/upscale.png

Upscales the LR images of the val photographs in data/ with each strength, and scores the results as
the pipeline does. docs/upscale.png shows a part of one photograph. Takes about a minute.
"""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from PIL import Image

from srcnn.data.pretrained_weights import judge_weights
from srcnn.evaluation import fidelity
from srcnn.evaluation.lpips import LPIPS, load_lpips
from srcnn.figures.canvas import Canvas, enlarge
from srcnn.figures.charts import axis_limits, make_panels
from srcnn.figures.style import BLACK, GREY, SMALL_SIZE, figure_style, method_colours
from srcnn.images.image_io import RGB8, read_rgb
from srcnn.models.device import best_device
from srcnn.models.portable import pin_arithmetic
from srcnn.upscaling.onnx_runner import Upscaler
from srcnn.upscaling.released_networks import load
from srcnn.utils.paths import lr_name

STRENGTHS = np.linspace(0, 1, 11)
UNIT = 0.001
PICTURE, SCALE, TOP, LEFT, SIDE = "0011", 4, 24, 30, 50
"""The part of a val photograph in docs/upscale.png, in LR pixels."""

Points = Sequence[tuple[str, float, float]]
"""Label, mean MSE and mean LPIPS of each point."""


def main() -> None:
    """Print the table and draw the figures."""
    pin_arithmetic()
    lpips = load_lpips(best_device(), judge_weights("alexnet")[0])
    lines: dict[int, dict[str, Points]] = {}
    for scale in (2, 4):
        lines[scale] = {
            "both results mixed, by --strength": mixed(load, scale, lpips),
            "their weights mixed": mixed(interpolated, scale, lpips),
            "trained, by λ2": trained(scale),
        }
        print(f"\n| ×{scale} | results: MSE | LPIPS | weights: MSE | LPIPS |")
        print("|---|--:|--:|--:|--:|")
        for (name, *results), (_, *weights) in zip(*[*lines[scale].values()][:2], strict=True):
            cells = " | ".join(f"{mse:.5f} | {look:.4f}" for mse, look in (results, weights))
            print(f"| strength {name} | {cells} |")
    draw(lines)
    Image.fromarray(picture().pixels()).save("docs/upscale.png", optimize=True)


def interpolated(scale: int, strength: float) -> Upscaler:
    """The network whose weights are the weighted mean of both (Wang et al., DNI, 2019)."""
    (mse,), (perceptual,) = (load(scale, end).networks for end in (0.0, 1.0))
    share = np.float32(strength)
    weights = {name: mse[name] + share * (perceptual[name] - mse[name]) for name in mse}
    return Upscaler([weights], scale)


def mixed(network_of: Callable[[int, float], Upscaler], scale: int, lpips: LPIPS) -> Points:
    """Mean scores of each strength."""
    points = []
    for strength in STRENGTHS:
        network, found = network_of(scale, float(strength)), []
        for path in sorted(Path("data/hr/val").glob("*.png")):
            lr = Path(f"data/lr/x{scale}/val") / lr_name(path.stem, scale)
            sr, hr = network(read_rgb(lr)), read_rgb(path)
            found.append((fidelity.mse(sr / 255, hr / 255), *lpips.distances([sr], hr)))
        points.append((f"{strength:.1f}", *np.mean(found, axis=0).tolist()))
    return points


def trained(scale: int) -> Points:
    """Mean scores of the sweep's networks, by λ2."""
    with Path("plots/sweep.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["method"] == "perceptual"]
    return [
        (row["loss.lambda2"], float(row["mse"]), float(row["lpips"]))
        for row in sorted(rows, key=lambda row: float(row["loss.lambda2"]))
        if int(row["scale"]) == scale
    ]


@figure_style()
def draw(lines: dict[int, dict[str, Points]]) -> None:
    """Draw docs/strength.png, a panel per scale."""
    page, charts = make_panels(len(lines), 2, 640, 180)
    colours = method_colours(["perceptual"])["perceptual"], GREY, BLACK
    for panel, (scale, by_name) in zip(charts, lines.items(), strict=True):
        panel.set_title(f"×{scale}")
        for (name, points), colour in zip(by_name.items(), colours, strict=True):
            errors, looks = [mse / UNIT for _, mse, _ in points], [y for *_, y in points]
            panel.plot(errors, looks, ":o" if colour == GREY else "-o", color=colour, label=name)
        strengths, _, values = by_name.values()
        label(panel, strengths[:6:5], colours[0], (-7, -3), "right")
        label(panel, values, BLACK, (3, -11), "left")
        every = [point for points in by_name.values() for point in points]
        panel.set_xlim(axis_limits([mse / UNIT for _, mse, _ in every], 0.2))
        panel.set_ylim(axis_limits([y for *_, y in every], 0.15))
        panel.set_xlabel("MSE, RGB in [0, 1] (10⁻³)")
        panel.set_ylabel("LPIPS")
        panel.legend()
        panel.grid()
    Image.fromarray(page.render()).save("docs/strength.png", optimize=True)


def label(panel: Axes, points: Points, colour: str, away: tuple[int, int], align: str) -> None:
    """Write labels next to points."""
    options = {"textcoords": "offset points", "size": SMALL_SIZE, "color": colour, "ha": align}
    for name, mse, y in points:
        panel.annotate(name, (mse / UNIT, y), away, **options)


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
