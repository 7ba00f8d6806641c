"""The rooms of the package: the order of imports, and the rooms that each stage lists."""

import ast
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from srcnn.utils.yaml_files import read_yaml
from tests.tiny_project import ROOT

ORDER = (
    *({"errors"}, {"utils"}, {"settings"}, {"images"}, {"models"}),
    *({"data", "training", "evaluation", "export"}, {"analysis", "upscaling"}),
    *({"figures"}, {"report"}, {"web"}, {"serve", "judge"}, {"cli"}),
)
"""A room imports only from itself and from rooms before it, not from rooms in the same braces."""

PLACE = {room: place for place, rooms in enumerate(ORDER) for room in rooms}
TOP = {"__init__.py", "__main__.py", "errors.py", "settings.py", "py.typed"}
SHARED = {"stages/run_stage.py", "stages/input_guard.py"}
PIPELINE: dict[str, Any] = read_yaml(ROOT / "dvc.yaml")["stages"]


@cache
def imports(file: str) -> frozenset[str]:
    """Return the files of this project that a file imports, at any place in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / file).read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            names = [module, *(f"{module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            path = Path(*name.split("."))
            for candidate in (path.with_suffix(".py"), path / "__init__.py"):
                if (ROOT / candidate).is_file() and path.parts[0] in ("srcnn", "stages", "tools"):
                    found.add(candidate.as_posix())
    return frozenset(found)


def reached(file: str) -> set[str]:
    """Return a file and all files that it imports, directly or not, except SHARED."""
    found: set[str] = set()
    left = [file]
    while left:
        if (name := left.pop()) not in found | SHARED:
            found.add(name)
            left += imports(name)
    return found


def room_of(file: str) -> str:
    return Path(file).parts[1].removesuffix(".py")


def files_of(folder: str) -> list[str]:
    return sorted(file.relative_to(ROOT).as_posix() for file in (ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("file", files_of("srcnn"))
def test_a_room_imports_only_from_rooms_before_it(file: str) -> None:
    room = room_of(file)
    if room in ("__init__", "__main__"):
        return
    for other in imports(file):
        imported = room_of(other)
        assert other.startswith("srcnn/"), f"{file} imports {other}"
        assert imported == room or PLACE[imported] < PLACE[room], f"{file} imports {other}"


def test_the_top_of_the_package_holds_rooms_and_little_else() -> None:
    entries = {p.name for p in (ROOT / "srcnn").iterdir() if p.name != "__pycache__"}
    rooms = {name for name in entries if (ROOT / "srcnn" / name / "__init__.py").is_file()}
    assert rooms == set(PLACE) - {"errors", "settings"}
    assert entries - rooms == TOP | {"released"}


@pytest.mark.parametrize("room", sorted(set(PLACE) - {"errors", "settings"}))
def test_every_room_says_what_belongs_in_it(room: str) -> None:
    text = ast.get_docstring(ast.parse((ROOT / "srcnn" / room / "__init__.py").read_text()))
    assert text is not None
    assert 2 <= len(text.splitlines()) <= 4


@pytest.mark.parametrize("file", files_of("srcnn"))
def test_only_stages_and_tools_know_dvc(file: str) -> None:
    text = (ROOT / file).read_text()
    assert not re.search(r"^\s*(import|from) (dvc|stages|tools)\b", text, re.MULTILINE)


@pytest.mark.parametrize("name", PIPELINE)
def test_a_stage_lists_the_rooms_that_it_runs(name: str) -> None:
    stage = PIPELINE[name]
    script = stage["cmd"].split()[2].replace(".", "/") + ".py"
    listed = {Path(dep).parts[1] for dep in stage["deps"] if dep.startswith("srcnn/")}
    files = reached(script)
    rooms = {room_of(file) for file in files if file.startswith("srcnn/")}
    plumbing = {"__init__", "errors", "settings"}
    # A stage lists settings.py only if code there affects its numbers.
    uses = any(
        re.search(
            r"settings\.(loss_of|epochs_of|losses)\b|\.in_archives\b", (ROOT / file).read_text()
        )
        for file in files - {"srcnn/settings.py"}
    )
    assert ("settings.py" in listed) == (uses or name == "check_settings")
    assert listed - {"settings.py"} == rooms - plumbing
    assert {dep for dep in stage["deps"] if dep.startswith("stages/")} == {script}


@pytest.mark.parametrize("name", PIPELINE)
def test_no_stage_writes_into_a_room(name: str) -> None:
    rooms = {dep for stage in PIPELINE.values() for dep in stage["deps"] if dep[:6] == "srcnn/"}
    made = [*PIPELINE[name].get("outs", []), *PIPELINE[name].get("plots", [])]
    for out in (out if isinstance(out, str) else next(iter(out)) for out in made):
        assert not any(f"{out}/".startswith(f"{room}/") for room in rooms)


def test_a_changed_room_reruns_exactly_its_stages() -> None:
    from srcnn.data.resume import ROOMS as IMAGE_ROOMS
    from srcnn.training.build import ROOMS as TRAINING_ROOMS

    def rooms(name: str) -> set[str]:
        return {Path(d).parts[1] for d in PIPELINE[name]["deps"] if d.startswith("srcnn/")}

    images = set(IMAGE_ROOMS) - {"errors.py"}
    assert images == rooms("degrade") == rooms("fetch_data") - {"settings.py"}
    assert set(TRAINING_ROOMS) - {"errors.py"} == rooms("train_mse")
