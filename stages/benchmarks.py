"""Score every method on the benchmark sets that evaluate.benchmarks names, if any."""

from itertools import product
from pathlib import Path
from typing import Any

from srcnn.evaluation.benchmark_sets import (
    find_benchmark,
    read_val_scores,
    score_benchmark,
    write_benchmarks,
)
from srcnn.evaluation.metrics import format_scores
from srcnn.settings import Settings
from stages.run_stage import run_stage


def main(settings: Settings) -> None:
    """Write metrics/benchmarks.json and plots/benchmarks.md."""
    # Check all sets before scoring the first, which may take long.
    benchmarks = [
        find_benchmark(name, Path(folder), settings.scales)
        for name, folder in settings.evaluate.benchmarks.items()
    ]
    sets: dict[str, dict[str, Any]] = {
        each.name: {"images": len(each.files)} for each in benchmarks
    }
    if benchmarks:
        from srcnn.evaluation.evaluate import load_models  # import torch, which takes seconds
        from srcnn.evaluation.judges import load_judges
        from srcnn.models.device import best_device

        device = best_device()
        authors = settings.evaluate.authors
        models = {
            scale: load_models(scale, settings.losses, device, authors=authors)
            for scale in settings.scales
        }
        judges = load_judges(device)
        known = {scale: read_val_scores(scale, Path("metrics")) for scale in settings.scales}
    for benchmark, scale in product(benchmarks, settings.scales):
        means = score_benchmark(benchmark, models[scale], scale, judges, known[scale])
        sets[benchmark.name][f"x{scale}"] = means
        for method, scores in means.items():
            line = f"{benchmark.name} ×{scale} {method:<10}  {format_scores(scores)}"
            print(line, flush=True)
    write_benchmarks(sets, Path("metrics/benchmarks.json"), Path("plots/benchmarks.md"))


if __name__ == "__main__":
    run_stage(main)
