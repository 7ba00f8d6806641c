"""Compare the methods image by image, and judge the paper's claims by this run."""

from pathlib import Path

from srcnn.analysis import claims
from srcnn.analysis.authors_claims import judge_published
from srcnn.analysis.claims_page import ClaimsPage
from srcnn.analysis.comparisons import compare, write_comparisons
from srcnn.analysis.hallucination import texture_energies
from srcnn.analysis.results import (
    Results,
    read_all,
    read_cost,
    read_cpu_time,
    read_devices,
    read_peaks,
)
from srcnn.analysis.verdicts import Claim
from srcnn.analysis.vote_crops import CropReader, current_votes
from srcnn.analysis.vote_file import VOTES, read_votes
from srcnn.analysis.votes import pair_votes
from srcnn.settings import Settings
from stages.run_stage import run_stage

METRICS, PLOTS = Path("metrics"), Path("plots")


def main(settings: Settings) -> None:
    """Write plots/comparisons.{csv,md} and plots/claims.{json,md}."""
    scales = read_all(settings.scales, METRICS, Path("data"))
    judged = judge_claims(settings, scales)
    authors = [judge_published(results) for results in scales if results.authors]
    write_comparisons(compare(scales), PLOTS / "comparisons.csv", PLOTS / "comparisons.md")
    votes = current_votes(read_votes(VOTES).votes, CropReader())
    people = [claims.looks_to_people(scales, pair_votes(votes))]
    published = authors[0] if authors else []
    page = ClaimsPage(judged, scales[0].names, settings.model.code, published, people)
    page.write(PLOTS / "claims.json", PLOTS / "claims.md")
    for claim in judged:
        print(f"{claim.key}: {claim.verdict}")
    for claim in people:
        print(f"{claim.key}, by people: {claim.verdict}")


def judge_claims(settings: Settings, scales: list[Results]) -> list[Claim]:
    """The verdicts on C1 to C7."""
    devices = read_devices(METRICS)
    cost = read_cost(Path(f"models/x{settings.scales[0]}/mse.safetensors"))
    peaks = {
        (scale, loss): read_peaks(METRICS / f"grid/x{scale}_{loss}.csv")
        for scale in settings.scales
        for loss in ("perceptual", "mse")
    }
    loss, perceptual_only = settings.loss, perceptual_only_variant(settings)
    methods = ["bicubic", "mse", "perceptual", *filter(None, [perceptual_only])]
    energies = {results.scale: texture_energies(results, methods) for results in scales}
    return [
        claims.mean_squared_error(scales),
        claims.looks(scales),
        claims.gap(scales),
        claims.hallucination(scales, energies, loss.lambda1, perceptual_only),
        claims.grid_artefacts(peaks),
        claims.trade_off(scales, (loss.lambda1, loss.lambda2)),
        claims.runs_on_cpu(read_cpu_time(METRICS), devices, cost),
    ]


def perceptual_only_variant(settings: Settings) -> str | None:
    """The variant that equals `settings.loss` except for λ1 = 0."""
    wanted = settings.loss.model_copy(update={"lambda1": 0.0})
    names = (name for name in settings.variants if settings.loss_of(name) == wanted)
    return next(names, None) if settings.loss.lambda1 else None


if __name__ == "__main__":
    run_stage(main)
