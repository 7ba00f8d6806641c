import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from srcnn.errors import InputError
from srcnn.utils.files import atomic_write, code_digest, name_errors, sha256_of


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package of two rooms."""
    for name in ("__init__.py", "images/resize.py", "images/deep/png.py", "report/page.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


@pytest.fixture
def digest(package: Path) -> Callable[..., str]:
    """The digest of rooms as their files are now."""
    return lambda *rooms: code_digest.__wrapped__(*rooms, package=package)


@pytest.mark.parametrize("name", ["images/resize.py", "images/deep/png.py"])
def test_a_digest_of_code_depends_on_every_file_in_a_room(
    package: Path, digest: Callable[..., str], name: str
) -> None:
    before, before_of_all = digest("images"), digest()
    (package / name).write_text("changed")
    assert digest("images") != before
    assert digest() != before_of_all


def test_a_digest_of_code_depends_on_no_other_room(
    package: Path, digest: Callable[..., str]
) -> None:
    before = digest("__init__.py", "images")
    (package / "report/page.py").write_text("changed")
    (package / "images/__pycache__").mkdir()
    (package / "images/__pycache__/resize.pyc").write_text("compiled")
    assert digest("__init__.py", "images") == before


def fail_to_write(path: Path, *, name_temporary: bool) -> None:
    with atomic_write(path) as temporary:
        names = [str(temporary)] if name_temporary else []
        raise OSError(errno.EIO, "Input/output error", *names)


@pytest.mark.parametrize("temporary", [True, False])
def test_an_error_without_the_file_s_name_gets_it(
    tmp_path: Path, one_line: Callable[[Any], str], temporary: bool
) -> None:
    path = tmp_path / "a.png"
    with pytest.raises(InputError) as caught:
        fail_to_write(path, name_temporary=temporary)
    assert one_line(caught) == f"{path}: Input/output error"
    with pytest.raises(InputError, match="no words for it"), name_errors(path):
        raise OSError("no words for it")


def test_an_error_about_another_file_keeps_its_name(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"b\.png"), atomic_write(tmp_path / "a.png"):
        (tmp_path / "b.png").read_bytes()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_read_to_its_end_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bad block"
    path.symlink_to("/proc/self/mem")  # its first page cannot be read
    with pytest.raises(InputError, match="bad block: Input/output error"):
        sha256_of(path)


def test_temporary_names_differ_and_are_hidden(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 251 + ".png")
    with atomic_write(path) as one, atomic_write(path) as other:
        assert one != other
        for file in (one, other):
            assert file.name.startswith(".")
            assert file.name.endswith(".png.tmp")
            assert len(os.fsencode(file.name)) < 60
