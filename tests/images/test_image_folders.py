"""Listing the files of folders, with links, loops and folders that cannot be read."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from srcnn.errors import InputError
from srcnn.images.image_folders import (
    find_files,
    find_images,
    find_matches,
    list_files,
    list_images,
)
from srcnn.utils.files import atomic_write

OneLine = Callable[[Any], str]


def make(folder: Path, *names: str) -> None:
    """Make empty files; `link -> target` makes a symbolic link."""
    for name in names:
        path, _, target = name.partition(" -> ")
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        if target:
            (folder / path).symlink_to(target)
        else:
            (folder / path).touch()


def names(files: list[Path], folder: Path) -> list[str]:
    return [str(file.relative_to(folder)) for file in files]


def test_images_are_listed_by_path_with_those_in_folders_and_no_hidden_ones(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.jpeg", "sub/c.tif", "notes.txt", ".b.png", "d.webp", "index.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    listed = [str(path.relative_to(tmp_path)) for path in list_images(tmp_path)]
    assert listed == ["a.jpeg", "b.PNG", "d.webp", "sub/c.tif"]


def test_files_being_written_are_not_listed(tmp_path: Path) -> None:
    make(tmp_path, "a.png")
    with atomic_write(tmp_path / "b.png") as temporary:
        temporary.touch()
        assert list_images(tmp_path) == [tmp_path / "a.png"]


def test_a_folder_without_images_is_named_with_what_was_looked_for(
    tmp_path: Path, one_line: OneLine
) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(InputError) as caught:
        list_images(tmp_path)
    assert str(tmp_path) in one_line(caught)
    assert "*.png" in one_line(caught)


def test_a_missing_folder_is_named(tmp_path: Path, one_line: OneLine) -> None:
    with pytest.raises(InputError) as caught:
        list_images(tmp_path / "none")
    assert one_line(caught) == f"{tmp_path / 'none'}: no such folder"


def test_folders_that_link_to_each_other_are_listed_once(tmp_path: Path) -> None:
    make(tmp_path, "a/x.png", "a/l1 -> ../b", "a/l2 -> ../b", "b/l1 -> ../a", "b/l2 -> ../a")
    for number in range(3, 15):  # 2^12 paths, if every link were followed
        make(tmp_path, f"a/l{number} -> ../b", f"b/l{number} -> ../a")
    assert names(list_images(tmp_path), tmp_path) == ["a/x.png"]


def test_a_folder_elsewhere_is_listed_by_the_first_link(tmp_path: Path) -> None:
    root = tmp_path / "photos"
    make(tmp_path, "far/x.png", "far/deep/y.png", "photos/z -> ../far", "photos/sub/a -> ../../far")
    assert names(list_images(root), root) == ["sub/a/deep/y.png", "sub/a/x.png"]
    make(root, "b -> ../far/deep")
    assert names(list_images(root), root) == ["b/y.png", "sub/a/x.png"]


def test_a_link_to_a_folder_above_is_not_followed(tmp_path: Path) -> None:
    make(tmp_path, "private.png", "photos/x.png", "photos/up -> ..", "photos/deep/up -> ../..")
    assert names(list_images(tmp_path / "photos"), tmp_path) == ["photos/x.png"]


@pytest.fixture
def unreadable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of photographs with a subfolder that cannot be read, also not by root."""
    make(tmp_path, "photos/a.png", "photos/bad/b.png", "photos/c/d.png", "photos/link -> bad")
    scandir = os.scandir

    def refuse(path: Any) -> Any:
        if Path(path).name in ("bad", "link"):
            raise OSError(errno.EIO, "Input/output error")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    return tmp_path / "photos"


def test_a_folder_that_cannot_be_read_is_named_once(unreadable: Path, one_line: OneLine) -> None:
    error = f"{unreadable}/bad: cannot be read (Input/output error)"
    for find in (find_files, find_images):
        files, errors = find(unreadable)
        assert names(files, unreadable) == ["a.png", "c/d.png"]
        assert [str(each) for each in errors] == [error]
    for list_all in (list_files, list_images):
        with pytest.raises(InputError) as caught:
            list_all(unreadable)
        assert one_line(caught) == error


def test_a_pattern_reads_only_folders_that_may_match(unreadable: Path) -> None:
    files, errors = find_matches(f"{unreadable}/c*/*.png")
    assert (names(files, unreadable), errors) == (["c/d.png"], [])
    files, errors = find_matches(f"{unreadable}/*/*.png")
    assert (names(files, unreadable), len(errors)) == (["c/d.png"], 1)
    assert find_matches(f"{unreadable}/*.png")[1] == []


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.png", ["a.png"]),
        ("[ab].*", ["a.png", "b.jpg"]),
        ("*/*.png", ["s/a.png", "t/a.png"]),
        ("s/**/*.png", ["s/a.png", "s/u/a.png"]),
        ("**", ["a.png", "b.jpg", "s/a.png", "s/u/a.png", "t/a.png"]),
        ("**/u/*", ["s/u/a.png"]),
        ("**/s/**/a.???", ["s/a.png", "s/u/a.png"]),
        ("none/*.png", []),
        ("*.tif", []),
    ],
)
def test_a_pattern_finds_what_it_matches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str, found: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    make(tmp_path, "a.png", "b.jpg", ".h.png", "s/a.png", "s/u/a.png", "t/a.png", "t/back -> ../s")
    for root in (Path(), tmp_path):
        files, errors = find_matches(str(root / pattern))
        assert (names(files, root), errors) == (found, [])
