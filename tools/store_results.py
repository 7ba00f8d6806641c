"""Copies the results of a finished run into results/, where git keeps them."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from srcnn.analysis.seed_runs import flat_settings
from srcnn.errors import InputError
from srcnn.settings import Settings, read_settings
from srcnn.utils.files import write_json
from srcnn.utils.json_files import read_json
from srcnn.utils.system import remove_folder
from srcnn.utils.tables import read_csv
from srcnn.utils.text import join_names
from srcnn.utils.yaml_files import read_yaml
from tools.commands import changes, git, run_dvc
from tools.verification import ENVIRONMENT, SWEEP

CODE = ("srcnn", "stages", "datasets", "dvc.yaml", "requirements.lock", ":(exclude)srcnn/released")
"""What the results depend on, besides settings and photographs."""


def store(project: Path, folder: Path) -> str:
    """Copy the results of a project's run to `folder`, which gets the same paths as the project.

    A folder `results/NAME` is for a run of `presets/NAME.yaml`. One in `results/NAME/` is for a run
    with any settings, without its networks and figures. `environment.json` also names the commit of
    the code, the preset, and the hours of training. Earlier results in the folder are replaced at
    the end. Returns a line for the user.

    Raises:
        InputError: the folder is not one of these two, or contains other files; the run is not
            finished, or not of the preset with the folder's name; the code is not committed; a
            file is missing.
    """
    _check_folder(folder)
    preset = folder.name if len(folder.parts) == 2 else None
    if preset:
        _check_preset(project, preset)
    if changed := list(changes(project, *CODE)):
        raise InputError(f"not committed: {join_names(changed)}; git commit, then dvc repro")
    if run_dvc("status", "--quiet", cwd=project):
        raise InputError("the run is not finished (see dvc status); run dvc repro first")
    settings = read_settings(project / "params.yaml")
    files = sorted({*_scores(settings), *(_others(project, settings) if preset else ())})
    if missing := [str(file) for file in files if not (project / file).is_file()]:
        raise InputError(f"{join_names(missing)}: no such file; run dvc repro first")
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for file in files:
            (new / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(project / file, new / file)
        write_json(_environment(project, preset, settings), new / "environment.json")
        new.chmod(0o755)  # mkdtemp's are private
        if folder.exists():
            remove_folder(folder)
        new.rename(folder)
    finally:
        if new.exists():
            remove_folder(new)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return f"{folder}: {len(files) + 1} files, {size / 1e6:.1f} MB"


def _check_folder(folder: Path) -> None:
    """Raise InputError unless stored results may replace the folder."""
    if folder.parts[:1] != ("results",) or len(folder.parts) not in (2, 3) or ".." in folder.parts:
        raise InputError(f"{folder}: results are stored in results/NAME or results/NAME/RUN")
    if folder.exists() and not (folder / "environment.json").is_file():
        raise InputError(f"{folder}: contains something other than stored results; move it first")


def _check_preset(project: Path, name: str) -> None:
    """Raise InputError unless params.yaml has the values of the preset."""
    preset = project / f"presets/{name}.yaml"
    ours, theirs = (
        dict(flat_settings(read_yaml(file))) for file in (project / "params.yaml", preset)
    )
    for key in {**theirs, **ours}:
        if ours.get(key) != theirs.get(key):
            values = f"{json.dumps(ours.get(key))}, not {json.dumps(theirs.get(key))}"
            raise InputError(
                f"params.yaml: {key} is {values} as in {preset.relative_to(project)}; "
                f"results/{name} is for that preset"
            )


def _scores(settings: Settings) -> Iterator[Path]:
    """The settings, scores and verdicts; those of other scales may be left from earlier runs."""
    yield from map(Path, ("params.yaml", "metrics/benchmarks.json"))
    yield from map(Path, ("plots/claims.json", "plots/claims.md"))
    for scale in settings.scales:
        for ending in (".csv", ".json", "_convention.json", "_images.csv"):
            yield Path(f"metrics/x{scale}{ending}")
        for loss in settings.losses:
            yield Path(f"metrics/training/x{scale}_{loss}.csv")


def _others(project: Path, settings: Settings) -> Iterator[Path]:
    """The tables, figures and networks."""
    yield from map(Path, ("data/hr/index.csv", "metrics/cpu_time.json", "plots/benchmarks.md"))
    for name in ("comparisons", "table1"):
        yield from (Path("plots", name + ending) for ending in (".csv", ".md"))
    figures = {file.relative_to(project) for file in project.glob("plots/*.png")}
    yield from figures.difference(SWEEP)
    for scale in settings.scales:
        yield from (Path(f"models/x{scale}/{loss}.safetensors") for loss in settings.losses)


def _environment(project: Path, preset: str | None, settings: Settings) -> dict[str, Any]:
    """What the run says about its machine, with the preset, the commit and the hours."""
    found = read_json(project / ENVIRONMENT, "provenance")
    hours = {
        f"x{scale}/{loss}": _hours(project, settings, scale, loss)
        for scale in settings.scales
        for loss in settings.losses
    }
    commit = git(project, "rev-parse", "HEAD").strip()
    return {"preset": preset, "commit": commit, **found, "training_hours": hours}


def _hours(project: Path, settings: Settings, scale: int, loss: str) -> float | None:
    """The hours of a training run by its log; None, with a message, if there is no complete log."""
    path = Path(f"logs/x{scale}_{loss}_seconds.csv")
    with suppress(InputError):
        seconds = read_csv(project / path, "train", {"seconds": float})["seconds"]
        if len(seconds) == settings.epochs_of(loss):
            return float(f"{seconds.sum() / 3600:.3g}")
    print(f"{path}: not the log of this run, so its hours of training stay unknown (null)")
    return None
