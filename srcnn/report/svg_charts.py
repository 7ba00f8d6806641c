"""The training curves in the report: coordinates, ticks and descriptions of SVG charts."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from srcnn.analysis.results import kept_epoch
from srcnn.figures.style import loss_equation, short_name

WIDTH, HEIGHT = 360, 210
LEFT, RIGHT, TOP, BOTTOM = 52, 10, 10, 24  # pixels around the plotted area, for the tick labels
Curve = tuple[str, str, pd.Series, int | None]  # name, CSS class, values, index of the kept epoch
Tick = tuple[float, str]  # a position in pixels, and a label


class Line(NamedTuple):
    """A curve in pixels of its chart."""

    name: str
    css_class: str
    points: str  # of an SVG polyline
    dot: tuple[float, float] | None  # at the epoch whose weights are kept


class Chart(NamedTuple):
    """A chart with epochs along x."""

    title: str
    description: str  # the curves in words, for screen readers
    lines: list[Line]
    x_ticks: list[Tick]
    y_ticks: list[Tick]


def training_charts(curves: Mapping[tuple[int, str], pd.DataFrame], scale: int) -> list[Chart]:
    """Charts of one scale: the PSNR of all models, then each loss; `curves` by scale and loss."""
    tables = {loss: table for (of_scale, loss), table in curves.items() if of_scale == scale}
    psnr: list[Curve] = []
    losses = []
    for number, (loss, table) in enumerate(tables.items()):
        kept = kept_epoch(table)
        css_class = loss if loss in ("mse", "perceptual") else f"variant{number % 4}"
        psnr.append((short_name(loss), css_class, table["val_psnr_rgb"], kept))
        training = "training", "plain", table["loss"], None
        val = "val", css_class, table["val_loss"], kept
        title = f"×{scale}: {short_name(loss)} ({loss_equation(loss)}, lower is better)"
        losses.append(_chart(title, table["epoch"], [training, val]))
    longest = max(tables.values(), key=len)
    if "val_psnr_interpolated" in longest:
        psnr.append(("interpolation alone", "plain", longest["val_psnr_interpolated"], None))
    title = f"×{scale}: PSNR on val crops (RGB, dB, higher is better)"
    return [_chart(title, longest["epoch"], psnr), *losses]


def _chart(title: str, epochs: pd.Series, curves: Sequence[Curve]) -> Chart:
    first, last = epochs.iloc[0], epochs.iloc[-1]
    x_ticks = MaxNLocator(6, steps=[1, 2, 5, 10], integer=True).tick_values(first, last)
    values = pd.concat([curve for _, _, curve, _ in curves])
    y_ticks = MaxNLocator(4).tick_values(values.min(), values.max())
    x_range, y_range = (first, max(last, first + 1)), (y_ticks[0], y_ticks[-1])

    def x(epoch: float) -> float:
        return round(float(np.interp(epoch, x_range, (LEFT, WIDTH - RIGHT))), 1)

    def y(value: float) -> float:
        return round(float(np.interp(value, y_range, (HEIGHT - BOTTOM, TOP))), 1)

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
