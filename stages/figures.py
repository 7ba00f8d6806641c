"""Write Table I, the figures and the training curves to plots/."""

from pathlib import Path

from srcnn.analysis.results import read_all, read_curve, read_peaks
from srcnn.evaluation.lpips import load_lpips
from srcnn.figures.canvas import Canvas
from srcnn.figures.comparison import draw_comparison
from srcnn.figures.figure1 import draw_figure1
from srcnn.figures.figure3_4_5 import draw_windows, find_windows
from srcnn.figures.figure6_7 import draw_figure6, draw_figure7
from srcnn.figures.perception_distortion import draw_plane
from srcnn.figures.table1 import write_table
from srcnn.figures.training_curves import draw_curves, draw_grid_artefacts
from srcnn.figures.windows import CLOSEUP, STRIDE, score_windows
from srcnn.models.device import best_device
from srcnn.settings import Settings
from stages.run_stage import run_stage

METRICS, PLOTS = Path("metrics"), Path("plots")


def main(settings: Settings) -> None:
    """Write plots/table1.{csv,md,tex}, and each figure as plots/*.png and plots/*.pdf."""
    scales = read_all(settings.scales, METRICS, Path("data"))
    models = [(scale, loss) for scale in settings.scales for loss in settings.losses]
    curves = {(s, loss): read_curve(METRICS / f"training/x{s}_{loss}.csv") for s, loss in models}
    peaks = {(s, loss): read_peaks(METRICS / f"grid/x{s}_{loss}.csv") for s, loss in models}
    write_table(scales, PLOTS)

    shown = max(scales, key=lambda results: results.scale)  # the paper's figures show one
    lpips, windows = load_lpips(best_device()), find_windows(shown)
    scores = score_windows(shown, lpips, CLOSEUP, STRIDE)

    def draw(number: int, name: str, loss: str) -> Canvas:
        """A figure of the windows by a model, and by the published one if the run has it."""
        methods = [m for m in (loss, f"authors_{loss}") if m in shown.methods]
        title = f"Figure {number}. SRCNN with {name} loss, ×{shown.scale}"
        return draw_windows(title, shown, methods, windows)

    figures = {
        "curves": draw_curves(curves),
        "plane": draw_plane(scales),
        "grid_artefacts": draw_grid_artefacts(peaks),
        "comparison": draw_comparison(shown),
        "figure1": draw_figure1(shown),
        "figure3": draw_windows("Figure 3. Ground truth", shown, ["hr"], windows),
        "figure4": draw(4, "MSE", "mse"),
        "figure5": draw(5, "perceptual", "perceptual"),
        "figure6": draw_figure6(shown, scores, lpips),
        "figure7": draw_figure7(shown, scores, lpips),
    }
    for name, figure in figures.items():
        figure.write(PLOTS / name)


if __name__ == "__main__":
    run_stage(main)
