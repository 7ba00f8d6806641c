"""Compare the methods image by image, and judge the paper's claims by this run."""

from pathlib import Path

from srcnn.analysis import claims
from srcnn.analysis.claim_inputs import read_cost, read_devices, texture_energies
from srcnn.analysis.claims_page import write_claims
from srcnn.analysis.comparisons import compare, write_comparisons
from srcnn.analysis.results import Results, read_all
from srcnn.analysis.training_curves import read_peaks
from srcnn.analysis.verdicts import Claim
from srcnn.settings import Settings
from stages.run_stage import run_stage

METRICS, PLOTS = Path("metrics"), Path("plots")


def main(settings: Settings) -> None:
    """Write plots/comparisons.{csv,md} and plots/claims.{json,md}."""
    scales = read_all(settings.scales, METRICS, Path("data"))
    judged = judge(settings, scales)
    comparisons = [comparison for results in scales for comparison in compare(results)]
    write_comparisons(comparisons, PLOTS / "comparisons.csv", PLOTS / "comparisons.md")
    write_claims(judged, len(scales[0].names), PLOTS / "claims.json", PLOTS / "claims.md")
    for claim in judged:
        print(f"{claim.key}: {claim.verdict}")


def judge(settings: Settings, scales: list[Results]) -> list[Claim]:
    """The verdicts on C1 to C7."""
    devices = read_devices(METRICS / "environment.json")
    cost = read_cost(Path(f"models/x{settings.scales[0]}/mse.safetensors"))
    peaks = {
        (scale, loss): read_peaks(METRICS / f"grid/x{scale}_{loss}.csv")
        for scale in settings.scales
        for loss in ("perceptual", "mse")
    }
    loss, alone = settings.loss, without_mse(settings)
    compared = ["bicubic", "mse", "perceptual", *([alone] if alone else [])]
    energies = {results.scale: texture_energies(results, compared) for results in scales}
    return [
        claims.error(scales),
        claims.looks(scales),
        claims.gap(scales),
        claims.hallucination(scales, energies, loss.lambda1, alone),
        claims.tiles(peaks, scales[0].names),
        claims.balance(scales, (loss.lambda1, loss.lambda2)),
        claims.on_cpu(*devices, cost),
    ]


def without_mse(settings: Settings) -> str | None:
    """The variant that is the perceptual loss alone: as `settings.loss` but for λ1 = 0."""
    alone = settings.loss.model_copy(update={"lambda1": 0.0})
    names = (name for name in settings.variants if settings.loss_of(name) == alone)
    return next(names, None) if settings.loss.lambda1 else None


if __name__ == "__main__":
    run_stage(main)
