"""Draw Table I, the figures and the training curves under plots/."""

from pathlib import Path

from srcnn.curves import Curve, draw_curves, read_curve
from srcnn.device import best_device
from srcnn.figures import (
    CLOSEUP,
    STRIDE,
    draw_best,
    draw_figure1,
    draw_grid,
    draw_worst,
    find_crops,
)
from srcnn.images import write_png
from srcnn.lpips import LPIPS
from srcnn.results import Results, read_results
from srcnn.settings import Settings
from srcnn.stage import run_stage
from srcnn.tables import write_table
from srcnn.tensors import read_weights
from srcnn.windows import compare_losses

PLOTS = Path("plots")


def main(settings: Settings) -> None:
    """Write plots/table1.{csv,md,tex}, plots/figure*.png and plots/curves.png."""
    scales = [
        read_results(
            scale,
            Path(f"metrics/x{scale}.csv"),
            Path("data/hr/index.csv"),
            Path("data/hr/val"),
            Path(f"data/sr/x{scale}"),
        )
        for scale in settings.scales
    ]
    curves: dict[tuple[int, str], Curve] = {
        (scale, loss): read_curve(Path(f"metrics/training/x{scale}_{loss}.csv"))
        for scale in settings.scales
        for loss in ("mse", "perceptual")
    }
    lpips = LPIPS(read_weights(Path("data/weights/lpips.safetensors"), LPIPS.WEIGHTS)).to(
        best_device()
    )
    write_table(scales, PLOTS)
    write_png(PLOTS / "curves.png", draw_curves(curves))
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
        write_png(PLOTS / f"figure{number}.png", figure)


if __name__ == "__main__":
    run_stage(main)
