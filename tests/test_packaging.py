"""The contents of this project's wheel."""

import tomllib
from pathlib import Path

from setuptools import find_packages

from tests.tiny_project import ROOT


def packages() -> set[str]:
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    return set(find_packages(str(ROOT), **options["packages"]["find"]))


def test_every_folder_of_code_is_installed() -> None:
    folders = {file.parent.relative_to(ROOT) for file in (ROOT / "srcnn").rglob("*.py")}
    assert packages() == {".".join(folder.parts) for folder in folders}


def test_every_other_file_of_the_package_is_installed() -> None:
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    named = {
        file
        for package, patterns in options["package-data"].items()
        for pattern in patterns
        for file in Path(ROOT, *package.split(".")).glob(pattern)
    }
    files = {file for file in (ROOT / "srcnn").rglob("*") if file.is_file()}
    compiled = {file for file in files if "__pycache__" in file.parts}
    assert files - compiled - set((ROOT / "srcnn").rglob("*.py")) <= named
