"""Algorithm 2 at one scale: super-resolve, score and save every val image."""

from pathlib import Path

from srcnn.evaluation.evaluate import evaluate, load_models, write_metrics
from srcnn.evaluation.judges import load_judges
from srcnn.evaluation.metrics import format_scores
from srcnn.images.pairs import read_pairs
from srcnn.models.device import best_device
from srcnn.settings import Settings
from stages.run_stage import run_stage


def main(settings: Settings, scale: int) -> None:
    """Write metrics/x{scale}.json, .csv, _convention.json and data/sr/x{scale}."""
    device = best_device()
    pairs = read_pairs(Path("data/hr/val"), Path(f"data/lr/x{scale}/val"), scale)
    models = load_models(scale, settings.losses, device)
    rows = []
    for row in evaluate(pairs, models, scale, load_judges(device), Path(f"data/sr/x{scale}")):
        rows.append(row)
        print(f"{row['image']} ×{scale} {row['method']:<10}  {format_scores(row)}")
    write_metrics(rows, scale, Path("metrics"))


if __name__ == "__main__":
    run_stage(main, "scale")
