"""Score every method on the benchmark sets that evaluate.benchmarks names, if any."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from srcnn.evaluation.benchmark_sets import (
    Benchmark,
    SetScores,
    find_benchmark,
    score_benchmark,
    write_benchmarks,
)
from srcnn.evaluation.evaluate import load_models
from srcnn.evaluation.lpips import load_lpips
from srcnn.evaluation.metrics import format_scores
from srcnn.models.device import best_device
from srcnn.settings import Settings
from stages.run_stage import run_stage


def main(settings: Settings) -> None:
    """Write metrics/benchmarks.json and plots/benchmarks.md."""
    # Check all sets before scoring the first, which may take long.
    benchmarks = [
        find_benchmark(name, Path(folder), settings.scales)
        for name, folder in settings.evaluate.benchmarks.items()
    ]
    sets = score_sets(benchmarks, settings) if benchmarks else {}
    write_benchmarks(sets, Path("metrics/benchmarks.json"), Path("plots/benchmarks.md"))


def score_sets(benchmarks: list[Benchmark], settings: Settings) -> Mapping[str, SetScores]:
    """Score all methods on each set at each scale; print a line for each."""
    device, scales = best_device(), settings.scales
    models = {scale: load_models(scale, settings.losses, device) for scale in scales}
    lpips, sets = load_lpips(device), {}
    for benchmark in benchmarks:
        scores: dict[str, Any] = {"images": len(benchmark.files)}
        for scale in scales:
            scores[f"x{scale}"] = score_benchmark(benchmark, models[scale], scale, lpips)
            for method, means in scores[f"x{scale}"].items():
                line = f"{benchmark.name} ×{scale} {method:<10}  {format_scores(means)}"
                print(line, flush=True)
        sets[benchmark.name] = scores
    return sets


if __name__ == "__main__":
    run_stage(main)
