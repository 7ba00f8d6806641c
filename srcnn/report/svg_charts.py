"""Training curves as the report's page draws them: points, ticks and words of small SVG charts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.ticker import MaxNLocator

from srcnn.figures.style import loss_equation, short_name

WIDTH, HEIGHT = 360, 210
LEFT, RIGHT, TOP, BOTTOM = 52, 10, 10, 24
"""What is left free around the lines, for the ticks."""

Tick = tuple[float, str]


@dataclass(frozen=True)
class Line:
    """A curve in pixels of its chart.

    Args:
        name: in the legend.
        look: the CSS class of its colour.
        points: of an SVG polyline.
        kept: where the epoch is whose weights are kept, or None.
    """

    name: str
    look: str
    points: str
    kept: tuple[float, float] | None


@dataclass(frozen=True)
class Chart:
    """A chart with its epochs along x.

    Args:
        title: what it shows.
        words: the same for those who do not see it.
        lines: the curves.
        x: where the epochs' ticks are, and their labels.
        y: the same of the values.
    """

    title: str
    words: str
    lines: tuple[Line, ...]
    x: tuple[Tick, ...]
    y: tuple[Tick, ...]


def charts(curves: Mapping[tuple[int, str], pd.DataFrame], scale: int) -> list[Chart]:
    """The PSNR of all models on val, then the loss of each in training and on val.

    Args:
        curves: by scale and loss.
        scale: of the charts.
    """
    of_scale = {loss: c.to_dict("list") for (at, loss), c in curves.items() if at == scale}
    looks = {loss: _look(number, loss) for number, loss in enumerate(of_scale)}
    psnr: list[tuple[str, str, Sequence[float], int | None]] = [
        (short_name(loss), looks[loss], curve["val_psnr_rgb"], _kept(curve))
        for loss, curve in of_scale.items()
    ]
    epochs = max((curve["epoch"] for curve in of_scale.values()), key=len)
    for curve in of_scale.values():
        if "val_psnr_interpolated" in curve and len(curve["epoch"]) == len(epochs):
            psnr.append(("interpolation alone", "plain", curve["val_psnr_interpolated"], None))
            break
    made = [_chart(f"×{scale}: PSNR on crops of val (RGB, dB)", epochs, psnr)]
    for loss, curve in of_scale.items():
        lines = [
            ("training", "plain", curve["loss"], None),
            ("val", looks[loss], curve["val_loss"], _kept(curve)),
        ]
        title = f"×{scale}: {short_name(loss)} ({loss_equation(loss)})"
        made.append(_chart(title, curve["epoch"], lines))
    return made


def _look(number: int, loss: str) -> str:
    """The CSS class of a loss; page.css has four for variants."""
    return loss if loss in ("mse", "perceptual") else f"variant{number % 4}"


def _kept(curve: Mapping[str, list[float]]) -> int:
    return curve["val_loss"].index(min(curve["val_loss"]))


def _chart(
    title: str,
    epochs: Sequence[float],
    curves: Sequence[tuple[str, str, Sequence[float], int | None]],
) -> Chart:
    values = [value for _, _, line, _ in curves for value in line]
    x_ticks = MaxNLocator(6, steps=[1, 2, 5, 10], integer=True).tick_values(epochs[0], epochs[-1])
    y_ticks = MaxNLocator(4).tick_values(min(values), max(values))
    low, high = y_ticks[0], y_ticks[-1]
    first, last = epochs[0], max(epochs[-1], epochs[0] + 1)

    def across(epoch: float) -> float:
        return round(LEFT + (epoch - first) / (last - first) * (WIDTH - LEFT - RIGHT), 1)

    def down(value: float) -> float:
        return round(TOP + (high - value) / (high - low) * (HEIGHT - TOP - BOTTOM), 1)

    lines, words = [], []
    for name, look, line, kept in curves:
        at = list(zip(epochs, line, strict=False))
        points = [(across(epoch), down(value)) for epoch, value in at]
        text = " ".join(f"{x:g},{y:g}" for x, y in points)
        lines.append(Line(name, look, text, None if kept is None else points[kept]))
        words.append(f"{name} from {line[0]:.4g} to {line[-1]:.4g}")
        if kept is not None:
            words[-1] += f", kept at epoch {at[kept][0]:g} with {at[kept][1]:.4g}"
    return Chart(
        title,
        f"{title}, {len(epochs)} epochs: {'; '.join(words)}",
        tuple(lines),
        tuple((across(tick), f"{tick:g}") for tick in x_ticks if first <= tick <= last),
        tuple((down(tick), f"{tick:g}") for tick in y_ticks),
    )
