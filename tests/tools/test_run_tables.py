"""The tables of the documentation that compare stored runs."""

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from srcnn.errors import InputError
from srcnn.utils.files import write_json, write_text
from tests.git_runs import write_run
from tests.tiny_project import ROOT
from tools.run_tables import run_differences, run_verdicts, seeds


def write_stored(folder: Path, seed: int, network: str, gain: float) -> None:
    """Write a run at ×2, in which the perceptual network's scores are higher by `gain`."""
    folder.mkdir(parents=True)
    with pytest.MonkeyPatch.context() as context:
        context.chdir(folder)
        scores = {name: 1.0 + i for i, name in enumerate("abcdef")}
        higher = {name: value + gain for name, value in scores.items()}
        write_run({"mse": scores, "perceptual": higher}, scale=2)
    yaml = YAML()
    params = yaml.load(ROOT / "params.yaml") | {"seed": seed, "scales": [2]}
    params["loss"]["network"] = network
    yaml.dump(params, folder / "params.yaml")
    write_json({"commit": "abc"}, folder / "environment.json")
    verdicts = {f"C{i}": {"verdict": "supported"} for i in range(1, 8)}
    write_json(verdicts | {"C4": {"verdict": network}}, folder / "plots/claims.json")


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """The runs of three seeds and of VGG19."""
    for seed, gain in ((1, 0.25), (2, 0.25), (3, -0.125)):
        write_stored(tmp_path / f"seed{seed}", seed, "vgg16", gain)
    write_stored(tmp_path / "vgg19", 1, "vgg19", 0.75)
    return tmp_path


def test_seeds_are_summarised_without_the_other_runs(runs: Path) -> None:
    head, _, *rows = seeds(runs).splitlines()
    assert head == "|  | ×2 |"
    (row,) = (row for row in rows if "LPIPS ↓" in row)
    assert row.startswith("| LPIPS ↓ | +0.12500 [−")  # not in bold: the interval includes 0
    assert row.endswith("] · 2 of 3 |")


def test_seeds_that_agree_are_in_bold(runs: Path) -> None:
    write_text((runs / "seed2/metrics/x2.csv").read_text(), runs / "seed3/metrics/x2.csv")
    assert "| LPIPS ↓ | **+0.25000** [+0.25000, +0.25000] · 3 of 3 |" in seeds(runs)


def test_each_run_has_a_column_of_verdicts_and_rows_of_differences(runs: Path) -> None:
    head, _, *rows = run_verdicts(runs).splitlines()
    assert head == "|  | VGG16, seed 1 | VGG16, seed 2 | VGG16, seed 3 | VGG19, seed 1 |"
    assert [row.split(" | ")[0] for row in rows] == [f"| C{i}" for i in range(1, 7)]
    assert rows[3] == "| C4 | vgg16 | vgg16 | vgg16 | vgg19 |"
    *_, third, last = run_differences(runs).splitlines()
    assert third.startswith("| ×2 | VGG16, seed 3 | −0.125 | −0.12500 |")
    assert last.startswith("| ×2 | VGG19, seed 1 | +0.750 | +0.75000 |")


def test_a_folder_without_runs_is_refused(tmp_path: Path) -> None:
    for table in (run_verdicts, run_differences):
        with pytest.raises(InputError, match="contains no folders of stored runs"):
            table(tmp_path)


def test_one_seed_is_too_few(runs: Path) -> None:
    with pytest.raises(InputError, match="needs the runs of two seeds"):
        seeds(runs / "seed1")
