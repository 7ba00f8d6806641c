"""The paper's claims C1 to C7, each judged by the data of one run.

What the claims say, and how each is measured, is in words in `srcnn.analysis.claims_text`.
"""

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from srcnn.analysis.claim_inputs import Cost, is_cpu
from srcnn.analysis.comparisons import metric_by_image
from srcnn.analysis.results import Results
from srcnn.analysis.verdicts import Claim, Verdict, combine, decided, part
from srcnn.utils.text import escape_markdown

TILES = 3.0
"""dB: twice the power at the grid's frequencies that there is beside them; noise stays below."""

CPU_RATE = 1e10
"""Multiply-adds that a core of a CPU of the last ten years does in a second, at the least."""

PATIENCE = 60.0
"""Seconds for a megapixel at that rate, beyond which a network is not said to run on a CPU."""

_SMALLEST = 1e-10  # an MSE of 100 dB: what equal images are given, to have a ratio

Values = Mapping[str, float]
Energies = Mapping[str, Values]
"""Method → image → what `srcnn.analysis.claim_inputs.texture_energies` found."""


def error(scales: Sequence[Results]) -> Claim:
    """C1: the perceptual model's MSE is no lower than the MSE model's, image by image."""
    parts = [part(f"×{r.scale}", _ratios(r, "mse"), 1, r.names, is_ratio=True) for r in scales]
    return Claim("C1", parts, decided(parts))


def looks(scales: Sequence[Results]) -> Claim:
    """C2: yet the perceptual model's results look better, by LPIPS."""
    parts = []
    for results in scales:
        perceptual, mse = _both(results, "lpips")
        values = {image: perceptual[image] - mse[image] for image in mse}
        parts.append(part(f"×{results.scale}", values, -1, results.names))
    return Claim("C2", parts, decided(parts))


def gap(scales: Sequence[Results]) -> Claim:
    """C3: the gap between the two models is narrower at ×4 than at ×2; the MSE's gap decides."""
    by_scale, parts = {results.scale: results for results in scales}, []
    for metric in ("mse", "lpips"):
        values, names = {}, {}
        if 2 in by_scale and 4 in by_scale:
            at_2, at_4 = (_ratios(by_scale[scale], metric) for scale in (2, 4))
            values = {image: abs(at_2[image]) - abs(at_4[image]) for image in at_2}
            names = dict(by_scale[2].names)
        name = f"{metric.upper()}, ×2 less ×4"
        parts.append(part(name, values, 1, names, decides=metric == "mse"))
    notes = [] if parts[0].summary.images else ["This run lacks one of them: set `scales: [2, 4]`."]
    return Claim("C3", parts, decided(parts), notes=notes)


def hallucination(
    scales: Sequence[Results],
    energies: Mapping[int, Energies],
    lambda1: float,
    alone: str | None = None,
) -> Claim:
    """C4: the perceptual loss invents texture, and less of it in the weighted sum with the MSE.

    Args:
        scales: the results.
        energies: by scale, of bicubic and both models, and of `alone` where there is one.
        lambda1: λ1 of the run's perceptual models.
        alone: the variant that differs from them in that its λ1 is 0.
    """
    invented, reduced, notes = [], [], []
    for results in scales:
        found, name, names = energies[results.scale], f"×{results.scale}", results.names
        for other, decides in (("MSE", True), ("bicubic", False)):
            values = _logs(found["perceptual"], found[other.lower()])
            title = f"{name}, against {other}"
            invented.append(part(title, values, 1, names, is_ratio=True, decides=decides))
        values = _logs(found["perceptual"], found[alone]) if alone else {}
        reduced.append(part(f"{name}, against λ1 = 0", values, -1, names, is_ratio=True))
        values = _logs(found["perceptual"], found["mse"])
        most = max(values, key=lambda image: values[image])
        notes.append(
            f"{name}: most beside the MSE model's in {escape_markdown(names[most])}, "
            f"{math.exp(values[most]):.3g} ×."
        )
    halves: dict[str, Verdict] = {"invented": decided(invented), "reduced": decided(reduced)}
    notes.append(
        f"That texture is invented: {halves['invented']}. "
        f"That the weighted sum has less of it: {halves['reduced']}."
    )
    if lambda1 == 0:
        notes.append("This run's λ1 is 0: its perceptual models are those without a sum.")
    elif not any(p.summary.images for p in reduced):
        notes.append(
            "The weighted sum is to be compared with the perceptual loss alone, which this run "
            "does not have: `variants: {alone: {lambda1: 0}}` in params.yaml adds it."
        )
    means = {
        f"x{scale}_energy": {m: math.fsum(of.values()) / len(of) for m, of in found.items()}
        for scale, found in energies.items()
    }
    facts = {**halves, **means}
    return Claim("C4", [*invented, *reduced], combine(halves.values()), facts, notes)


def tiles(peaks: Mapping[tuple[int, str], pd.DataFrame], names: Mapping[str, str]) -> Claim:
    """C5: square tiles are visible after few epochs, and fewer later.

    Args:
        peaks: by scale and loss, for `mse` and `perceptual`.
        names: of the photographs by image.
    """
    parts, notes = [], []
    for (scale, loss), by_image in peaks.items():
        name, decides = f"×{scale}, {loss}", loss == "perceptual"
        first = (by_image.head(1) - TILES).sum().to_dict()
        falls = (by_image.iloc[0] - by_image.iloc[-1]).to_dict() if len(by_image) > 1 else {}
        title = f"{name}, first epoch less {TILES:g} dB"
        parts.append(part(title, first, 1, names, decides=decides))
        parts.append(part(f"{name}, first less last", falls, 1, names, decides=decides))
        if by_image.empty:
            notes.append(f"{name}: the val crops are too small for their spectrum to show a grid.")
        elif not falls:
            notes.append(f"{name}: trained for one epoch, so that nothing can be said of later.")
    return Claim("C5", parts, decided(parts), notes=notes)


def balance(scales: Sequence[Results], lambdas: tuple[float, float]) -> Claim:
    """C6: λ trades looks for truth; of one run, λ2 = 0 (the MSE model) and the run's own λ2.

    Args:
        scales: the results.
        lambdas: λ1 and λ2 of the run's perceptual models.
    """
    parts = []
    for results in scales:
        (truth, mse), (looks, mse_looks) = (_both(results, metric) for metric in ("mse", "lpips"))
        values = {
            image: _trade(truth[image] - mse[image], looks[image] - mse_looks[image])
            for image in mse
        }
        parts.append(part(f"×{results.scale}", values, 1, results.names))
    notes = [
        f"Two points of the balance: λ2 = 0, and this run's λ1 = {lambdas[0]:g}, "
        f"λ2 = {lambdas[1]:g}. Whether weights between them give results between them a sweep "
        "shows: `dvc exp run --queue -S loss.lambda2=0.1,0.3,0.5`, then `dvc queue start`."
    ]
    return Claim("C6", parts, decided(parts), notes=notes)


def on_cpu(device: str, trained_on: Mapping[str, str], cost: Cost) -> Claim:
    """C7: the models run on a CPU.

    Args:
        device: that super-resolved the val images, as `srcnn.models.device.device_name` has it.
        trained_on: the devices that trained the models, by model.
        cost: of one network; all have the same.
    """
    seconds = cost.multiply_adds * 1e6 / CPU_RATE
    verdict: Verdict = "too little data"
    if seconds > PATIENCE:
        verdict = "not supported"
    elif is_cpu(device):
        verdict = "supported"
    trainers = ", ".join(dict.fromkeys(trained_on.values()))
    notes = [
        f"The val images were super-resolved on: {device}. The models were trained on: {trainers}.",
        f"A network has {cost.parameters:,} parameters and does {cost.multiply_adds:,} "
        f"multiply-adds for each pixel: at {CPU_RATE:.0e} in a second, {seconds:.2g} seconds for a "
        "megapixel.",
        "Time itself is no part of this: it differs from run to run, and this page does not.",
    ]
    facts = {
        "parameters": cost.parameters,
        "multiply_adds_per_pixel": cost.multiply_adds,
        "seconds_per_megapixel_at_1e10": seconds,
    }
    return Claim("C7", [], verdict, facts, notes)


def _both(results: Results, metric: str) -> tuple[Values, Values]:
    """A metric of the perceptual and of the MSE model's results, by image."""
    return metric_by_image(results, metric, "perceptual"), metric_by_image(results, metric, "mse")


def _ratios(results: Results, metric: str) -> Values:
    return _logs(*_both(results, metric))


def _logs(first: Values, second: Values) -> dict[str, float]:
    """ln(first / second) by image."""
    return {
        image: math.log(max(first[image], _SMALLEST) / max(second[image], _SMALLEST))
        for image in second
    }


def _trade(mse: float, lpips: float) -> float:
    """Of a rise: 1 where the MSE rose and LPIPS fell, 0 where one of them stayed, else −1."""
    if mse == 0 or lpips == 0:
        return 0.0
    return 1.0 if mse > 0 > lpips else -1.0
