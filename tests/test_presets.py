"""The presets: complete settings, each for the whole pipeline."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from srcnn.plan import disk_use, find_photographs
from srcnn.settings import read_settings

ROOT = Path(__file__).parents[1]
PRESETS = sorted(path.stem for path in (ROOT / "presets").glob("*.yaml"))

# All in one process, as most of the time is DVC's start.
DRY_RUNS = """
import shutil, sys
from dvc.cli import main
for preset in sys.argv[2:]:
    shutil.copy(f"{sys.argv[1]}/{preset}.yaml", "params.yaml")
    if main(["repro", "--dry"]):
        sys.exit(f"{preset} does not run")
    print("DONE", flush=True)
"""


def load(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path)


def names(values: Mapping[str, Any], *before: str) -> list[str]:
    """Every setting by its dotted name; what a user names himself counts as one."""
    found = []
    for key, value in values.items():
        named = (*before, key)
        free = named in {("loss", "layers"), ("evaluate", "benchmarks"), ("variants",)}
        found += names(value, *named) if isinstance(value, dict) and not free else [".".join(named)]
    return found


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This project's pipeline with an empty file for everything that it makes."""
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
def test_a_preset_is_taken_as_settings_and_has_every_one_of_them(preset: str) -> None:
    path = ROOT / f"presets/{preset}.yaml"
    read_settings(path)
    assert names(load(path)) == names(load(ROOT / "params.yaml"))


def test_every_preset_runs_all_stages_at_its_scales(laid_out: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DRY_RUNS, str(ROOT / "presets"), *PRESETS],
        cwd=laid_out,
        env={"PATH": os.environ["PATH"], "HOME": str(laid_out)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    runs = dict(zip(PRESETS, done.stdout.split("DONE")[:-1], strict=True))
    pipeline = load(ROOT / "dvc.yaml")["stages"]
    for preset, output in runs.items():
        scales = load(ROOT / f"presets/{preset}.yaml")["scales"]
        expected = [
            f"{name}@{scale}" if "matrix" in stage else name
            for name, stage in pipeline.items()
            for scale in (scales if "matrix" in stage else [None])
        ]
        assert sorted(re.findall(r"Running stage '(.*)'", output)) == sorted(expected), preset


@pytest.mark.parametrize("preset", [name for name in PRESETS if "paper" in name or "div2k" in name])
def test_the_disk_that_a_preset_names_is_what_the_plan_says(
    preset: str, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    path = project / f"presets/{preset}.yaml"
    settings = read_settings(path)
    total = sum(place.bytes for place in disk_use(settings, find_photographs(settings.data)))
    named = re.search(r"([\d.]+) GB of disk", path.read_text(encoding="utf-8"))
    assert named
    assert float(named[1]) == pytest.approx(total / 1e9, abs=0.51)
