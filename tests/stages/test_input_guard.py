"""A stage whose settings, data or code change while it runs is refused."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from srcnn.errors import InputError
from srcnn.utils.yaml_files import read_yaml
from stages.input_guard import ROOM, InputGuard
from tests.tiny_project import ROOT

OneLine = Callable[[Any], str]


class Usage(NamedTuple):
    """What `shutil.disk_usage` gives."""

    total: int
    used: int
    free: int


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a stage `enlarge@2-fast`, as if DVC had started it."""
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
    shutil.copy(ROOT / ".dvcignore", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_STAGE", "enlarge@2-fast")
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    return tmp_path


def set_params(folder: Path, section: str, name: str, value: Any) -> None:
    """Change one setting."""
    params = yaml.safe_load((folder / "params.yaml").read_text())
    params[section][name] = value
    (folder / "params.yaml").write_text(yaml.safe_dump(params))


def start_guard() -> InputGuard:
    """The guard of a stage that starts now."""
    return InputGuard({"scale": 2, "loss": "fast"})


def leave(monkeypatch: pytest.MonkeyPatch, free: float) -> None:
    """Pretend that the disk has so many free bytes."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 10**12, int(free)))


def test_unchanged_inputs_are_accepted(folder: Path) -> None:
    guard = start_guard()
    (folder / "code.py").touch()
    (folder / "params.yaml").write_text("# a comment\n" + (folder / "params.yaml").read_text())
    assert guard.changed() == []
    guard.check()


def test_only_the_content_of_code_in_a_folder_counts(folder: Path) -> None:
    (folder / "data/x2/a.py").write_text("1")
    guard = start_guard()
    (folder / "data/x2/a.py").touch()
    assert guard.changed() == []
    (folder / "data/x2/a.py").write_text("2")
    assert guard.changed() == ["data/x2"]


@pytest.mark.parametrize("name", [".a.py.swp", "a.py~", ".#a.py", "#a.py#", ".DS_Store"])
def test_files_that_an_editor_leaves_are_not_a_change(folder: Path, name: str) -> None:
    guard = start_guard()
    (folder / "data/x2" / name).symlink_to("nowhere")
    assert guard.changed() == []
    guard.check()


def test_compiled_code_is_not_a_change(folder: Path) -> None:
    guard = start_guard()
    (folder / "data/x2/__pycache__").mkdir()
    (folder / "data/x2/__pycache__/a.pyc").write_text("compiled")
    assert guard.changed() == []


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("section", "name", "value"),
    [("train", "log", "tensorboard"), ("variants", "other", {"lambda1": 1})],
)
def test_a_setting_that_the_stage_does_not_read_may_change(
    folder: Path, section: str, name: str, value: Any
) -> None:
    guard = start_guard()
    set_params(folder, section, name, value)
    for file in ("other.py", "data/x4/a.png"):
        (folder / file).write_text("changed")
    guard.check()


@pytest.mark.parametrize(
    ("section", "name", "value"), [("train", "lr", 0.2), ("variants", "fast", {"lambda1": 1})]
)
def test_a_changed_setting_is_named(
    folder: Path, one_line: OneLine, section: str, name: str, value: Any
) -> None:
    guard = start_guard()
    set_params(folder, section, name, value)
    with pytest.raises(InputError) as caught:
        guard.check()
    message = one_line(caught)
    assert message.startswith(f"changed while this stage ran: params.yaml: {section}.{name};")
    assert "the same command" in message


@pytest.mark.parametrize("name", ["code.py", "set.yaml", "data/x2/a.png"])
def test_a_changed_file_is_named(folder: Path, name: str) -> None:
    guard = start_guard()
    (folder / name).write_text("changed")
    with pytest.raises(InputError, match="changed while this stage ran") as caught:
        guard.check()
    assert (name if "/" not in name else "data/x2") in str(caught.value)


@pytest.mark.parametrize("name", ["code.py", "data/x2/a.png"])
def test_a_deleted_file_is_noticed(folder: Path, name: str) -> None:
    guard = start_guard()
    (folder / name).unlink()
    assert guard.changed() == [name.removesuffix("/a.png")]


def test_a_file_added_to_a_folder_is_noticed(folder: Path) -> None:
    guard = start_guard()
    (folder / "data/x2/b.png").write_text("b")
    assert guard.changed() == ["data/x2"]


def test_a_change_that_is_undone_is_accepted(folder: Path) -> None:
    guard = start_guard()
    before = (folder / "params.yaml").read_text()
    set_params(folder, "train", "lr", 0.2)
    assert guard.changed() == ["params.yaml: train.lr"]
    (folder / "params.yaml").write_text(before)
    guard.check()


@pytest.mark.parametrize("text", ["", "train: {lr: 0.1", "- 1", None])
def test_settings_that_are_saved_in_part_count_as_changed(folder: Path, text: str | None) -> None:
    guard = start_guard()
    (folder / "params.yaml").unlink()
    if text is not None:
        (folder / "params.yaml").write_text(text)
    assert guard.changed() == ["params.yaml: train.lr", "params.yaml: variants.fast"]


def test_a_stage_started_without_dvc_is_not_checked(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DVC_STAGE")
    leave(monkeypatch, 0)
    guard = start_guard()
    (folder / "code.py").unlink()
    guard.check()


def test_only_the_first_of_several_processes_checks(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCAL_RANK", "1")
    guard = start_guard()
    (folder / "code.py").unlink()
    guard.check()


def test_a_stage_starts_only_if_the_disk_has_room_for_dvcs_state_files(
    folder: Path, monkeypatch: pytest.MonkeyPatch, one_line: OneLine
) -> None:
    leave(monkeypatch, ROOM - 1e6)
    with pytest.raises(InputError) as caught:
        start_guard()
    assert one_line(caught) == (
        ".: DVC's state files need 32.00 MB, and 31.00 MB are free; make room"
    )
    leave(monkeypatch, ROOM)
    start_guard()


def test_a_stage_succeeds_only_if_the_disk_has_room_for_dvcs_copies(
    folder: Path, monkeypatch: pytest.MonkeyPatch, one_line: OneLine
) -> None:
    guard = start_guard()
    (folder / "sr/x2/mse").mkdir(parents=True)
    (folder / "sr/x2/mse/a.png").write_bytes(bytes(2_000_000))
    (folder / "curve.csv").write_bytes(bytes(1_000_000))
    (folder / "metrics.json").write_bytes(bytes(5000))  # git's
    leave(monkeypatch, ROOM + 2e6)
    with pytest.raises(InputError) as caught:
        guard.check()
    assert one_line(caught) == (
        ".dvc/cache: DVC's copies of sr/x2, curve.csv and its state files need 35.00 MB, "
        "and 34.00 MB are free; make room"
    )
    leave(monkeypatch, ROOM + 3e6)
    guard.check()


def test_the_disk_of_the_cache_is_checked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def usage(path: Path) -> Usage:
        asked.append(path)
        return Usage(10**12, 0, 10**12)

    monkeypatch.setattr(shutil, "disk_usage", usage)
    guard = start_guard()
    (folder / "sr/x2").mkdir(parents=True)
    (folder / "sr/x2/a.png").write_bytes(bytes(700))
    (folder / ".dvc").mkdir()
    (folder / "elsewhere").mkdir()
    (folder / ".dvc/config.local").write_text("[cache]\n    dir = ../elsewhere\n")
    guard.check()
    assert asked[-1].resolve() == folder / "elsewhere"


def test_every_stage_of_this_project_notices_a_change_of_each_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    shutil.copy(ROOT / ".dvcignore", tmp_path)
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
        guard = InputGuard(arguments)
        assert guard.changed() == []
        for file in files:
            (file if file.suffix else file / "0001.png").unlink()
        Path("params.yaml").unlink(missing_ok=True)
        settings = listed.splitlines()[len(files) :]
        expected = [f"params.yaml: {setting}" for setting in settings] + [*map(str, files)]
        assert guard.changed() == expected, name
