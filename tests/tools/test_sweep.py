"""Sweeps as users run them: stopped, killed, failing, repeated."""

import csv
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from PIL import Image

from tests.tiny_project import ROOT, commit, copy_of, environment, run
from tools.sweep import main

pytestmark = pytest.mark.long

PIPELINE = """
stages:
  train_mse:
    cmd: python train.py mse
    params: [train.lr]
    deps: [train.py]
    outs: [models/mse.json]
  train_perceptual:
    cmd: python train.py perceptual
    params: [train.lr, loss.lambda2]
    deps: [train.py]
    outs: [models/perceptual.json]
  evaluate:
    cmd: python train.py evaluate
    deps: [models/mse.json, models/perceptual.json]
    metrics:
      - metrics/x2.json:
          cache: false
"""
# The stages log what they compute in a file outside the project, one line each.
TRAIN = """
import json, os, sys, time
from pathlib import Path
from srcnn.utils.yaml_files import read_yaml

what, params = sys.argv[1], read_yaml(Path("params.yaml"))
lr, lambda2 = params["train"]["lr"], params["loss"]["lambda2"]
with Path(os.environ["LEDGER"]).open("a") as ledger:
    print(what, lr, lambda2 if what == "perceptual" else "", file=ledger)
if what == "perceptual":
    time.sleep(float(os.environ.get("NAP", 0)))
if lambda2 > 1000:
    sys.exit("error: training diverged")
def scores(mse):
    return {"mse": mse, "psnr_rgb": 1, "psnr_y": 1, "ssim_y": 1, "lpips": 1 - mse}
made = {"mse": 0.1 + lr, "perceptual": 0.1 + lr + lambda2 / 100}
out = Path("models", what + ".json")
if what == "evaluate":
    out = Path("metrics/x2.json")
    made = {name: scores(json.loads(Path("models", name + ".json").read_text())) for name in made}
    made["bicubic"] = scores(0.5)
out.parent.mkdir(exist_ok=True)
out.write_text(json.dumps(made if what == "evaluate" else made[what]))
"""


class Project:
    """A project whose training takes no time."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.ledger = folder.with_name(f"{folder.name}-ledger.txt")
        self.environment = environment() | {"LEDGER": str(self.ledger)}

    def start(self, *arguments: str, nap: float = 0) -> subprocess.Popen[str]:
        """Begin a sweep."""
        return subprocess.Popen(
            [sys.executable, "-m", "tools.sweep", *arguments],
            cwd=self.folder,
            env=self.environment | {"NAP": str(nap)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def sweep(self, *arguments: str, status: int = 0) -> str:
        """Run a sweep to its end; what it prints."""
        out, error = (process := self.start(*arguments)).communicate(timeout=300)
        assert process.returncode == status, out + error
        return out + error

    def begun(self) -> list[str]:
        """What was trained since the last call of `computed`."""
        lines = self.ledger.read_text().splitlines() if self.ledger.exists() else []
        return [line.strip() for line in lines if "evaluate" not in line]

    def computed(self) -> list[str]:
        """What was trained since the last call."""
        lines = self.begun()
        self.ledger.unlink(missing_ok=True)
        return lines

    def until(self, done: Callable[[], bool]) -> None:
        """Wait for something."""
        end = time.monotonic() + 120
        while not done():
            assert time.monotonic() < end
            time.sleep(0.2)

    def stages(self) -> list[psutil.Process]:
        """Processes of stages that run."""
        return [p for p in self.processes() if "train.py" in p.cmdline()]

    def runs(self) -> list[psutil.Process]:
        """Processes of `dvc exp run`."""
        return [p for p in self.processes() if "exp" in p.cmdline()]

    def processes(self) -> Iterator[psutil.Process]:
        """All processes whose working directory is in the project."""
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if Path(process.cwd()).is_relative_to(self.folder):
                    yield process

    def rows(self) -> list[dict[str, str]]:
        """Of the swept models in plots/sweep.csv."""
        with (self.folder / "plots/sweep.csv").open() as file:
            return [row for row in csv.DictReader(file) if row["method"] == "perceptual"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as it was committed."""
    folder = tmp_path_factory.mktemp("made") / "project"
    for file in (".dvc/config", ".dvc/.gitignore", ".gitignore", "params.yaml"):
        (folder / file).parent.mkdir(exist_ok=True, parents=True)
        shutil.copy(ROOT / file, folder / file)
    for code in ("srcnn", "tools"):
        shutil.copytree(ROOT / code, folder / code, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "dvc.yaml").write_text(PIPELINE)
    (folder / "train.py").write_text(TRAIN)
    params = (folder / "params.yaml").read_text()
    (folder / "params.yaml").write_text(params.replace("scales: [2, 4]", "scales: [2]"))
    run("git", "init", "--quiet", cwd=folder)
    commit(folder, "start")
    project = Project(folder)
    subprocess.run(["dvc", "repro"], cwd=folder, env=project.environment, check=True)
    project.computed()
    commit(folder, "results")
    return folder


@pytest.fixture
def small(made: Path, tmp_path: Path) -> Iterator[Project]:
    """A copy of the project; afterwards its processes are killed."""
    shutil.copytree(made, tmp_path / "project", symlinks=True)
    project = Project(tmp_path / "project")
    yield project
    for process in project.processes():
        with suppress(psutil.Error):
            process.kill()


def test_a_sweep_runs_what_it_changes_and_continues_after_a_failure(small: Project) -> None:
    arguments = ("loss.lambda2=0.1,5000,0.9,2.7",)
    printed = small.sweep(*arguments, status=1)
    assert small.computed() == [f"perceptual 0.001 {value}" for value in (0.1, 5000, 2.7)]
    assert re.search("lambda2=0.1: done in .*; stages: 2 ran, 0 cached, 1 unchanged\n", printed)
    assert re.search("lambda2=0.9: done in .*; stages: 0 ran, 0 cached, 3 unchanged\n", printed)
    assert "lambda2=5000: failed: training diverged\n" in printed
    assert printed.endswith("error: 1 of 4 experiments failed: lambda2=5000\n")
    assert [row["loss.lambda2"] for row in small.rows()] == ["0.1", "0.9", "2.7"]
    assert [float(row["lpips"]) for row in small.rows()] == pytest.approx([0.898, 0.89, 0.872])
    with Image.open(small.folder / "plots/sweep.png") as picture:
        assert picture.width > 2000
    assert (small.folder / "plots/sweep.pdf").is_file()
    assert "plots/sweep.png" in run("git", "status", "--short", "-u", cwd=small.folder)

    again = small.sweep(*arguments, status=1)
    assert small.computed() == ["perceptual 0.001 5000"]  # tried again, and nothing else
    assert "4 experiments, 3 of them done" in again
    assert len(small.rows()) == 3

    commit(small.folder, "the sweep's own results")
    anew = small.sweep("loss.lambda2=0.1,0.9")
    assert "2 experiments, 0 of them done" in anew  # of another commit
    assert re.search("lambda2=0.1: done in .*; stages: 0 ran, 2 cached, 1 unchanged", anew)
    assert small.computed() == []


def test_lists_can_be_swept_too(small: Project) -> None:
    printed = small.sweep("data.same_size=[10,10],[20,20]")
    assert "same_size=20-20" in printed
    assert [row["data.same_size"] for row in small.rows()] == ["[10, 10]", "[20, 20]"]
    assert (small.folder / "plots/sweep.png").is_file()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_sweep_continues_where_it_was(small: Project, number: signal.Signals) -> None:
    arguments = ("loss.lambda2=0.1,0.3,2.7",)
    process = small.start(*arguments, nap=12)
    small.until(lambda: len(small.begun()) == 2)
    process.send_signal(number)
    out, error = process.communicate(timeout=120)
    assert process.returncode == 130
    assert error.endswith("stopped; the same command continues\n")
    assert "lambda2=0.1: done in" in out
    assert small.folder not in [Path(p.cwd()) for p in small.processes()]
    assert not small.stages()
    assert run("git", "status", "--short", cwd=small.folder) == ""
    assert not list((small.folder / ".dvc/tmp/exps/standalone").glob("tmp*"))
    small.computed()

    printed = small.sweep(*arguments)
    assert small.computed() == ["perceptual 0.001 0.3", "perceptual 0.001 2.7"]
    assert "3 experiments, 1 of them done" in printed
    assert len(small.rows()) == 3


def test_a_sweep_stopped_at_any_time_leaves_the_working_tree_as_it_was(small: Project) -> None:
    for seconds in (1.0, 3.0, 4.0, 5.0, 6.0):
        process = small.start("loss.lambda2=0.1,0.3", "--jobs=2", nap=30)
        time.sleep(seconds)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=120)
        assert run("git", "status", "--short", cwd=small.folder) == ""
        assert run("git", "symbolic-ref", "HEAD", cwd=small.folder)
        assert not list(small.processes())


def test_a_killed_experiment_fails_and_the_others_go_on(small: Project) -> None:
    process = small.start("loss.lambda2=0.1,0.3", nap=8)
    small.until(lambda: bool(small.stages()))
    (stage,), (experiment,) = small.stages(), small.runs()
    experiment.kill()
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 1
    assert not stage.is_running()
    assert "lambda2=0.1: failed: DVC was killed\n" in out
    assert "lambda2=0.3: done in" in out
    assert len(small.rows()) == 1


def test_a_second_sweep_is_refused_as_long_as_an_experiment_of_the_first_runs(
    small: Project,
) -> None:
    first = small.start("loss.lambda2=0.1,0.3", nap=30)
    small.until(lambda: bool(small.stages()))
    refused = "error: another sweep runs in this project, or an experiment of one\n"
    assert small.sweep("loss.lambda2=2.7", status=1).endswith(refused)
    first.kill()
    first.communicate()
    assert small.sweep("loss.lambda2=2.7", status=1).endswith(refused)
    small.until(lambda: not small.runs())
    printed = small.sweep("loss.lambda2=0.1,0.3")
    assert "2 experiments, 1 of them done" in printed
    assert small.computed() == ["perceptual 0.001 0.1", "perceptual 0.001 0.3"]


def test_two_jobs_share_a_grid_and_its_models(small: Project) -> None:
    grid = "loss.lambda2=0.1,0.9", "train.lr=0.001,0.003"
    printed = small.sweep(*grid, "-j", "2", "--name", "two")
    lines = small.computed()
    assert sum(line.startswith("perceptual") for line in lines) == 3  # one is the commit's own
    assert set(lines) > {"mse 0.003"}
    assert "two_lambda2=0.9_train.lr=0.003: done" in printed
    assert {row["train.lr"] for row in small.rows()} == {"0.001", "0.003"}


def test_a_fresh_clone_can_be_swept(small: Project, tmp_path: Path) -> None:
    run("git", "clone", "--quiet", str(small.folder), str(tmp_path / "clone"), cwd=tmp_path)
    clone = Project(tmp_path / "clone")
    clone.sweep("loss.lambda2=0.1,0.3")
    assert clone.computed() == ["mse 0.001", "perceptual 0.001 0.1", "perceptual 0.001 0.3"]


def test_changes_that_are_not_committed_are_refused(small: Project) -> None:
    (small.folder / "train.py").write_text(TRAIN + "\n# changed\n")
    printed = small.sweep("loss.lambda2=0.1", status=1)
    assert printed.startswith("error: train.py: ")
    assert printed.count("\n") == 1
    assert small.computed() == []


def test_an_experiment_of_the_same_name_and_other_settings_is_refused(small: Project) -> None:
    taken = ("--name", "lambda2=0.1", "--set-param", "loss.lambda2=0.2")
    subprocess.run(
        ["dvc", "exp", "run", "--temp", *taken],
        cwd=small.folder,
        env=small.environment,
        check=True,
    )
    printed = small.sweep("loss.lambda2=0.1", status=1)
    assert "error: lambda2=0.1: this experiment has other settings" in printed


def test_the_pipeline_itself_is_swept(made_project: Path, tmp_path: Path) -> None:
    """Real training with three values of λ2: one fails, and the sweep is stopped and continued."""
    project = Project(copy_of(made_project, tmp_path / "project"))
    weights = (project.folder / "dvc.lock").read_text()
    arguments = ("loss.lambda2=0.1,1e39,2.7",)
    process = project.start(*arguments)
    assert process.stdout
    lines = [process.stdout.readline() for _ in range(2)]
    assert re.search("lambda2=0.1: done in .*; stages: 9 ran, 0 cached, 5 unchanged", lines[1])
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)
    assert process.returncode == 130
    printed = project.sweep(*arguments, status=1)
    assert "3 experiments, 1 of them done" in printed
    assert "lambda2=1e+39: failed: training diverged" in printed
    assert re.search("lambda2=2.7: done in .*; stages: 9 ran, 0 cached, 5 unchanged", printed)
    assert [row["loss.lambda2"] for row in project.rows()] == ["0.1", "2.7"]
    swept = run("git", "show", experiment(project, "lambda2=2.7"), cwd=project.folder)
    for stage in ("train_mse@2", "fetch_data", "degrade@2", "fetch_weights"):
        assert section(swept, stage) == section(weights, stage)
    assert section(swept, "train_perceptual@2") != section(weights, "train_perceptual@2")


def experiment(project: Project, name: str) -> str:
    """dvc.lock of an experiment, as git names it."""
    (ref,) = run(
        "git", "for-each-ref", "--format=%(refname)", f"refs/exps/*/*/{name}", cwd=project.folder
    ).split()
    return f"{ref}:dvc.lock"


def section(lock: str, stage: str) -> str:
    """What dvc.lock says of a stage."""
    return re.split(r"\n  (?=\S)", lock.partition(f"\n  {stage}:")[2])[0]


def test_a_sweep_under_nohup_outlives_its_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {number: signal.getsignal(number) for number in (1, 2, 15)}
    monkeypatch.setattr("sys.argv", ["sweep"])
    monkeypatch.setattr("tools.sweep.sweep", lambda *_: 0)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with pytest.raises(SystemExit):
            main()
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        assert callable(signal.getsignal(signal.SIGINT))
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
