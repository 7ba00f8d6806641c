"""Runs that are disturbed: settings or code change, two runs overlap, a queue is killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from srcnn.analysis.results import read_curve
from tests.running import PATIENCE, Running, results
from tests.tiny_project import change_params, copy_of, copy_project, environment, run

TRAIN = (sys.executable, "-m", "stages.train", "--scale", "2", "--loss", "mse")
REPRO = ("dvc", "repro", "--single-item", "train_mse@2")


@pytest.fixture(scope="module")
def with_images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone that has HR and LR images, but no model yet."""
    folder = copy_project(tmp_path_factory.mktemp("laid out") / "project")
    run("dvc", "repro", "degrade@2", cwd=folder)
    return folder


@pytest.fixture
def clone(with_images: Path, tmp_path: Path) -> Path:
    """A copy of `with_images` in which training takes a second."""
    folder = shutil.copytree(with_images, tmp_path / "project")
    change_params(folder, train={"patches_per_image": 20})
    return folder


@pytest.fixture(scope="module")
def whole(made_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone in which the whole pipeline has run."""
    return copy_of(made_project, tmp_path_factory.mktemp("whole") / "project")


@pytest.mark.slow
def test_settings_and_code_that_change_while_a_stage_runs_are_not_recorded(clone: Path) -> None:
    lock = (clone / "dvc.lock").read_text()
    known = sorted((clone / ".dvc/cache/runs").rglob("*"))
    change_params(clone, train={"patches_per_image": 400})  # so that the first epoch takes longer
    training = Running(*REPRO, cwd=clone)
    training.until("training ")
    with training.paused(), (clone / "srcnn/training/losses.py").open("a") as code:
        change_params(clone, train={"lr": 0.002}, evaluate={"benchmarks": {"Set5": "Set5"}})
        code.write("# changed\n")
    assert training.ended() != 0
    changes = "params.yaml: train.lr, srcnn/training"
    warning = f"{changes}: changed during this run; "
    assert training.printed.count(warning) == 1, training.printed
    assert training.errors() == [
        f"error: changed while this stage ran: {changes}; "
        "the result is not recorded, run the same command again"
    ]
    assert "ERROR: failed to reproduce 'train_mse@2'" in training.printed
    assert (clone / "dvc.lock").read_text() == lock
    assert sorted((clone / ".dvc/cache/runs").rglob("*")) == known


@pytest.mark.long
def test_after_a_refused_change_the_next_run_uses_the_current_setting(
    clone: Path, tmp_path: Path
) -> None:
    change_params(clone, train={"patches_per_image": 1000})  # so that checkpoints are saved
    undisturbed = {}
    for rate in (0.001, 0.002):
        other = shutil.copytree(clone, tmp_path / str(rate))
        change_params(other, train={"lr": rate})
        run(*REPRO, cwd=other)
        undisturbed[rate] = results(other)
    training = Running(*REPRO, cwd=clone)
    training.until("training ")
    change_params(clone, train={"lr": 0.002})
    assert training.ended() != 0
    changed = shutil.copytree(clone, tmp_path / "changed")
    change_params(clone, train={"lr": 0.001})
    assert "continuing an unfinished run from epoch" in run(*REPRO, cwd=clone)
    assert results(clone) == undisturbed[0.001]
    run(*REPRO, cwd=changed)
    assert results(changed) == undisturbed[0.002]


@pytest.mark.slow
def test_a_second_run_in_a_folder_does_not_disturb_the_first(clone: Path) -> None:
    first = Running(*REPRO, cwd=clone)
    first.until("training ")
    with first.paused():
        second = Running("dvc", "repro", cwd=clone)
        assert second.ended() != 0
    assert "is busy, it is being blocked by:" in second.printed
    assert f"(PID {first.process.pid}): " in second.printed
    assert first.ended() == 0, first.printed
    assert "up to date" in run(*REPRO, cwd=clone)


@pytest.mark.slow
def test_dvc_plots_shows_the_epochs_so_far_of_a_running_stage(clone: Path) -> None:
    change_params(clone, train={"epochs": {"mse": 30}})
    training = Running(*REPRO, cwd=clone)
    training.until("epoch 3/30")
    curve = "metrics/training/x2_mse.csv"
    with training.paused():
        shown = json.loads(run("dvc", "plots", "show", "--json", curve, cwd=clone))
    points = shown["data"][curve][0]["content"]["data"]["values"]
    assert 2 <= len(points) < 30
    assert [point["epoch"] for point in points] == [str(n + 1) for n in range(len(points))]
    assert training.ended() == 0, training.printed
    assert len(read_curve(clone / curve)) == 30


@pytest.mark.slow
def test_a_model_is_not_trained_twice_at_the_same_time(clone: Path) -> None:
    first = Running(*TRAIN, cwd=clone)
    first.until("training ")
    with first.paused():
        second = Running(*TRAIN, cwd=clone)
        assert second.ended() == 1
    assert second.errors() == [
        "error: .training/x2_mse: another process is training this model; wait for it, or stop "
        "it and continue with the same command"
    ]
    assert first.ended() == 0, first.printed
    assert len(read_curve(clone / "metrics/training/x2_mse.csv")) == 2
    assert not list((clone / ".training").iterdir())


@pytest.mark.long
def test_scoring_during_a_new_training_uses_the_old_model(whole: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(whole, tmp_path / "project")
    before = results(folder)
    training = Running(*TRAIN, cwd=folder)
    while training.process.poll() is None:
        scoring = Running(sys.executable, "-m", "stages.evaluate", "--scale", "2", cwd=folder)
        assert scoring.ended() == 0, scoring.printed
        changed = dict(results(folder).items() - before.items())
        assert changed.keys() <= {"metrics/training/x2_mse.csv", "metrics/grid/x2_mse.csv"}
    assert training.ended() == 0
    assert results(folder) == before


def queue_workers(folder: Path) -> list[tuple[psutil.Process, list[str]]]:
    """The processes that run in a folder, with their command lines."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(folder) and process.pid != os.getpid():
                found.append((process, process.cmdline()))
        except psutil.Error:
            continue
    return found


@pytest.fixture
def no_worker_left(whole: Path) -> Iterator[None]:
    """Kill the workers that a failing test leaves."""
    yield
    for process, _ in queue_workers(whole):
        process.kill()


def wait_for(happened: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < end, "timed out"
        time.sleep(0.3)


def start_queue(folder: Path) -> None:
    """Start a worker of DVC's queue; its output goes nowhere, as it would keep a pipe open."""
    nowhere = subprocess.DEVNULL
    command, env = ("dvc", "queue", "start"), environment() | {"OMP_NUM_THREADS": "1"}
    subprocess.run(command, cwd=folder, env=env, stdout=nowhere, stderr=nowhere, check=True)


def status(folder: Path) -> dict[str, str]:
    """The state of each experiment as `dvc queue status` prints it."""
    lines = run("dvc", "queue", "status", cwd=folder).splitlines()
    return {words[1]: words[-1] for line in lines if len(words := line.split()) == 5}


@pytest.mark.long
@pytest.mark.usefixtures("no_worker_left")
def test_a_queue_continues_after_its_worker_is_killed(whole: Path) -> None:
    queue = ("dvc", "exp", "run", "--queue", "-n")
    for name, rate in (("one", "0.002"), ("two", "0.003")):
        run(*queue, name, "-S", f"train.lr={rate}", "train_mse@2", cwd=whole)
    before = results(whole)
    start_queue(whole)
    wait_for(lambda: any("stages.train" in words for _, words in queue_workers(whole)))
    for process, _ in queue_workers(whole):
        process.send_signal(signal.SIGKILL)
    wait_for(lambda: not queue_workers(whole))

    # DVC still lists the killed experiment as running; the workspace is unaffected.
    assert status(whole) == {"one": "Running", "two": "Queued"}
    assert "up to date" in run("dvc", "repro", cwd=whole)
    assert results(whole) == before
    assert run("git", "status", "--short", cwd=whole) == ""

    # `dvc queue kill` corrects the state; then the experiment can be removed and queued again.
    run("dvc", "queue", "kill", "one", cwd=whole)
    assert status(whole) == {"one": "Failed", "two": "Queued"}
    run("dvc", "queue", "remove", "one", cwd=whole)
    run(*queue, "one", "-S", "train.lr=0.002", "train_mse@2", cwd=whole)
    start_queue(whole)
    succeeded = {"one": "Success", "two": "Success"}
    wait_for(lambda: status(whole) == succeeded)

    assert results(whole) == before
    run("dvc", "exp", "apply", "one", cwd=whole)
    queued = results(whole)
    assert queued != before
    shutil.rmtree(whole / ".dvc/cache/runs")
    run("dvc", "repro", "--force", "--single-item", "train_mse@2", cwd=whole)
    assert results(whole) == queued
