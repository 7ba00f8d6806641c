"""The presets: complete settings for the whole pipeline."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from srcnn.data.sources import folder_photos
from srcnn.evaluation.benchmark_sets import find_benchmark
from srcnn.settings import read_settings
from srcnn.utils.yaml_files import read_yaml
from tools.plan import plan_text
from tools.run_cost import TIMED_SIDE, Rates, disk_use, find_photographs

ROOT = Path(__file__).parents[1]
PRESETS = sorted(path.stem for path in (ROOT / "presets").glob("*.yaml"))

# One process for all presets, because starting DVC takes most of the time.
DRY_RUNS = """
import shutil, sys
from dvc.cli import main
for preset in sys.argv[2:]:
    shutil.copy(f"{sys.argv[1]}/{preset}.yaml", "params.yaml")
    if main(["repro", "--dry", "--no-run-cache"]):
        sys.exit(f"{preset} does not run")
    print("DONE", flush=True)
"""


def load(path: Path) -> Any:
    return read_yaml(path)


def names(values: Mapping[str, Any], *before: str) -> list[str]:
    """Return every setting by its dotted name. A map with names of the user's own counts as one."""
    found = []
    for key, value in values.items():
        named = (*before, key)
        free = named in {("loss", "layers"), ("evaluate", "benchmarks"), ("variants",)}
        found += names(value, *named) if isinstance(value, dict) and not free else [".".join(named)]
    return found


def named_number(text: str, pattern: str) -> float:
    found = re.search(pattern, text)
    assert found, pattern
    return float(found[1])


@pytest.fixture(scope="module")
def empty_outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This project's pipeline with an empty file or folder for everything that it lists."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / ".dvc/plots", folder / ".dvc/plots")
    (folder / ".dvc/config").write_text("[core]\nno_scm = true\nanalytics = false\n")
    shutil.copy(ROOT / "dvc.yaml", folder)
    parts = ("outs", "metrics", "plots", "deps")
    stages = load(ROOT / "dvc.yaml")["stages"].values()
    listed = [entry for stage in stages for part in parts for entry in stage.get(part, [])]
    for entry in listed:
        name = entry if isinstance(entry, str) else next(iter(entry))
        for scale in ("2", "4"):
            path = folder / name.replace("${item.scale}", scale)
            if not path.suffix:
                path.mkdir(parents=True, exist_ok=True)
            elif not path.is_dir():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
    for manifest in (ROOT / "datasets").glob("*.yaml"):
        shutil.copy(manifest, folder / "datasets")
    return folder


def test_the_sample_preset_is_the_default_byte_for_byte() -> None:
    assert (ROOT / "presets/sample.yaml").read_bytes() == (ROOT / "params.yaml").read_bytes()


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_valid_and_has_every_setting(preset: str) -> None:
    path = ROOT / f"presets/{preset}.yaml"
    read_settings(path)
    assert names(load(path)) == names(load(ROOT / "params.yaml"))


@pytest.mark.parametrize("preset", ["sample", "t91", "div2k"])
def test_both_losses_train_for_as_many_steps_where_the_protocol_is_ours(preset: str) -> None:
    epochs = read_settings(ROOT / f"presets/{preset}.yaml").train.epochs
    assert epochs.mse == epochs.perceptual


def test_the_presets_of_the_authors_code_differ_in_the_code_only() -> None:
    view, permute = (
        load(ROOT / f"presets/{name}.yaml") for name in ("authors-x4", "authors-x4-permute")
    )
    assert view["model"].pop("code") == "authors_view"
    assert permute["model"].pop("code") == "authors_permute"
    assert view == permute


def test_every_preset_runs_all_stages_at_its_scales(empty_outputs: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DRY_RUNS, str(ROOT / "presets"), *PRESETS],
        cwd=empty_outputs,
        env={"PATH": os.environ["PATH"], "HOME": str(empty_outputs)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    runs = dict(zip(PRESETS, done.stdout.split("DONE")[:-1], strict=True))
    pipeline = load(ROOT / "dvc.yaml")["stages"]
    for preset, output in runs.items():
        scales = load(ROOT / f"presets/{preset}.yaml")["scales"]
        expected = {name for name, stage in pipeline.items() if "matrix" not in stage}
        of_scales = [
            name for name, stage in pipeline.items() if [*stage.get("matrix", {})] == ["scale"]
        ]
        expected |= {f"{name}@{scale}" for name in of_scales for scale in scales}
        assert expected <= set(re.findall(r"Running stage '(.*)'", output)), preset


@pytest.mark.parametrize("preset", ["div2k", "paper-x2", "paper-x4"])
def test_a_preset_states_the_time_and_disk_that_make_plan_computes(
    preset: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    path = project / f"presets/{preset}.yaml"
    settings, says = read_settings(path), path.read_text(encoding="utf-8")
    photographs = find_photographs(settings.data)
    size = settings.train.batch_size * (settings.train.patch_size or TIMED_SIDE) ** 2
    # From benchmarks/README.md, 16 patches of 96 pixels; its machine scores a megapixel in 5 s.
    step = {
        (scale, loss): size / (16 * 96**2) * seconds
        for scale in settings.scales
        for loss, seconds in (("mse", 0.179), ("perceptual", 0.729))
    }
    rates = Rates(step, 5.0, 0.0)
    text = plan_text(settings, photographs, rates, "two cores")
    hours, minutes = map(int, re.findall(r"about (\d+):(\d+) h on two cores", text)[0])
    assert abs(hours + minutes / 60 - named_number(says, r"[Aa]bout (\d+) hours on two")) <= 0.5
    disk = sum(place.bytes for place in disk_use(settings, photographs)) / 1e9
    assert abs(disk - named_number(says, r"(\d+) GB of disk")) <= 0.5


def test_the_t91_preset_finds_its_sets_in_the_folders_that_it_describes(
    project: Path, assets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = project / "presets/t91.yaml"
    commands = re.findall(r"^#     ((?:mkdir|ln) .*)$", path.read_text(), re.MULTILINE)
    typed = " && ".join(commands).replace("/path/to/", f"{assets}/")
    subprocess.run(["sh", "-c", typed], env=os.environ | {"HOME": str(tmp_path)}, check=True)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(project)
    settings = read_settings(path)
    found = find_photographs(settings.data)
    images = {split: of_split.images for split, of_split in found.items()}
    assert images == {"train": 81, "val": 114, "select": 10}
    names = [photo.name for photo in folder_photos(Path(settings.data.root or ""))]
    assert len(set(names)) == len(names) == 91 + 114
    assert {name.partition("/")[0] for name in names[91:]} == {"BSD100", "Set14"}
    sets = settings.evaluate.benchmarks.items()
    images = {name: len(find_benchmark(name, Path(path), (2, 4)).files) for name, path in sets}
    assert images == {"Set5": 5, "Set14": 14, "BSD100": 100}
