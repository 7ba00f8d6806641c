"""Algorithm 2 at one scale: super-resolve, score and save every val image."""

from pathlib import Path

from srcnn.evaluation.evaluate import evaluate, identify, load_models, write_metrics
from srcnn.evaluation.judges import load_judges
from srcnn.evaluation.metrics import format_scores
from srcnn.images.pairs import read_pairs
from srcnn.models.device import best_device
from srcnn.settings import Settings
from srcnn.utils.tables import write_csv
from stages.run_stage import run_stage


def main(settings: Settings, scale: int) -> None:
    """Write metrics/x{scale}.json, .csv, _convention.json, _images.csv and data/sr/x{scale}."""
    device = best_device()
    hr = Path("data/hr/val")
    pairs = read_pairs(hr, Path(f"data/lr/x{scale}/val"), scale)
    models = load_models(scale, settings.losses, device, authors=settings.evaluate.authors)
    rows = []
    for row in evaluate(pairs, models, scale, load_judges(device), Path(f"data/sr/x{scale}")):
        rows.append(row)
        print(f"{row['image']} ×{scale} {row['method']:<10}  {format_scores(row)}")
    write_metrics(rows, scale, Path("metrics"))
    write_csv(identify(hr, Path("data/hr/index.csv")), Path(f"metrics/x{scale}_images.csv"))


if __name__ == "__main__":
    run_stage(main, "scale")
