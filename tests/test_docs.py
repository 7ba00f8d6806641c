"""The commands of README and docs, run in order, page by page, as a new user would type them.

Some commands cannot run in a test. INSTEAD says what is run in their place.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from srcnn.utils.yaml_files import read_yaml
from tests.tiny_project import ROOT, copy_of, environment
from tools.commands import committed_files

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PROSE = [*PAGES, *(ROOT / f"{name}.md" for name in ("CHANGELOG", "CONTRIBUTING", "SECURITY"))]
"""All pages, including those without commands to run."""

INSTEAD = {
    r"make test\b.*": "true",  # it runs this test
    r"(srcnn serve|srcnn judge x.*)$": r"timeout --preserve-status --signal INT 5 "
    r"\1 --port 0 --no-browser",
    r"judging: srcnn judge --results": "! srcnn judge --results",  # no one has voted
    r"photos/0001.png": "'photos/train/photo 0.png'",
    r"photos/\*.png": "photos/*/*.png",
    r"(--width|--height) \d+": r"\1 300",  # the tiny photographs would be enlarged 30 times
    r"/path/to/photos": "{project}/photos",
    r"\bx4/": "x2/",  # the tiny project has only one scale
    r" metrics/x4.json": "",
    r"reproduce-the-paper: dvc repro$": "dvc repro --dry check_settings",  # needs DIV2K
    r"the-authors-code: .+": "true",  # needs ×4 and the published networks
    r"README: make sweep .*": "true",  # docs/sweeps.md runs it
    r"sweeps: make sweep *(#.*)?$": "make sweep SET=loss.lambda2=0.1,2.7",
    r"sweeps: make sweep .*JOBS.*": "true",  # tests/tools/test_sweep.py
    r"sweeps: (python -m tools.sweep .*)": r"\1 2>&1 | grep '^error: 1 of 3 experiments failed'",
}
"""Patterns of commands that cannot run in a test, and what is run in their place."""

LONG = pytest.mark.long
LONG_PAGES = {"sweeps", "comparing-runs"}  # each trains several experiments
PARTLY = "13"
"""Number of files when only the results of training are pushed, as docs/sharing.md shows."""

ELSEWHERE = {"sharing": "tests/test_sharing.py tests servers and second clones"}


def commands(page: Path) -> Iterator[str]:
    """The commands of a page."""
    for block in re.findall(r"```console\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        for line in re.sub(r"\\\n\s*", "", block).splitlines():
            if line.startswith("$ "):
                yield line[2:]


def as_typed(page: Path, command: str, project: Path) -> str:
    """The command to run: the page's own, or its replacement from INSTEAD."""
    for pattern, replacement in INSTEAD.items():
        start, separator, rest = pattern.partition(": ")
        if separator and start != page.stem:
            continue
        command = re.sub(rest or start, replacement, command)
    return command.replace("{project}", str(project))


def test_every_link_leads_to_a_file() -> None:
    for page in PROSE:
        for link in re.findall(r"\]\((?!http|#)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name}: {link}"


def test_every_file_that_a_page_names_exists() -> None:
    folders = "srcnn|stages|tools|tests|benchmarks|presets|datasets"
    for page in PROSE:
        for name in re.findall(rf"`((?:{folders})/[\w/]+\.\w+)`", page.read_text(encoding="utf-8")):
            assert (ROOT / name).exists(), f"{page.name}: {name}"


def test_the_guide_describes_every_module_in_the_section_of_its_room() -> None:
    guide = (ROOT / "docs/how-it-works.md").read_text(encoding="utf-8")
    described = set()
    for section in guide.partition("\n## Where to add")[0].split("\n### ")[1:]:
        room = section.split("`")[1]
        for row in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE):
            described |= {f"{room}{name}" for name in re.findall(r"`(\w+\.py)`", row)}
    assert not [name for name in described if not (ROOT / name).is_file()]
    files = [file for room in ("srcnn", "tools") for file in (ROOT / room).rglob("[!_]*.py")]
    assert {file.relative_to(ROOT).as_posix() for file in files} <= described


def test_every_setting_is_explained() -> None:
    page = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
    sections: list[str] = []
    for line in (ROOT / "params.yaml").read_text(encoding="utf-8").splitlines():
        if not (found := re.match(r"( *)(\w+): *([^# ]*)", line)):
            continue
        sections[len(found[1]) // 2 :] = [found[2]]
        if found[3] and "block2_conv2" not in line:
            assert f"`{'.'.join(sections)}`" in page, line


def test_the_sizes_in_sharing_match_dvc_lock() -> None:
    in_git = set(committed_files(ROOT))
    stages = read_yaml(ROOT / "dvc.lock")["stages"].values()
    outs = [out for stage in stages for out in stage.get("outs", [])]
    kept = [
        out
        for out in outs
        if not any(name == out["path"] or name.startswith(f"{out['path']}/") for name in in_git)
    ]
    files = sum(out.get("nfiles", 0) + 1 for out in kept)  # a folder's list is a file as well
    size = sum(out["size"] for out in kept) / 1e6
    page = (ROOT / "docs/sharing.md").read_text(encoding="utf-8")
    assert f"| **all** | **{files}** | **{size:.1f}** |" in page
    assert set(re.findall(r"(\d+) files pushed", page)) == {str(files), PARTLY}


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(
            page, id=page.stem, marks=LONG if page.stem in LONG_PAGES else pytest.mark.slow
        )
        for page in PAGES
        if page.stem not in ELSEWHERE
    ],
)
def test_the_commands_of_a_page_work_in_their_order(
    made_project: Path, tmp_path: Path, page: Path
) -> None:
    stamps = [file.name for file in Path(sys.prefix).glob("installed-*")]
    if not stamps:
        pytest.skip("`make install` did not create this environment; the commands would start it")
    folder = copy_of(made_project, tmp_path / "project")
    for file in (ROOT / "Makefile", ROOT / "pyproject.toml", *ROOT.glob("requirements*.lock")):
        shutil.copy(file, folder)
    (folder / ".venv").symlink_to(sys.prefix)
    subprocess.run(["git", "add", "."], cwd=folder, check=True)
    subprocess.run(["git", "commit", "-qm", "all"], cwd=folder, check=True, env=environment())
    for command in commands(page):
        typed = as_typed(page, command, folder)
        done = subprocess.run(
            ["bash", "-c", typed], cwd=folder, env=environment(), capture_output=True, text=True
        )
        assert done.returncode == 0, f"$ {typed}\n{done.stdout}{done.stderr}"
