"""The tables that compare the runs in a folder, such as the seeds in results/t91-short.

Each subfolder holds the stored scores of one run, whose settings are in its params.yaml.
"""

from collections.abc import Callable
from pathlib import Path

from srcnn.analysis.method_pairs import read_pair
from srcnn.analysis.seed_runs import read_seed_runs
from srcnn.analysis.seeds import SeedSummary
from srcnn.errors import InputError
from srcnn.evaluation.metrics import METRICS
from srcnn.report.tables import claim_rows
from srcnn.settings import Settings, read_settings
from srcnn.utils.json_files import read_json
from srcnn.utils.text import markdown_table
from tools.result_tables import CLAIMS

_SHOWN = ("psnr_y", "ssim_y", "lpips", "lpips_vgg", "dists")


def seeds(root: Path) -> str:
    """Perceptual minus MSE network over the images and the seeds of the runs in `seed*`."""
    names = [str(folder) for folder in sorted(root.glob("seed*"))]
    if len(names) < 2:
        raise InputError(f"{root}: needs the runs of two seeds or more, in seed1, seed2, …")
    scales = read_settings(Path(names[0], "params.yaml")).scales
    found = [
        read_seed_runs(f"x{scale}/perceptual", f"x{scale}/mse", names, None).statistics()
        for scale in scales
    ]
    rows = [["", *(f"×{scale}" for scale in scales)]]
    for key, metric in METRICS.items():
        rows.append([metric.label, *(_seed_cell(key, each[key], len(names)) for each in found)])
    return markdown_table(rows)


def _seed_cell(key: str, summary: SeedSummary, seeds: int) -> str:
    mean, low, high = (_difference(key, x) for x in (summary.mean, summary.low, summary.high))
    if summary.low is not None and summary.high is not None and summary.low * summary.high > 0:
        mean = f"**{mean}**"
    return f"{mean} [{low}, {high}] · {summary.seeds_agree} of {seeds}"


def run_verdicts(root: Path) -> str:
    """The verdicts on C1 to C6, a column for each run."""
    runs = _runs(root)
    claims = [claim_rows(read_json(folder / "plots/claims.json", "claims")) for folder in runs]
    verdicts = [{key: verdict for key, verdict, *_ in rows} for rows in claims]
    rows = [["", *map(_title, runs.values())]]
    rows += [[key, *(each[key] for each in verdicts)] for key in CLAIMS]
    return markdown_table(rows)


def run_differences(root: Path) -> str:
    """Mean of the perceptual network minus that of the MSE network, a row for each run."""
    runs = _runs(root)
    rows = [["scale", "run", *(METRICS[key].label for key in _SHOWN)]]
    for scale in next(iter(runs.values())).scales:
        for folder, settings in runs.items():
            pair = read_pair(f"{folder}:x{scale}/perceptual", f"{folder}:x{scale}/mse", None)
            found = pair.statistics()
            cells = (_difference(key, found[key]["mean_difference"]) for key in _SHOWN)
            rows.append([f"×{scale}", _title(settings), *cells])
    return markdown_table(rows, right=range(2, len(rows[0])))


TABLES: dict[str, Callable[[Path], str]] = {
    function.__name__: function for function in (seeds, run_verdicts, run_differences)
}
"""The tables by their names."""


def _runs(root: Path) -> dict[Path, Settings]:
    """The settings of each run by its folder; InputError if there is no run."""
    files = sorted(root.glob("*/params.yaml"))
    if not files:
        raise InputError(f"{root}: contains no folders of stored runs (NAME/params.yaml)")
    return {file.parent: read_settings(file) for file in files}


def _title(settings: Settings) -> str:
    return f"{settings.loss.network.upper()}, seed {settings.seed}"


def _difference(key: str, value: float | None) -> str:
    return METRICS[key].difference(value, METRICS[key].report_digits)
