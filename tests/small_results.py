"""Made-up results of small pictures for tests of analysis and figures."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from matplotlib.colors import to_rgb

from srcnn.analysis.results import Results
from srcnn.evaluation.judges import Judge, load_judges
from srcnn.figures.canvas import Canvas
from srcnn.figures.style import TEXT_SIZE, method_colours
from srcnn.figures.windows import Window
from srcnn.images.image_io import RGB8, write_png
from srcnn.models.tensors import Weights

SIDE = 72
LOSSES = ("mse", "perceptual")
SAVED_METHODS = ("nearest", "bicubic", "mse", "perceptual")

Picture = Callable[..., RGB8]
Save = Callable[..., Results]


def small_weights(network: str) -> Weights:
    """Random weights of the judges with few channels."""
    random = torch.Generator().manual_seed(0)
    kernels = {"alexnet": (11, 5, 3, 3, 3), "vgg16": (3,) * 13}[network]
    weights, channels = {}, 3
    for i, kernel in enumerate(kernels, start=1):
        weights[f"conv{i}.weight"] = torch.randn(4, channels, kernel, kernel, generator=random)
        weights[f"conv{i}.bias"] = torch.randn(4, generator=random)
        channels = 4
    weights |= {f"head{i}": torch.rand(4, generator=random) for i in range(1, 6)}
    return weights | {name: torch.rand(23, generator=random) for name in ("alpha", "beta")}


def small_judges() -> dict[str, Judge]:
    """Judges with few channels and random weights; zero only for equal pictures."""
    weights = {network: small_weights(network) for network in ("alexnet", "vgg16")}
    return load_judges(torch.device("cpu"), weights)


def score_table(scores: Mapping[tuple[str, str], Mapping[str, float]]) -> pd.DataFrame:
    """The table of scores from the metrics by image and method."""
    return pd.DataFrame(
        {"image": image, "method": method, **metrics} for (image, method), metrics in scores.items()
    )


def place(column: int) -> Window:
    """One of three windows, side by side, in a picture of the default size."""
    return Window(0, column * SIDE, SIDE, SIDE)


def saver(folder: Path, picture: Picture) -> Save:
    """A function that saves results: each method is exact except in the windows of `worse`."""

    def save(
        *names: str,
        size: tuple[int, int] = (SIDE, 3 * SIDE),
        worse: Mapping[tuple[str, str], Window] | None = None,
        methods: Iterable[str] = SAVED_METHODS,
    ) -> Results:
        images = {f"{i:04d}": name for i, name in enumerate(names, start=1)}
        scores: dict[tuple[str, str], dict[str, float]] = {}
        for image, name in images.items():
            hr = picture(*size, phase=float(image))
            write_png(folder / f"hr/{image}.png", hr)
            for method in methods:
                sr = hr.copy()
                if window := (worse or {}).get((name, method)):
                    window.crop(sr)[:] = 255 - window.crop(sr)
                write_png(folder / f"sr/{method}/{image}.png", sr)
                scores[image, method] = {"mse": 0.001, "psnr_rgb": 30.0, "lpips": 0.2}
        return Results(4, images, score_table(scores), folder / "hr", folder / "sr")

    return save


def holds(canvas: RGB8, picture: RGB8) -> bool:
    """Whether the picture is somewhere on the canvas, pixel for pixel."""
    height, width = picture.shape[:2]
    start = picture[0].tobytes()
    for top in range(canvas.shape[0] - height + 1):
        left = canvas[top].tobytes().find(start)
        if left >= 0 and left % 3 == 0:
            left //= 3
            if np.array_equal(canvas[top : top + height, left : left + width], picture):
                return True
    return False


def text_pixels(text: str, size: float = TEXT_SIZE) -> RGB8:
    """The pixels of a line of bold text."""
    canvas = Canvas(80)
    canvas.add_text(text, 0, 10, size, bold=True)
    pixels = canvas.render()
    rows, columns = np.nonzero((pixels < 255).any(axis=2))
    return pixels[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]


def shows(canvas: Canvas, method: str) -> bool:
    """Whether something on the canvas has the method's colour."""
    colour = np.rint(np.array(to_rgb(method_colours([*LOSSES, method])[method])) * 255)
    return bool((canvas.render() == colour).all(axis=2).any())
