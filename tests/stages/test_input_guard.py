"""What DVC records is true: a stage whose settings, data or code change meanwhile is refused."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from srcnn.errors import InputError
from srcnn.utils.yaml_files import read_yaml
from stages.input_guard import ROOM, Record
from tests.tiny_project import ROOT

OneLine = Callable[[Any], str]


class Usage(NamedTuple):
    """What `shutil.disk_usage` gives."""

    total: int
    used: int
    free: int


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a stage of its own, `enlarge@2-fast`, which DVC is said to have started."""
    stage = {
        "cmd": "python -m stages.enlarge --scale ${item.scale} --loss ${item.loss}",
        "matrix": {"scale": "${scales}", "loss": "${variants}"},
        "params": ["train.lr", "variants.${item.loss}"],
        "deps": ["code.py", "data/x${item.scale}", "${data.manifest}"],
        "outs": ["sr/x${item.scale}", {"metrics.json": {"cache": False}}],
        "plots": [{"curve.csv": {"template": "curve"}}],
    }
    params = {
        "scales": [2, 4],
        "data": {"manifest": "set.yaml"},
        "train": {"lr": 0.1, "log": "lines"},
        "variants": {"fast": {"lambda1": 0}, "other": {}},
    }
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"enlarge": stage}}))
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    for name in ("code.py", "set.yaml", "other.py", "data/x2/a.png", "data/x4/a.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_STAGE", "enlarge@2-fast")
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    return tmp_path


def set_params(folder: Path, section: str, name: str, value: Any) -> None:
    """Change one setting."""
    params = yaml.safe_load((folder / "params.yaml").read_text())
    params[section][name] = value
    (folder / "params.yaml").write_text(yaml.safe_dump(params))


def begun() -> Record:
    """The record of the stage that has just begun."""
    return Record({"scale": 2, "loss": "fast"})


def leave(monkeypatch: pytest.MonkeyPatch, free: float) -> None:
    """Let the disk have so many free bytes."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 10**12, int(free)))


def test_a_stage_whose_inputs_stay_as_they_are_is_recorded(folder: Path) -> None:
    record = begun()
    (folder / "code.py").touch()
    (folder / "params.yaml").write_text("# a comment\n" + (folder / "params.yaml").read_text())
    assert record.changed() == []
    record.check()


def test_code_that_python_compiles_meanwhile_is_no_change(folder: Path) -> None:
    record = begun()
    (folder / "data/x2/__pycache__").mkdir()
    (folder / "data/x2/__pycache__/a.pyc").write_text("compiled")
    assert record.changed() == []


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("section", "name", "value"),
    [("train", "log", "tensorboard"), ("variants", "other", {"lambda1": 1})],
)
def test_a_setting_that_the_stage_does_not_read_may_change(
    folder: Path, section: str, name: str, value: Any
) -> None:
    record = begun()
    set_params(folder, section, name, value)
    for file in ("other.py", "data/x4/a.png"):
        (folder / file).write_text("changed")
    record.check()


@pytest.mark.parametrize(
    ("section", "name", "value"), [("train", "lr", 0.2), ("variants", "fast", {"lambda1": 1})]
)
def test_a_setting_that_changes_meanwhile_is_named(
    folder: Path, one_line: OneLine, section: str, name: str, value: Any
) -> None:
    record = begun()
    set_params(folder, section, name, value)
    with pytest.raises(InputError) as caught:
        record.check()
    message = one_line(caught)
    assert message.startswith(f"changed while this stage ran: params.yaml: {section}.{name};")
    assert "the same command" in message


@pytest.mark.parametrize("name", ["code.py", "set.yaml", "data/x2/a.png"])
def test_a_file_that_changes_meanwhile_is_named(folder: Path, name: str) -> None:
    record = begun()
    (folder / name).write_text("changed")
    with pytest.raises(InputError, match="changed while this stage ran") as caught:
        record.check()
    assert (name if "/" not in name else "data/x2") in str(caught.value)


@pytest.mark.parametrize("name", ["code.py", "data/x2/a.png"])
def test_a_file_that_is_gone_meanwhile_is_noticed(folder: Path, name: str) -> None:
    record = begun()
    (folder / name).unlink()
    assert record.changed() == [name.removesuffix("/a.png")]


def test_a_file_that_is_added_to_a_folder_is_noticed(folder: Path) -> None:
    record = begun()
    (folder / "data/x2/b.png").write_text("b")
    assert record.changed() == ["data/x2"]


def test_what_is_changed_and_undone_is_as_if_it_had_not_been(folder: Path) -> None:
    record = begun()
    before = (folder / "params.yaml").read_text()
    set_params(folder, "train", "lr", 0.2)
    assert record.changed() == ["params.yaml: train.lr"]
    (folder / "params.yaml").write_text(before)
    record.check()


@pytest.mark.parametrize("text", ["", "train: {lr: 0.1", "- 1", None])
def test_settings_that_are_half_saved_count_as_changed(folder: Path, text: str | None) -> None:
    record = begun()
    (folder / "params.yaml").unlink()
    if text is not None:
        (folder / "params.yaml").write_text(text)
    assert record.changed() == ["params.yaml: train.lr", "params.yaml: variants.fast"]


def test_of_a_stage_that_is_started_by_hand_nothing_is_looked_at(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DVC_STAGE")
    leave(monkeypatch, 0)
    record = begun()
    (folder / "code.py").unlink()
    record.check()


def test_the_first_of_several_processes_alone_looks(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCAL_RANK", "1")
    record = begun()
    (folder / "code.py").unlink()
    record.check()


def test_a_stage_begins_only_where_dvc_has_room_for_its_notes(
    folder: Path, monkeypatch: pytest.MonkeyPatch, one_line: OneLine
) -> None:
    leave(monkeypatch, ROOM - 1e6)
    with pytest.raises(InputError) as caught:
        begun()
    assert one_line(caught) == (".: DVC's notes need 32.00 MB, and 31.00 MB are free; make room")
    leave(monkeypatch, ROOM)
    begun()


def test_a_stage_ends_well_only_where_dvc_has_room_for_copies_of_what_it_made(
    folder: Path, monkeypatch: pytest.MonkeyPatch, one_line: OneLine
) -> None:
    record = begun()
    (folder / "sr/x2/mse").mkdir(parents=True)
    (folder / "sr/x2/mse/a.png").write_bytes(bytes(2_000_000))
    (folder / "curve.csv").write_bytes(bytes(1_000_000))
    (folder / "metrics.json").write_bytes(bytes(5000))  # git's
    leave(monkeypatch, ROOM + 2e6)
    with pytest.raises(InputError) as caught:
        record.check()
    assert one_line(caught) == (
        ".dvc/cache: DVC's copies of sr/x2, curve.csv and its notes need 35.00 MB, "
        "and 34.00 MB are free; make room"
    )
    leave(monkeypatch, ROOM + 3e6)
    record.check()


def test_the_room_is_looked_for_where_the_cache_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def usage(path: Path) -> Usage:
        asked.append(path)
        return Usage(10**12, 0, 10**12)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    record = begun()
    (folder / "sr/x2").mkdir(parents=True)
    (folder / "sr/x2/a.png").write_bytes(bytes(700))
    (folder / ".dvc").mkdir()
    (folder / "elsewhere").mkdir()
    (folder / ".dvc/config.local").write_text("[cache]\n    dir = ../elsewhere\n")
    record.check()
    assert asked[-1].resolve() == folder / "elsewhere"


def test_every_stage_of_this_project_notices_whatever_it_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    arguments = {"scale": 2, "loss": "fast"}
    filled = {"${item.scale}": "2", "${item.loss}": "fast", "${data.manifest}": "set.yaml"}
    for name, stage in read_yaml(ROOT / "dvc.yaml")["stages"].items():
        listed = "\n".join([*stage["deps"], *stage.get("params", [])])
        for word, value in filled.items():
            listed = listed.replace(word, value)
        files = [Path(dep) for dep in listed.splitlines()[: len(stage["deps"])]]
        shutil.copy(ROOT / "params.yaml", "params.yaml")
        set_params(tmp_path, "data", "manifest", "set.yaml")
        set_params(tmp_path, "variants", "fast", {})
        for file in files:
            written = file if file.suffix else file / "0001.png"
            written.parent.mkdir(parents=True, exist_ok=True)
            if file != Path("params.yaml"):
                written.write_text("as it was")
        monkeypatch.setenv("DVC_STAGE", f"{name}@2-fast")
        record = Record(arguments)
        assert record.changed() == []
        for file in files:
            (file if file.suffix else file / "0001.png").unlink()
        Path("params.yaml").unlink(missing_ok=True)
        settings = listed.splitlines()[len(files) :]
        expected = [f"params.yaml: {setting}" for setting in settings] + [*map(str, files)]
        assert record.changed() == expected, name
