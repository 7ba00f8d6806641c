"""Fixtures for all tests: synthetic images, trained weights, the folder of reference data."""

import gc

gc.disable()  # imports and the collection of tests make millions of objects, and no garbage

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from filelock import FileLock
from hypothesis import settings

from srcnn.data import download
from srcnn.data.pretrained_weights import judge_weights, vgg_weights
from srcnn.data.sources import Photo
from srcnn.evaluation.judges import Judge
from srcnn.evaluation.lpips import LPIPS
from srcnn.images.image_io import RGB8, write_png
from srcnn.images.pairs import Pair
from srcnn.images.resize import imresize
from srcnn.models.tensors import Weights
from srcnn.utils.yaml_files import read_yaml
from tests.server import Server, serving
from tests.small_results import Save, saver, small_judges, small_weights
from tests.tiny_project import make_project

settings.register_profile("srcnn", derandomize=True, deadline=None, max_examples=25)
settings.load_profile("srcnn")
gc.set_threshold(50_000)
gc.freeze()  # no collection looks through the imports again, nor the five at the end of pytest
torch.set_num_threads(1)  # the tensors in tests are too small to gain from a second thread
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # idle threads of programs must not spin
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # set by a shell for background jobs
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # by nohup
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

Picture = Callable[..., RGB8]
MakePair = Callable[..., Pair]


LONGEST = (
    *("test_sweep.py", "test_docs.py", "test_pipeline.py", "test_page_in_browser.py"),
    *("test_processes.py", "test_server_in_browser.py", "test_stages.py", "test_command.py"),
    *("test_queue.py", "test_trainer.py", "test_page.py", "test_full_disk.py", "test_presets.py"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the slowest files first, so that all cores finish at about the same time."""
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.name, len(order)))


def pytest_collection_finish() -> None:
    """Collect garbage again, but not from what is imported, which takes half a second each time."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def project() -> Path:
    return Path(__file__).parents[1]


UNUSED = "WebUIOmniboxPopup,WebUIOmniboxAimPopup,SpareRendererForSitePerProcess"
"""Features of Chromium that start more processes for each page: of its address bar, and a spare."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, as playwright's `Browser`."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("Chromium is not installed")
    with pytest.importorskip("playwright.sync_api").sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", f"--disable-features={UNUSED}"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def made_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny project with its results, made once for all tests. Copy it before you change it."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, made = shared / "made", shared / "made.done"
    with FileLock(shared / "made.lock"):
        if not made.exists():
            make_project(folder)
            made.touch()
    return folder


@pytest.fixture(scope="session")
def assets() -> Path:
    """The folder of reference data: Set5 with MATLAB's LR images, VGG19's weights, photographs."""
    folder = os.environ.get("SRCNN_ASSETS")
    if not folder:
        pytest.skip("SRCNN_ASSETS is not set to a folder of reference data")
    return Path(folder)


@pytest.fixture(scope="session")
def picture() -> Picture:
    """Return a function that makes images [height, width, 3] of smooth waves with edges."""

    def make(height: int, width: int, phase: float = 0.0) -> RGB8:
        y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
        value = (
            np.sin(0.31 * x + 0.9 * c + phase)
            + np.cos(0.17 * y * (c + 1) - phase)
            + np.sin(0.011 * x * y)
        )
        return np.rint(127.5 + 42 * value).clip(0, 255).astype(np.uint8)

    return make


@pytest.fixture(scope="session")
def make_pair(picture: Picture) -> MakePair:
    """Return a function that makes training pairs of `picture` images."""

    def make(name: str, height: int, width: int, scale: int = 2, phase: float = 0.0) -> Pair:
        hr = picture(height, width, phase)
        return Pair(name, hr, imresize(hr, 1 / scale))

    return make


@pytest.fixture
def photos(tmp_path: Path, picture: Picture) -> list[Photo]:
    """Three train photographs and two val photographs, of five sizes."""
    made = []
    for number, split in enumerate(("train", "train", "train", "val", "val")):
        path = tmp_path / f"originals/{split}/photo{number}.png"
        write_png(path, picture(20 + number, 30 + number, phase=number))
        made.append(Photo(path, path.name, split))
    return made


@pytest.fixture(scope="session")
def manifest(project: Path) -> dict[str, dict[str, str]]:
    return read_yaml(project / "datasets/weights.yaml")


@pytest.fixture(scope="session")
def vgg16(manifest: dict[str, dict[str, str]], tmp_path_factory: pytest.TempPathFactory) -> Weights:
    """The weights of VGG16 up to block2_conv2."""
    cache = tmp_path_factory.mktemp("cache")
    weights, _ = vgg_weights("vgg16", ["block2_conv2"], None, cache, manifest["vgg16"])
    return weights


@pytest.fixture(scope="session")
def lpips() -> LPIPS:
    weights, _ = judge_weights("alexnet")
    return LPIPS(weights)


@pytest.fixture(scope="session")
def vgg16_judge() -> Weights:
    """The weights of VGG16, of LPIPS's heads for it, and of DISTS."""
    weights, _ = judge_weights("vgg16")
    return weights


@pytest.fixture(scope="session")
def small_lpips() -> LPIPS:
    """LPIPS with few channels and random weights; zero only for equal pictures."""
    return LPIPS(small_weights("alexnet"))


@pytest.fixture(scope="session")
def judges() -> dict[str, Judge]:
    """Judges with few channels and random weights; zero only for equal pictures."""
    return small_judges()


@pytest.fixture
def save(tmp_path: Path, picture: Picture) -> Save:
    """Return a function that writes results; see `tests.small_results.saver`."""
    return saver(tmp_path, picture)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A web server on this machine, with short timeouts for downloads."""
    monkeypatch.setattr(download, "WAIT", 0.001)
    monkeypatch.setattr(download, "TRIES", 3)
    monkeypatch.setattr(download, "_TIMEOUT", (5, 0.3))
    with serving() as server:
        yield server


@pytest.fixture(scope="session")
def one_line() -> Callable[[Any], str]:
    """Return the message of a caught error, after checking that it is one line of plain text."""

    def message(caught: Any) -> str:
        text = str(caught.value)
        assert text.isprintable(), f"not one line of plain text: {text!r}"
        return text

    return message
