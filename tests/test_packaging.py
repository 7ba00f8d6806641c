"""The contents and dependencies of this project's wheel."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from srcnn.utils.yaml_files import read_yaml
from tests.tiny_project import ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CORE = [re.split(r"[<>=~]", requirement)[0] for requirement in PROJECT["dependencies"]]
# Finds no package but those of the core, as if the others were not installed.
ONLY_THE_CORE = """
import sys
from importlib.machinery import PathFinder

class Core:
    @staticmethod
    def find_spec(name, path=None, target=None):
        found = PathFinder.find_spec(name, path, target)
        places = [found.origin or "", *(found.submodule_search_locations or [])] if found else []
        is_other = name.partition(".")[0] not in allowed
        return None if is_other and any("site-packages" in place for place in places) else found

allowed = set(sys.argv.pop(1).split(","))
sys.meta_path[sys.meta_path.index(PathFinder)] = Core
from srcnn.cli.program import main
sys.exit(main(sys.argv[1:]))
"""


def wheels(folder: Path, *options: str) -> bytes:
    """The bytes of the wheel and of the source package, made without a network."""
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(folder), *options]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return b"".join(file.read_bytes() for file in sorted(folder.iterdir()))


def test_two_builds_have_the_same_bytes(tmp_path: Path) -> None:
    assert wheels(tmp_path / "first") == wheels(tmp_path / "second")


def test_every_file_of_the_package_is_installed(tmp_path: Path) -> None:
    wheels(tmp_path, "--target", "wheel")
    (wheel,) = tmp_path.iterdir()
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    files = {file for file in (ROOT / "srcnn").rglob("*") if file.is_file()}
    compiled = {file for file in files if "__pycache__" in file.parts}
    inside = {name for name in names if ".dist-info/" not in name}
    assert inside == {file.relative_to(ROOT).as_posix() for file in files - compiled}
    assert f"srcnn_perceptual-{PROJECT['version']}.dist-info/licenses/LICENSE" in names


def core(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run `srcnn` with only the packages of the core, and what these need themselves."""
    modules = {"pillow": "PIL"}
    allowed = {modules.get(name, name) for name in CORE} | {"google", "flatbuffers", "packaging"}
    command = [sys.executable, "-c", ONLY_THE_CORE, ",".join(allowed), *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize("options", [[], ["--scale", "2.5"], ["--strength", "0.5"], ["--model"]])
def test_the_core_upscales_every_kind_of_picture(tmp_path: Path, options: list[str]) -> None:
    random = np.random.default_rng(0)
    folder = tmp_path / "photos"
    folder.mkdir()
    colour = Image.fromarray(random.integers(0, 256, (20, 30, 3), np.uint8))
    for kind in ("png", "jpg", "webp", "tif", "bmp", "avif"):
        colour.save(folder / f"colour_{kind}.{kind}")
    for kind in ("png", "webp", "tif"):
        hidden = Image.fromarray(255 * random.integers(0, 2, (20, 30), np.uint8))
        shown = colour.copy()
        shown.putalpha(hidden)
        shown.save(folder / f"alpha_{kind}.{kind}")
    Image.fromarray(random.integers(0, 2**16, (20, 30), np.uint16)).save(folder / "deep.png")
    if options == ["--model"]:
        options = ["--model", str(ROOT / "srcnn/released/x4/mse.safetensors")]
    done = core("upscale", str(folder), "-o", str(tmp_path / "large"), *options)
    assert (done.returncode, done.stderr) == (0, "")
    assert len([*(tmp_path / "large").iterdir()]) == 10


@pytest.mark.parametrize(
    ("arguments", "package", "extra"),
    [
        ("score --sr a --hr b --scale 2", "torch", "pipeline"),
        ("compare a b", "pandas", "pipeline"),
        ("serve --port 0", "aiohttp", "serve"),
        ("judge a b", "aiohttp", "serve"),
        ("judge --results", "pandas", "pipeline"),
    ],
)
def test_other_verbs_say_which_extra_they_need(arguments: str, package: str, extra: str) -> None:
    done = core(*arguments.split())
    verb = "judge --results" if "--results" in arguments else arguments.split()[0]
    advice = f"pip install 'srcnn-perceptual[{extra}]'"
    assert done.stderr == f"error: srcnn {verb} needs {package}: {advice}\n"
    assert done.returncode == 1
    assert extra in PROJECT["optional-dependencies"]


def test_the_citation_file_describes_this_version() -> None:
    citation = read_yaml(ROOT / "CITATION.cff")
    assert (citation["version"], citation["license"]) == (PROJECT["version"], PROJECT["license"])
