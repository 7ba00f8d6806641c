"""Linux, macOS and Windows: commands work without what a system lacks."""

import ast
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from srcnn.images.image_io import read_rgb, write_png
from srcnn.utils import machine, system
from srcnn.utils.files import atomic_write
from tests.serving_page import TIMEOUT, Client
from tests.tiny_project import ROOT
from tests.windows import MISSING, run_without, start_of

UPSCALE = """
from srcnn.cli.program import main
sys.exit(main(["upscale", "small.png", "--scale", "2"]))
"""
LIBRARIES = "import numpy, onnxruntime, safetensors, tqdm, PIL.Image, subprocess, tempfile\n"
PSUTIL = """
import psutil  # on Linux it needs `resource`
type(psutil.Process().memory_info()).peak_wset = property(lambda self: self.rss)  # as on Windows
"""
TRAIN = """
from pathlib import Path
import numpy as np
import torch
from srcnn.images.pairs import Pair
from srcnn.models.device import device_name, left_unused, peak_memory
from srcnn.models.portable import pin_arithmetic
from srcnn.models.srcnn import SRCNN
from srcnn.training.checkpoint import Checkpoint
from srcnn.training.fabric import launch_fabric
from srcnn.training.objective import Objective
from srcnn.training.patches import Patches
from srcnn.training.pixel_cache import cache_pixels
from srcnn.training.step import Plan, TrainingStep
from srcnn.training.trainer import Trainer
from srcnn.training.validation import Crops
from srcnn.utils.machine import free_memory

pin_arithmetic()
fabric = launch_fabric()
hr = cache_pixels([Path("small.png")], Path("cache"))[0]
pairs = [Pair("a", hr, np.ascontiguousarray(hr[::2, ::2]))]
sampling = dict(patches_per_image=1, batch_size=1, geometry=False, colour=False, seed=0)
patches = Patches(pairs, 2, SRCNN(2).halo, patch_size=16, **sampling)
step = TrainingStep(fabric, SRCNN(2), Objective(), patches, Plan(1, 1e-3, "constant"))
checkpoint = Checkpoint(Path("training"), 1)
checkpoint.lock()
trainer = Trainer(step, Crops(pairs, 2, SRCNN(2).halo, 10_000), checkpoint)
trainer.save_interval = 0.0
for row in trainer.run():
    print(row["epoch"], row["val_psnr_rgb"] > 0)
assert list(Path("training").glob("*.checkpoint"))
checkpoint.remove()
assert not list(Path("training").glob("*.checkpoint"))
print(bool(device_name(fabric.device)), left_unused(fabric.device) is not None)
print(peak_memory(fabric.device) > 0.01, free_memory() > 0)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a tiny picture."""
    pixels = np.random.default_rng(0).integers(0, 256, (34, 36, 3), np.uint8)
    write_png(tmp_path / "small.png", pixels)
    return tmp_path


@pytest.mark.parametrize("missing", [*((name,) for name in MISSING), MISSING], ids="+".join)
def test_upscale_works_without_what_windows_lacks(folder: Path, missing: tuple[str, ...]) -> None:
    run_without(missing, UPSCALE, folder)
    assert read_rgb(folder / "small_x2.png").shape == (68, 72, 3)


@pytest.mark.parametrize("name", ["win32", "darwin"])
def test_upscale_works_on_another_platform(folder: Path, name: str) -> None:
    missing = MISSING if name == "win32" else ("os.sched_getaffinity",)
    # Only this project's code sees the name, because libraries would import what Linux lacks.
    run_without(missing, f"sys.platform = {name!r}\n{UPSCALE}", folder, LIBRARIES)
    assert read_rgb(folder / "small_x2.png").shape == (68, 72, 3)


def test_training_works_without_what_windows_lacks(folder: Path) -> None:
    assert run_without(MISSING, TRAIN, folder, PSUTIL).split() == ["1", *5 * ["True"]]


@pytest.mark.slow
@pytest.mark.parametrize("name", MISSING)
def test_training_works_without_each_name(folder: Path, name: str) -> None:
    assert run_without((name,), TRAIN, folder, PSUTIL).split() == ["1", *5 * ["True"]]


def test_the_server_works_without_what_windows_lacks(folder: Path) -> None:
    serve = 'from srcnn.cli.program import main\nsys.exit(main(["serve", "--port", "0"]))\n'
    kept = {"signal.SIGKILL"}  # Linux's asyncio kills the worker with it
    code = start_of(*(name for name in MISSING if name not in kept)) + serve
    own = {"TMPDIR": str(folder), "PYTHONPATH": str(ROOT), "BROWSER": "true"}
    with subprocess.Popen(
        [sys.executable, "-c", code], env=os.environ | own, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            client = Client(process.stdout.readline().split("/ ")[0])
            client.until(client.sent((folder / "small.png").read_bytes()), "done")
            process.terminate()
            assert process.wait(TIMEOUT) == 0
        finally:
            process.kill()
    assert [file.name for file in folder.iterdir()] == ["small.png"]


def test_a_process_family_is_stopped_without_process_groups(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code = (
        "import signal, subprocess, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); "
        "print(subprocess.Popen(['sleep', '1000']).pid, flush=True); signal.pause()"
    )
    monkeypatch.delattr(os, "killpg")
    command = [sys.executable, "-c", code]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, **system.NEW_SESSION
    ) as leader:
        assert leader.stdout is not None
        child = psutil.Process(int(leader.stdout.readline()))
        system.stop_family(leader, 0.1)
        assert leader.returncode == -signal.SIGKILL
    assert psutil.wait_procs([child], TIMEOUT)[1] == []


def test_signals_wait_until_the_block_ends_without_signal_masks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(signal, "pthread_sigmask")
    done = []

    def interrupted_block() -> None:
        with system.block_signals():
            signal.raise_signal(signal.SIGINT)
            done.append("block")

    with pytest.raises(KeyboardInterrupt):
        interrupted_block()
    assert done == ["block"]


def test_a_killed_write_is_removed_without_file_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system, "fcntl", None)
    abandoned = tmp_path / ".srcnn-0.png.tmp"
    abandoned.touch()
    with atomic_write(tmp_path / "a.png") as temporary:
        temporary.write_bytes(b"done")
    assert [file.name for file in tmp_path.iterdir()] == ["a.png"]


def test_a_cpu_of_another_kind_is_named_by_its_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text(
        "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n\nprocessor\t: 1\n"
    )
    monkeypatch.setattr(machine, "Path", lambda name: file)
    monkeypatch.setattr(machine, "IS_X86", False)
    assert machine.cpu_name() == "CPU 0x41, part 0xd0c"
    file.unlink()
    assert machine.cpu_name()


def test_macos_counts_memory_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    linux = machine.peak_memory()
    monkeypatch.setattr(sys, "platform", "darwin")
    assert machine.peak_memory() <= linux  # as many bytes as Linux counts KiB


def test_without_a_load_average_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.load_average() is not None
    monkeypatch.delattr(os, "getloadavg")
    assert machine.load_average() is None


ONLY_THERE = {
    *(f"import {name}" for name in ("ctypes", "fcntl", "msvcrt", "platform", "resource")),
    *(f"os.{name}" for name in ("chmod", "cpu_count", "fork", "geteuid", "getloadavg", "getuid")),
    *(f"os.{name}" for name in ("kill", "killpg", "name", "O_NOFOLLOW", "sched_getaffinity")),
    *(f"os.{name}" for name in ("sched_setaffinity", "setsid", "symlink", "umask", "uname")),
    *(f"signal.{name}" for name in ("SIGBREAK", "SIGHUP", "SIGKILL", "SIGUSR1", "alarm")),
    *(f"signal.{name}" for name in ("pause", "pthread_sigmask", "sigwait")),
    *(f"{name}=" for name in ("creationflags", "pass_fds", "preexec_fn", "start_new_session")),
    *("sys.platform", "loop.add_signal_handler", "/proc", "/sys"),
}
"""What exists on some systems only, or differs between them."""

MODULES = sorted(
    file.relative_to(ROOT).as_posix()
    for folder in ("srcnn", "stages", "tools")
    for file in (ROOT / folder).rglob("*.py")
    if file not in (ROOT / "srcnn/utils/system.py", ROOT / "srcnn/utils/machine.py")
)


def names_in(tree: ast.AST) -> Iterator[str]:
    """Imports, attributes, keyword arguments and folders of the system, as in ONLY_THERE."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (f"import {alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield f"import {node.module}"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield f"{node.value.id}.{node.attr}"
        elif isinstance(node, ast.keyword):
            yield f"{node.arg}="
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield "/".join(node.value.split("/")[:2])


@pytest.mark.parametrize("module", MODULES)
def test_only_two_modules_know_the_system(module: str) -> None:
    tree = ast.parse((ROOT / module).read_text(encoding="utf-8"))
    assert set(names_in(tree)) & ONLY_THERE == set()


@pytest.mark.parametrize("module", [*MODULES, "srcnn/utils/system.py", "srcnn/utils/machine.py"])
def test_text_files_have_an_encoding(module: str) -> None:
    tree = ast.parse((ROOT / module).read_text(encoding="utf-8"))
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = ast.unparse(call.func)
        given = {keyword.arg for keyword in call.keywords}
        is_text = name.endswith((".read_text", ".write_text")) or (
            name.startswith("subprocess.") and "text" in given
        )
        if name.endswith(".open") and name not in ("os.open", "Image.open", "webbrowser.open"):
            mode = ast.unparse(call.args[0]) if call.args else "''"
            is_text = mode[0] in "'\"" and "b" not in mode
        assert not is_text or "encoding" in given, f"{module}:{call.lineno}: {name}"
