"""A run that is disturbed: settings and code change meanwhile, runs meet, a queue is killed."""

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

from srcnn.analysis.training_curves import read_curve
from tests.running import PATIENCE, Running, results
from tests.tiny_project import change_params, copy_of, copy_project, environment, run

TRAIN = (sys.executable, "-m", "stages.train", "--scale", "2", "--loss", "mse")
REPRO = ("dvc", "repro", "--single-item", "train_mse@2")


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone that has photographs and low-resolution images, and no model yet."""
    folder = copy_project(tmp_path_factory.mktemp("laid out") / "project")
    run("dvc", "repro", "degrade@2", cwd=folder)
    return folder


@pytest.fixture
def clone(laid_out: Path, tmp_path: Path) -> Path:
    """A copy of it, in which training takes a second."""
    folder = shutil.copytree(laid_out, tmp_path / "project")
    change_params(folder, train={"patches_per_image": 20})
    return folder


@pytest.fixture(scope="module")
def whole(made_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone whose pipeline has been run undisturbed."""
    return copy_of(made_project, tmp_path_factory.mktemp("whole") / "project")


@pytest.mark.slow
def test_settings_and_code_that_change_while_a_stage_runs_are_not_recorded(clone: Path) -> None:
    lock = (clone / "dvc.lock").read_text()
    known = sorted((clone / ".dvc/cache/runs").rglob("*"))
    training = Running(*REPRO, cwd=clone)
    training.until("training ")
    with training.paused(), (clone / "srcnn/training/losses.py").open("a") as code:
        change_params(clone, train={"lr": 0.002}, evaluate={"benchmarks": {"Set5": "Set5"}})
        code.write("# changed\n")
    assert training.ended() != 0
    changes = "params.yaml: train.lr, srcnn/training"
    warning = f"{changes}: changed during this run; "
    assert training.printed.count(warning) == 1
    assert training.errors() == [
        f"error: changed while this stage ran: {changes}; its result is of what was before "
        "and is not recorded: the same command makes it of what is now"
    ]
    assert "ERROR: failed to reproduce 'train_mse@2'" in training.printed
    assert (clone / "dvc.lock").read_text() == lock
    assert sorted((clone / ".dvc/cache/runs").rglob("*")) == known


@pytest.mark.long
def test_after_a_change_was_refused_the_next_run_has_the_new_or_the_old_setting(
    clone: Path, tmp_path: Path
) -> None:
    change_params(clone, train={"patches_per_image": 1000})  # some states are saved
    in_peace = {}
    for rate in (0.001, 0.002):
        other = shutil.copytree(clone, tmp_path / str(rate))
        change_params(other, train={"lr": rate})
        run(*REPRO, cwd=other)
        in_peace[rate] = results(other)
    training = Running(*REPRO, cwd=clone)
    training.until("training ")
    change_params(clone, train={"lr": 0.002})
    assert training.ended() != 0
    changed = shutil.copytree(clone, tmp_path / "changed")
    change_params(clone, train={"lr": 0.001})
    assert "continuing an unfinished run from epoch" in run(*REPRO, cwd=clone)
    assert results(clone) == in_peace[0.001]
    run(*REPRO, cwd=changed)
    assert results(changed) == in_peace[0.002]


@pytest.mark.slow
def test_two_runs_at_once_in_a_folder_leave_the_first_one_in_peace(clone: Path) -> None:
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
def test_a_training_that_runs_already_is_not_started_again(clone: Path) -> None:
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
def test_what_is_scored_while_it_is_trained_again_is_whole(whole: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(whole, tmp_path / "project")
    before = results(folder)
    training = Running(*TRAIN, cwd=folder)
    while training.process.poll() is None:
        scoring = Running(sys.executable, "-m", "stages.evaluate", "--scale", "2", cwd=folder)
        assert scoring.ended() == 0, scoring.printed
        assert results(folder) == before
    assert training.ended() == 0


def queue_workers(folder: Path) -> list[tuple[psutil.Process, list[str]]]:
    """The processes of DVC's queue of a folder and all that they started, with their commands."""
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
    """Whatever becomes of the test, no worker outlives it."""
    yield
    for process, _ in queue_workers(whole):
        process.kill()


def wait_for(happened: Callable[[], bool]) -> None:
    """Wait until something has happened."""
    end = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.3)


def start_queue(folder: Path) -> None:
    """Start a worker, which would keep a pipe of ours open."""
    nowhere = subprocess.DEVNULL
    command, env = ("dvc", "queue", "start"), environment() | {"OMP_NUM_THREADS": "1"}
    subprocess.run(command, cwd=folder, env=env, stdout=nowhere, stderr=nowhere, check=True)


def status(folder: Path) -> dict[str, str]:
    """What `dvc queue status` says of each experiment."""
    lines = run("dvc", "queue", "status", cwd=folder).splitlines()
    return {words[1]: words[-1] for line in lines if len(words := line.split()) == 5}


@pytest.mark.long
@pytest.mark.usefixtures("no_worker_left")
def test_a_queue_whose_worker_is_killed_goes_on(whole: Path) -> None:
    queue = ("dvc", "exp", "run", "--queue", "-n")
    for name, rate in (("one", "0.002"), ("two", "0.003")):
        run(*queue, name, "-S", f"train.lr={rate}", "train_mse@2", cwd=whole)
    before = results(whole)
    start_queue(whole)
    wait_for(lambda: any("stages.train" in words for _, words in queue_workers(whole)))
    for process, _ in queue_workers(whole):
        process.send_signal(signal.SIGKILL)
    wait_for(lambda: not queue_workers(whole))

    # DVC has not noticed; the workspace has nothing to do with it.
    assert status(whole) == {"one": "Running", "two": "Queued"}
    assert "up to date" in run("dvc", "repro", cwd=whole)
    assert results(whole) == before
    assert run("git", "status", "--short", cwd=whole) == ""

    # Killing what is dead makes DVC notice; then it can be removed and queued again.
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
