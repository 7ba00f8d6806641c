from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from srcnn.images.image_io import RGB8
from srcnn.serve import worker_pool
from tests.png_files import png_file
from tests.serving_page import Client, Gate, page_served, worker_after


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with page_served(tmp_path) as address:
        yield Client(address)


@pytest.fixture
def gate(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Gate:
    """A gate before every strip of 32 rows of a result."""
    gate = Gate(tmp_path_factory.mktemp("gate"))
    monkeypatch.setattr(worker_pool, "COMMAND", worker_after(gate.code))
    return gate


@pytest.fixture(scope="session")
def photo(picture: Callable[..., RGB8]) -> bytes:
    return png_file(picture(40, 30))
