"""Draw Table I, the figures and the training curves under plots/."""

from pathlib import Path

from srcnn.analysis.results import Results, read_all
from srcnn.analysis.training_curves import read_curve, read_peaks
from srcnn.evaluation.lpips import LPIPS, load_lpips
from srcnn.figures.figure3_4_5 import draw_figure1, draw_grid, find_crops
from srcnn.figures.figure6_7 import draw_best, draw_worst
from srcnn.figures.grid_artefacts import draw_tiles
from srcnn.figures.perception_distortion import draw_plane
from srcnn.figures.table1 import write_table
from srcnn.figures.training_curves import draw_curves
from srcnn.figures.windows import CLOSEUP, STRIDE, compare_losses
from srcnn.models.device import best_device
from srcnn.settings import Settings
from stages.run_stage import run_stage

PLOTS = Path("plots")


def main(settings: Settings) -> None:
    """Write Table I as plots/table1.{csv,md,tex}, all figures under plots/ as .png and as .pdf."""
    scales = read_all(settings.scales, Path("metrics"), Path("data"))
    models = [(scale, loss) for scale in settings.scales for loss in settings.losses]
    curves = {
        (scale, loss): read_curve(Path(f"metrics/training/x{scale}_{loss}.csv"))
        for scale, loss in models
    }
    peaks = {
        (scale, loss): read_peaks(Path(f"metrics/grid/x{scale}_{loss}.csv"))
        for scale, loss in models
    }
    lpips = load_lpips(best_device())
    write_table(scales, PLOTS)
    draw_curves(curves).write(PLOTS / "curves")
    draw_plane(scales).write(PLOTS / "plane")
    draw_tiles(peaks).write(PLOTS / "grid_artefacts")
    write_figures(max(scales, key=lambda results: results.scale), lpips)


def write_figures(results: Results, lpips: LPIPS) -> None:
    """Write the paper's figures at one scale."""
    scale, crops = results.scale, find_crops(results)
    cases = compare_losses(results, lpips, CLOSEUP, STRIDE)
    figures = {
        1: draw_figure1(results),
        3: draw_grid("Figure 3. Ground truth", results, "hr", crops),
        4: draw_grid(f"Figure 4. SRCNN with MSE loss, ×{scale}", results, "mse", crops),
        5: draw_grid(
            f"Figure 5. SRCNN with perceptual loss, ×{scale}", results, "perceptual", crops
        ),
        6: draw_best(results, cases, lpips),
        7: draw_worst(results, cases, lpips),
    }
    for number, figure in figures.items():
        figure.write(PLOTS / f"figure{number}")


if __name__ == "__main__":
    run_stage(main)
