"""`make verify` on a pipeline of two stages that take no time, and once on the real one."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools.cache_check import check_cache, describe_cache
from tools.verification import compare, describe

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow

INTACT = "files of this commit in DVC's cache: 2 intact, 0 damaged, 0 missing"

STAGES = """\
stages:
  photos:
    cmd: python make.py photos
    deps: [make.py]
    outs: [data]
  score:
    cmd: python make.py score
    params: [digits]
    deps: [data, make.py]
    outs:
      - metrics/cpu_time.json: {cache: false}
      - metrics/environment.json: {cache: false}
      - metrics/x2.csv: {cache: false}
      - plots/table.md: {cache: false}
    metrics:
      - metrics/x2.json: {cache: false}
"""

MAKE = """\
import json, os, sys, time
from pathlib import Path

stage, machine = sys.argv[1], os.environ.get("MACHINE", "a CPU")
with open(os.environ["LOG"], "a") as log:
    print(stage, file=log, flush=True)
time.sleep(float(os.environ.get("SLEEP", 0)))
if stage == "photos":
    Path("data").mkdir()
    Path("data/1.png").write_text("pixels")
else:
    tolerance = {"mse": {"relative": 0.02}, "psnr_y": {"absolute": 0.15}}
    psnr = 30 + float(os.environ.get("SHIFT", 0))
    made = {
        "metrics/cpu_time.json": {"seconds": {"x2": time.time()}},  # differs in every run
        "metrics/environment.json": {"device": machine, "tolerance": tolerance},
        "metrics/x2.json": {"bicubic": {"mse": 0.01, "psnr_y": 30.0}, "mse": {"psnr_y": psnr}},
        "metrics/x2.csv": ["1", psnr],
        "plots/table.md": psnr,
    }
    for path, content in made.items():
        Path(path).parent.mkdir(exist_ok=True)
        Path(path).write_text(json.dumps(content))
"""


def environment(folder: Path, **variables: str) -> dict[str, str]:
    """A process's environment: LOG is where the stages say that they run."""
    return os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "LOG": str(folder / "log"),
        **dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"), "a"),
        **dict.fromkeys(("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"), "a@b"),
        **variables,
    }


def run(folder: Path, *command: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        cwd=folder / "project",
        env=environment(folder, **variables),
        capture_output=True,
        text=True,
    )


def commit(folder: Path) -> None:
    for command in ("git add --all", "git commit --quiet -m results"):
        assert run(folder, *command.split()).returncode == 0


def verify(folder: Path, *options: str, **variables: str) -> tuple[int, list[str], str]:
    """Status, lines of output and the errors; a whole run has to leave no temporary file."""
    (folder / "log").unlink(missing_ok=True)
    variables["TMPDIR"] = str(folder / "temporary")
    done = run(folder, sys.executable, "-m", "tools.verify", *options, **variables)
    if not options:
        assert list((folder / "temporary").iterdir()) == []
    return done.returncode, done.stdout.splitlines(), done.stderr


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a project whose pipeline has run, and whose results are committed."""
    folder = tmp_path_factory.mktemp("verify")
    project = folder / "project"
    for name in ("project", "temporary"):
        (folder / name).mkdir()
    (project / "dvc.yaml").write_text(STAGES)
    (project / "params.yaml").write_text("digits: 4\n")
    (project / "make.py").write_text(MAKE)
    (project / ".gitignore").write_text("/data\n")
    assert run(folder, "git", "init", "--quiet").returncode == 0
    assert run(folder, "dvc", "init", "--quiet").returncode == 0
    assert run(folder, "dvc", "config", "core.analytics", "false").returncode == 0
    # A cache that all clones share, from which nothing may be taken.
    assert run(folder, "dvc", "cache", "dir", str(folder / "cache")).returncode == 0
    done = run(folder, "dvc", "repro")
    assert done.returncode == 0, done.stdout + done.stderr
    commit(folder)
    return folder


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    return shutil.copytree(original, tmp_path / "copy")


def test_committed_results_are_made_again_and_verified(folder: Path) -> None:
    status, lines, _ = verify(folder)
    assert lines[-1] == "verified: all 5 outputs have the committed bytes"
    assert status == 0
    assert (folder / "log").read_text().split() == ["photos", "score"]
    assert run(folder, "git", "status", "--short").stdout == ""


def test_changed_results_are_named(folder: Path) -> None:
    project = folder / "project"
    lock = (project / "dvc.lock").read_text()
    md5 = lock.split("path: data\n      hash: md5\n      md5: ")[1].split()[0]
    (project / "dvc.lock").write_text(lock.replace(md5, "0" * 32 + ".dir"))
    metrics = json.loads((project / "metrics/x2.json").read_text())
    metrics["mse"]["psnr_y"] = 31.5
    (project / "metrics/x2.json").write_text(json.dumps(metrics))
    (project / "plots/old.md").write_text("of a stage that is no more")
    commit(folder)
    status, lines, _ = verify(folder)
    assert lines[-6:] == [
        f"data: dvc.lock has {'0' * 32}.dir, now {md5}",
        "metrics/x2.json: not the committed file",
        "plots/old.md: committed, but not made",
        "scale  method  metric  committed  now  difference  allowed",
        "x2     mse     psnr_y       31.5   30        −1.5     0.15  outside",
        "not verified: 3 of 6 outputs differ",
    ]
    assert status == 1


@pytest.mark.parametrize(
    ("old", "new", "stage", "named"),
    [
        ("path: make.py\n      hash: md5\n      md5: ", "0", "photos", "make.py"),
        ("cmd: python make.py photos", " --more", "photos", "its command"),
        ("digits: ", "4", "score", "its settings"),
        ("schema: '2.0'\nstages:\n", "  more:\n    cmd: python make.py\n", "more", None),
    ],
)
def test_a_lock_file_of_other_code_is_not_verified(
    folder: Path, old: str, new: str, stage: str, named: str | None
) -> None:
    lock = folder / "project/dvc.lock"
    lock.write_text(lock.read_text().replace(old, old + new, 1))
    comparison = compare(folder / "project")
    assert not comparison.is_verified
    why = f"{stage} was made from something else: {named}" if named else f"{stage} is missing"
    assert list(describe(comparison)) == [
        f"dvc.lock: {why}",
        "not verified: dvc.lock is of other code or settings; dvc repro, then git commit",
    ]


def test_another_machine_is_verified_within_the_tolerance(folder: Path) -> None:
    status, lines, _ = verify(folder, MACHINE="a GPU", SHIFT="0.125")
    assert lines[-7:] == [
        "  device: a GPU; committed: a CPU",
        "1 of 5 outputs have the same bytes",
        "scale  method   metric  committed     now  difference  allowed",
        "x2     bicubic  mse          0.01    0.01           0   0.0002",
        "x2     bicubic  psnr_y         30      30           0     0.15",
        "x2     mse      psnr_y         30  30.125       +0.12     0.15",
        "verified: all 3 metrics lie within the tolerance of metrics/environment.json",
    ]
    assert status == 0


def test_another_machine_is_not_verified_beyond_the_tolerance(folder: Path) -> None:
    status, lines, _ = verify(folder, MACHINE="a GPU", SHIFT="-0.25")
    assert lines[-2].split() == ["x2", "mse", "psnr_y", "30", "29.75", "−0.25", "0.15", "outside"]
    assert lines[-1] == "not verified: 1 of 3 metrics changed too much"
    assert status == 1


def test_results_in_the_working_tree_are_compared_without_a_run(folder: Path) -> None:
    status, lines, _ = verify(folder, "--here")
    assert lines == [INTACT, "verified: all 5 outputs have the committed bytes"]
    assert status == 0
    assert not (folder / "log").exists()
    (folder / "project/plots/table.md").write_text("drawn by hand")
    status, lines, errors = verify(folder, "--here")
    why = "the results are not up to date (see dvc status); run dvc repro first"
    assert (status, lines, errors) == (1, [INTACT], f"error: {why}\n")


def damage(path: Path) -> None:
    """Change a byte as a failing disk does: size, times and permissions stay."""
    before, content = path.stat(), path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(b"?" + content[1:])
    path.chmod(before.st_mode)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def cached(folder: Path, suffix: str) -> Path:
    """The only file in the cache whose name does or does not end in `.dir`."""
    files = [file for file in (folder / "cache/files/md5").rglob("*") if file.is_file()]
    (file,) = (file for file in files if file.suffix == suffix)
    return file


@pytest.mark.parametrize(
    ("link", "suffix", "command"),
    [
        ("copy", "", "cp -f data/1.png OBJECT"),  # the working tree has an intact copy
        ("hardlink", "", "rm -f data/1.png OBJECT"),
        ("symlink", "", "rm -f data/1.png OBJECT"),
        ("hardlink", ".dir", "rm -f OBJECT"),  # the list of the files in data
    ],
)
def test_a_damaged_cache_is_restored_as_the_message_says(
    folder: Path, link: str, suffix: str, command: str
) -> None:
    for step in (f"cache dir {folder}/cache", f"config cache.type {link}", "checkout --relink"):
        done = run(folder, "dvc", *step.split())
        assert done.returncode == 0, done.stdout + done.stderr
    damage(cached(folder, suffix))
    status, lines, errors = verify(folder, "--here")
    assert lines[-2:] == [
        "to restore the damaged files, run these lines, then dvc pull or dvc repro:",
        f"  {command.replace('OBJECT', str(cached(folder, suffix)))}",
    ]
    assert (status, errors) == (1, "error: files in DVC's cache are damaged; restore them first\n")
    assert run(folder, "sh", "-c", lines[-1]).returncode == 0
    done = run(folder, "dvc", "repro")
    assert done.returncode == 0, done.stdout + done.stderr
    status, lines, _ = verify(folder, "--here")
    assert (status, lines[0]) == (0, INTACT)
    assert (folder / "project/data/1.png").read_text() == "pixels"


def test_a_damaged_cache_does_not_stop_the_run_but_is_part_of_the_verdict(folder: Path) -> None:
    assert run(folder, "dvc", "cache", "dir", str(folder / "cache")).returncode == 0
    damage(cached(folder, ""))
    status, lines, _ = verify(folder)
    assert lines[1].endswith("1 intact, 1 damaged, 0 missing")
    assert lines[-2:] == [
        "verified: all 5 outputs have the committed bytes",
        "damaged files in DVC's cache: 1; see above how to restore them",
    ]
    assert status == 1


def test_a_clone_without_a_cache_is_not_damaged(folder: Path) -> None:
    assert run(folder, "dvc", "cache", "dir", str(folder / "cache")).returncode == 0
    shutil.rmtree(folder / "cache")
    assert list(describe_cache(check_cache(folder / "project"))) == [
        "files of this commit in DVC's cache: 0 intact, 0 damaged, 1 missing"
    ]


def test_files_that_differ_from_those_committed_are_named(folder: Path) -> None:
    (folder / "project/plots/table.md").write_text("drawn by hand")
    (folder / "project/plots/more.md").write_text("")
    (folder / "project/plots/sweep.csv").write_text("of no stage")
    comparison = compare(folder / "project")
    assert not comparison.is_verified
    assert list(describe(comparison)) == [
        "plots/more.md: made, but not committed",
        "plots/table.md: not the committed file",
        "not verified: 2 of 6 outputs differ",
    ]


def test_uncommitted_changes_are_reported(folder: Path) -> None:
    (folder / "project/params.yaml").write_text("digits: 5\n")
    (folder / "project/notes.txt").write_text("")
    (folder / "project" / os.fsdecode(b"caf\xe9.txt")).write_text("")
    status, lines, _ = verify(folder)
    assert lines[0] == ("not committed, so not verified: params.yaml, caf\\udce9.txt, notes.txt")
    assert status == 0


@pytest.mark.parametrize("name", ["dvc.lock", "metrics/environment.json"])
def test_a_project_without_committed_results_is_refused(folder: Path, name: str) -> None:
    run(folder, "git", "rm", "--quiet", name)
    commit(folder)
    status, lines, errors = verify(folder)
    assert (status, lines) == (1, [])
    assert (
        errors == f"error: {name}: not committed; dvc repro makes it, then git add and git commit\n"
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("dvc.lock", "stages:\n  photos: [", "dvc.lock: not valid YAML: "),
        ("dvc.lock", "schema: '2.0'\n", "dvc.lock: not a lock file of DVC ('stages')"),
        (
            "dvc.lock",
            "stages: {a: {deps: [{md5: x}]}}\n",
            "dvc.lock: not a lock file of DVC ('path')",
        ),
        ("metrics/environment.json", "[]", "metrics/environment.json: damaged (input should be"),
        ("metrics/x2.json", '{"mse": 3}', "metrics/x2.json: damaged (mse: input should be"),
    ],
)
def test_a_malformed_file_gives_one_line(
    folder: Path, name: str, content: str, message: str
) -> None:
    (folder / "project" / name).write_text(content)
    status, lines, errors = verify(folder, "--here")
    assert (status, lines) == (1, [])
    assert errors.startswith(f"error: {message}")
    assert errors.count("\n") == 1


def test_a_failing_stage_is_reported_and_the_clone_is_kept_on_request(folder: Path) -> None:
    status, lines, errors = verify(folder, "--keep", SHIFT="none")
    assert status == 1
    assert errors.endswith("error: dvc repro ended with status 255; see its message above\n")
    (kept,) = (folder / "temporary").iterdir()
    assert lines[-1] == f"kept: {kept}"
    assert (kept / "project/data/1.png").is_file()
    assert not (kept / "project/metrics/x2.json").exists()  # the committed one is out of the way


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_leaves_nothing_behind(folder: Path, number: signal.Signals) -> None:
    (folder / "log").unlink()
    process = subprocess.Popen(
        [sys.executable, "-m", "tools.verify"],
        cwd=folder / "project",
        env=environment(folder, SLEEP="600", TMPDIR=str(folder / "temporary")),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not (folder / "log").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(number)
    output, _ = process.communicate(timeout=60)  # which all that hold its output have to close
    assert process.returncode == 128 + number
    assert "Traceback" not in output.split("make.py")[0]
    assert list((folder / "temporary").iterdir()) == []


@pytest.mark.long
def test_the_real_pipeline_is_verified_on_tiny_photographs(
    made_project: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(made_project, folder / "project", symlinks=True)
    (folder / "temporary").mkdir()
    status, lines, _ = verify(folder)
    assert re.fullmatch(r"verified: all \d+ outputs have the committed bytes", lines[-1])
    assert status == 0
