"""Score every method on the benchmark sets that evaluate.benchmarks names, if any."""

from pathlib import Path

from srcnn.evaluation.benchmark_sets import (
    Benchmark,
    Means,
    SetScores,
    find_benchmark,
    score_benchmark,
    write_benchmarks,
)
from srcnn.evaluation.evaluate import load_models
from srcnn.evaluation.lpips import load_lpips
from srcnn.models.device import best_device
from srcnn.settings import Settings
from stages.run_stage import run_stage


def main(settings: Settings) -> None:
    """Write metrics/benchmarks.json and plots/benchmarks.md."""
    # Sets are looked at before any is scored, which may take long.
    benchmarks = [
        find_benchmark(name, Path(folder), settings.scales)
        for name, folder in settings.evaluate.benchmarks.items()
    ]
    sets = score_sets(benchmarks, settings) if benchmarks else []
    write_benchmarks(sets, Path("metrics/benchmarks.json"), Path("plots/benchmarks.md"))


def score_sets(benchmarks: list[Benchmark], settings: Settings) -> list[SetScores]:
    """The scores of all methods, a line printed for each."""
    device, scales = best_device(), settings.scales
    models = {scale: load_models(scale, settings.losses, device) for scale in scales}
    lpips = load_lpips(device)
    sets = []
    for benchmark in benchmarks:
        means: dict[int, Means] = {}
        for scale in scales:
            means[scale] = score_benchmark(benchmark, models[scale], scale, lpips)
            for method, values in means[scale].items():
                print(
                    f"{benchmark.name} ×{scale} {method:<10}  PSNR (Y) {values['psnr_y']:.2f} dB  "
                    f"SSIM {values['ssim_y']:.4f}  LPIPS {values['lpips']:.3f}",
                    flush=True,
                )
        sets.append(SetScores(benchmark.name, len(benchmark.files), means))
    return sets


if __name__ == "__main__":
    run_stage(main)
