"""The paper's claims C1 to C7, each judged by the data of one run.

`srcnn.analysis.claims_text` says in words what the paper claims and how each claim is measured.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from srcnn.analysis.results import Cost, Devices, Results
from srcnn.analysis.statistics import subtract, summarise
from srcnn.analysis.verdicts import Claim, Part, Verdict, combine, judge_parts
from srcnn.analysis.votes import ASK, PairVotes, has_enough
from srcnn.evaluation.metrics import METRICS
from srcnn.utils.text import escape_markdown, signed

MSE_MARGIN = 0.01  # of the MSE, 0.04 dB: a perceptual model's MSE this much lower counts as equal
VISIBLE_GRID = 6.0  # dB: jumps across the grid are twice as large as beside it
JUDGES = ("lpips", "lpips_vgg", "dists")  # metrics that stand in for looks; the last two share VGG
CPU_BUDGET = 10.0  # seconds for an image of 2K; more does not count as running on a CPU

_NO_VALUES = pd.Series(dtype=float)


def mean_squared_error(scales: Sequence[Results]) -> Claim:
    """C1: the perceptual model's MSE is no lower than the MSE model's (non-inferiority)."""
    parts = []
    for results in scales:
        ratios, margin = _model_log_ratio(results, "mse"), -math.log(1 - MSE_MARGIN)
        name = f"×{results.scale}"
        parts += [
            Part(name, ratios, 1, is_ratio=True, margin=margin),
            Part(f"{name}, strictly higher", ratios, 1, is_ratio=True, decides=False),
        ]
    return Claim("C1", parts, judge_parts(parts))


def looks(scales: Sequence[Results]) -> Claim:
    """C2: the perceptual model's results look better, by each of the JUDGES."""
    parts, advantages = [], []
    for results in scales:
        name = f"×{results.scale}"
        for judge in JUDGES:
            title, values = f"{name}, {METRICS[judge].name}", _model_difference(results, judge)
            parts.append(Part(title, values, -1))
        gains = _relative_gain(results, "lpips_vgg") - _relative_gain(results, "lpips")
        found = summarise(100 * gains)
        mean, low, high = (signed(n, ".1f") for n in (found.mean, found.low, found.high))
        advantages.append(f"{mean} [{low}, {high}] at {name}")
    notes = [
        "Does the gain depend on a judge that shares VGG with the loss? In this run, the share by "
        "which LPIPS with VGG16 falls minus the share by which LPIPS with AlexNet falls is, in "
        f"percentage points with the 95 % interval, {' and '.join(advantages)}."
    ]
    return Claim("C2", parts, judge_parts(parts), notes=notes)


def looks_to_people(scales: Sequence[Results], pairs: Sequence[PairVotes]) -> Claim:
    """C2 by people: the perceptual model's results have more than half of their votes.

    A scale without votes on the two models is left out, unless there are none at all.
    """
    pairs_by_scale = {
        f"×{results.scale}": pair
        for results in scales
        for pair in pairs
        if pair.question == "better"
        and (pair.a, pair.b) == (f"x{results.scale}/perceptual", f"x{results.scale}/mse")
    }
    parts = [_votes_part(name, pair) for name, pair in pairs_by_scale.items()]
    parts = parts or [Part(f"×{results.scale}", _NO_VALUES, 1) for results in scales]
    counts = [
        f"{pair.share.votes} votes by {pair.share.people} people at {name}"
        for name, pair in pairs_by_scale.items()
    ]
    note = f"{', '.join(counts)}; `plots/votes.md` shows more." if counts else f"No votes: {ASK}."
    return Claim("C2", parts, judge_parts(parts), notes=[note])


def _votes_part(name: str, pair: PairVotes) -> Part:
    """The share of the votes for the perceptual model, minus one half."""
    share = pair.share
    mean, low, high = (None if n is None else n - 0.5 for n in (share.mean, share.low, share.high))
    values = pd.Series(pair.by_image, dtype=float) - 0.5
    return Part(name, values, 1, mean=(mean, low, high), is_enough=has_enough(share))


def gap(scales: Sequence[Results]) -> Claim:
    """C3: the gap between the two models is smaller at ×4 than at ×2; the gap in MSE decides."""
    by_scale = {results.scale: results for results in scales}
    has_both = {2, 4} <= by_scale.keys()
    parts = []
    for metric in ("mse", "lpips"):
        values = _NO_VALUES
        if has_both:
            at_2, at_4 = (_model_log_ratio(by_scale[scale], metric) for scale in (2, 4))
            values = subtract(at_2.abs(), at_4.abs())
        name = f"{metric.upper()}, ×2 less ×4"
        parts.append(Part(name, values, 1, decides=metric == "mse"))
    notes = [] if has_both else ["This run lacks one of the two scales: set `scales: [2, 4]`."]
    return Claim("C3", parts, judge_parts(parts), notes=notes)


def hallucination(
    scales: Sequence[Results],
    energies: Mapping[int, pd.DataFrame],
    lambda1: float,
    perceptual_only: str | None = None,
) -> Claim:
    """C4: the perceptual loss invents texture, and less of it in the weighted sum with the MSE.

    `energies` by scale are from `hallucination.texture_energies`, of bicubic and the models;
    `perceptual_only` is the variant that differs from the perceptual models only by λ1 = 0.
    """
    invented, reduced, notes = [], [], []
    for results in scales:
        found, name = energies[results.scale], f"×{results.scale}"
        ratios = _log_ratio(found["perceptual"], found["mse"])
        to_bicubic = _log_ratio(found["perceptual"], found["bicubic"])
        to_alone = _NO_VALUES
        if perceptual_only:
            to_alone = _log_ratio(found["perceptual"], found[perceptual_only])
        invented += [
            Part(f"{name}, against MSE", ratios, 1, is_ratio=True),
            Part(f"{name}, against bicubic", to_bicubic, 1, is_ratio=True, decides=False),
        ]
        reduced.append(Part(f"{name}, against λ1 = 0", to_alone, -1, is_ratio=True))
        photograph = escape_markdown(results.names[ratios.idxmax()])
        ratio = f"{math.exp(ratios.max()):.3g} ×"
        notes.append(f"{name}: the ratio to the MSE model is highest in {photograph}: {ratio}.")
    halves = {"invented": judge_parts(invented), "reduced": judge_parts(reduced)}
    notes.append(
        f"The perceptual loss invents texture: {halves['invented']}. "
        f"The weighted sum invents less: {halves['reduced']}."
    )
    if lambda1 == 0:
        notes.append("This run has λ1 = 0: its perceptual models use no weighted sum.")
    elif not perceptual_only:
        notes.append(
            "The second half needs a model trained with the perceptual loss alone, which this run "
            "lacks. `variants: {alone: {lambda1: 0}}` in params.yaml adds it."
        )
    means = {f"x{scale}_energy": found.mean().to_dict() for scale, found in energies.items()}
    facts = {**halves, **means}
    return Claim("C4", [*invented, *reduced], combine(halves.values()), facts, notes)


def grid_artefacts(peaks: Mapping[tuple[int, str], pd.DataFrame]) -> Claim:
    """C5: square tiles are visible after few epochs, and weaker later; `read_peaks` by loss."""
    parts, notes = [], []
    for (scale, loss), by_epoch in peaks.items():
        name, decides = f"×{scale}, {loss}", loss == "perceptual"
        first = by_epoch.iloc[0] - VISIBLE_GRID if len(by_epoch) > 0 else _NO_VALUES
        falls = by_epoch.iloc[0] - by_epoch.iloc[-1] if len(by_epoch) > 1 else _NO_VALUES
        title = f"{name}, first epoch less {VISIBLE_GRID:g} dB"
        parts.append(Part(title, first, 1, decides=decides))
        parts.append(Part(f"{name}, first less last", falls, 1, decides=decides))
        if by_epoch.empty:
            notes.append(f"{name}: the val images are too small to show a grid.")
        elif falls.empty:
            notes.append(f"{name}: trained for one epoch, so there is no later epoch to compare.")
    return Claim("C5", parts, judge_parts(parts), notes=notes)


def trade_off(scales: Sequence[Results], lambdas: tuple[float, float]) -> Claim:
    """C6: λ trades error for looks; one run compares λ2 = 0 (the MSE model) with its `lambdas`."""
    parts = []
    for results in scales:
        mse, lpips = (_model_difference(results, metric) for metric in ("mse", "lpips"))
        values = np.select([(mse == 0) | (lpips == 0), (mse > 0) & (lpips < 0)], [0.0, 1.0], -1.0)
        series = pd.Series(values, index=mse.index)
        parts.append(Part(f"×{results.scale}", series, 1))
    notes = [
        f"This run has two points of the balance: λ2 = 0, and λ1 = {lambdas[0]:g} with "
        f'λ2 = {lambdas[1]:g}. `make sweep SET="loss.lambda2=0.1,0.3,0.5"` shows whether weights '
        "in between give results in between."
    ]
    return Claim("C6", parts, judge_parts(parts), notes=notes)


def runs_on_cpu(seconds: Mapping[int, float], devices: Devices, cost: Cost) -> Claim:
    """C7: the models run on a CPU; `seconds` for an image of 2K by scale, as measured on one."""
    slow = [f"×{scale}" for scale, time in seconds.items() if time > CPU_BUDGET]
    verdict: Verdict = "not supported" if slow else "supported"
    measured = f"more than {CPU_BUDGET:g} seconds at {' and '.join(slow)}"
    if not slow:
        measured = f"at most {CPU_BUDGET:g} seconds at each scale"
    trained_on = ", ".join(dict.fromkeys(devices.trained_on.values()))
    notes = [
        f"Device that super-resolved the val images: {devices.name}. "
        f"Devices that trained the models: {trained_on}.",
        "On the CPU of the machine that ran the stage `provenance`, an image of 2K took "
        f"{measured} (`metrics/cpu_time.json` has the times, which change from run to run).",
        f"A network has {cost.parameters:,} parameters and needs {cost.multiply_adds:,} "
        "multiply-adds per pixel.",
    ]
    facts = {
        "parameters": cost.parameters,
        "multiply_adds_per_pixel": cost.multiply_adds,
        "budget_seconds": CPU_BUDGET,
    }
    return Claim("C7", [], verdict, facts, notes)


def _model_difference(results: Results, metric: str) -> pd.Series:
    """The perceptual model's metric minus the MSE model's, by image."""
    table = results.table(metric)
    return table["perceptual"] - table["mse"]


def _relative_gain(results: Results, metric: str) -> pd.Series:
    """By what share of the MSE model's metric the perceptual model's is lower, by image."""
    table = results.table(metric)
    return (1 - table["perceptual"] / table["mse"]).dropna()


def _model_log_ratio(results: Results, metric: str) -> pd.Series:
    """ln(the perceptual model's metric / the MSE model's), by image."""
    table = results.table(metric)
    return _log_ratio(table["perceptual"], table["mse"])


def _log_ratio(first: pd.Series, second: pd.Series) -> pd.Series:
    """ln(first / second) by image: 0 where both are 0, infinite where one is."""
    with np.errstate(divide="ignore"):
        return subtract(np.log(first), np.log(second))
