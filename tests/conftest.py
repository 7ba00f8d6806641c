"""Shared by the tests: pictures made by formula, trained weights, the folder of golden data."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import settings

from srcnn.images import RGB8
from srcnn.lpips import LPIPS
from srcnn.patches import Pair
from srcnn.resize import imresize
from srcnn.weights import Weights, lpips_weights, read_manifest, vgg_weights

settings.register_profile("srcnn", derandomize=True, deadline=None, max_examples=25)
settings.load_profile("srcnn")
torch.set_num_threads(1)  # the tensors here are too small to gain from a second

Picture = Callable[..., RGB8]
MakePair = Callable[..., Pair]


@pytest.fixture(scope="session")
def project() -> Path:
    return Path(__file__).parents[1]


@pytest.fixture(scope="session")
def assets() -> Path:
    """The folder of golden data: Set5 with MATLAB's LR images, VGG19's weights, photographs."""
    folder = os.environ.get("SRCNN_ASSETS")
    if not folder:
        pytest.skip("SRCNN_ASSETS names no folder of golden data")
    return Path(folder)


@pytest.fixture(scope="session")
def picture() -> Picture:
    """A maker of pictures [height, width, 3] of smooth waves with edges, by formula."""

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
    """A maker of training pairs from `picture`: name, height, width, scale, phase."""

    def make(name: str, height: int, width: int, scale: int = 2, phase: float = 0.0) -> Pair:
        hr = picture(height, width, phase)
        return Pair(name, hr, imresize(hr, 1 / scale))

    return make


@pytest.fixture(scope="session")
def manifest(project: Path) -> dict[str, dict[str, str]]:
    return read_manifest(project / "datasets/weights.yaml")


@pytest.fixture(scope="session")
def vgg16(manifest: dict[str, dict[str, str]], tmp_path_factory: pytest.TempPathFactory) -> Weights:
    """VGG16's weights up to block2_conv2."""
    cache = tmp_path_factory.mktemp("cache")
    weights, _ = vgg_weights("vgg16", ["block2_conv2"], None, manifest["vgg16"], cache)
    return weights


@pytest.fixture(scope="session")
def lpips(manifest: dict[str, dict[str, str]]) -> LPIPS:
    weights, _ = lpips_weights(manifest["lpips"])
    return LPIPS(weights)


@pytest.fixture(scope="session")
def one_line() -> Callable[[Any], str]:
    """The message of a caught error, after a check that it is one line of plain text."""

    def message(caught: Any) -> str:
        text = str(caught.value)
        assert text.isprintable(), f"more than a line of plain text: {text!r}"
        return text

    return message
