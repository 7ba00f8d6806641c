from collections.abc import Callable
from pathlib import Path

import pytest

from srcnn.utils.files import code_digest


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
