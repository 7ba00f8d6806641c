"""The training curves in the report: coordinates, ticks and descriptions of SVG charts."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from srcnn.figures.style import loss_equation, short_name

WIDTH, HEIGHT = 360, 210
LEFT, RIGHT, TOP, BOTTOM = 52, 10, 10, 24  # pixels around the plotted area, for the tick labels
Tick = tuple[float, str]  # a position in pixels, and a label


class Curve(NamedTuple):
    """A value for each epoch; `kept` is the index of the epoch whose weights are kept."""

    name: str
    css_class: str
    values: pd.Series
    kept: int | None = None


class Line(NamedTuple):
    """A curve in pixels of its chart: `points` of an SVG polyline, `dot` at the kept epoch."""

    name: str
    css_class: str
    points: str
    dot: tuple[float, float] | None


class Chart(NamedTuple):
    """A chart with epochs along x; `description` is the curves in words, for screen readers."""

    title: str
    description: str
    lines: list[Line]
    x_ticks: list[Tick]
    y_ticks: list[Tick]


def training_charts(curves: Mapping[tuple[int, str], pd.DataFrame], scale: int) -> list[Chart]:
    """Charts of one scale: the PSNR of all models, then each loss; `curves` by scale and loss."""
    tables = {loss: table for (of_scale, loss), table in curves.items() if of_scale == scale}
    psnr, losses = [], []
    for number, (loss, table) in enumerate(tables.items()):
        kept = int(table["val_loss"].argmin())
        css_class = loss if loss in ("mse", "perceptual") else f"variant{number % 4}"
        psnr.append(Curve(short_name(loss), css_class, table["val_psnr_rgb"], kept))
        pair = [
            Curve("training", "plain", table["loss"]),
            Curve("val", css_class, table["val_loss"], kept),
        ]
        title = f"×{scale}: {short_name(loss)} ({loss_equation(loss)})"
        losses.append(_chart(title, table["epoch"], pair))
    longest = max(tables.values(), key=len)
    if "val_psnr_interpolated" in longest:
        psnr.append(Curve("interpolation alone", "plain", longest["val_psnr_interpolated"]))
    return [_chart(f"×{scale}: PSNR on val crops (RGB, dB)", longest["epoch"], psnr), *losses]


def _chart(title: str, epochs: pd.Series, curves: Sequence[Curve]) -> Chart:
    first, last = epochs.iloc[0], epochs.iloc[-1]
    x_ticks = MaxNLocator(6, steps=[1, 2, 5, 10], integer=True).tick_values(first, last)
    values = pd.concat([curve.values for curve in curves])
    y_ticks = MaxNLocator(4).tick_values(values.min(), values.max())
    x_range, y_range = (first, max(last, first + 1)), (y_ticks[-1], y_ticks[0])

    def x(epoch: float) -> float:
        return round(float(np.interp(epoch, x_range, (LEFT, WIDTH - RIGHT))), 1)

    def y(value: float) -> float:
        share = (y_range[0] - value) / (y_range[0] - y_range[1])
        return round(TOP + share * (HEIGHT - TOP - BOTTOM), 1)

    lines, words = [], []
    for name, css_class, curve, kept in curves:
        points = [(x(epoch), y(value)) for epoch, value in zip(epochs, curve, strict=False)]
        text = " ".join(f"{across:g},{down:g}" for across, down in points)
        lines.append(Line(name, css_class, text, None if kept is None else points[kept]))
        words.append(f"{name} from {curve.iloc[0]:.4g} to {curve.iloc[-1]:.4g}")
        if kept is not None:
            words[-1] += f", kept at epoch {epochs.iloc[kept]:g} with {curve.iloc[kept]:.4g}"
    return Chart(
        title,
        f"{title}, {len(epochs)} epochs: {'; '.join(words)}",
        lines,
        [(x(tick), f"{tick:g}") for tick in x_ticks if first <= tick <= x_range[1]],
        [(y(tick), f"{tick:g}") for tick in y_ticks],
    )
