from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from DISTS_pytorch import DISTS_pt
from PIL import Image

from srcnn.evaluation.dists import DISTS, SIDE, reduce
from srcnn.images.image_io import RGB8
from srcnn.models.tensors import Weights

Picture = Callable[..., RGB8]


@pytest.fixture(scope="module")
def dists(vgg16_judge: Weights) -> DISTS:
    return DISTS(vgg16_judge)


@pytest.fixture(scope="module")
def authors(vgg16_judge: Weights) -> Any:
    """The authors' module with the same weights, which its constructor would download."""
    vgg = torchvision.models.vgg16()
    convolutions = [layer for layer in vgg.features if isinstance(layer, torch.nn.Conv2d)]
    for i, layer in enumerate(convolutions, start=1):
        assert layer.bias is not None
        layer.weight.data, layer.bias.data = (
            vgg16_judge[f"conv{i}.{part}"] for part in ("weight", "bias")
        )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DISTS_pt.models, "vgg16", lambda pretrained: vgg)
        module = DISTS_pt.DISTS(load_weights=False)
    for name in ("alpha", "beta"):
        getattr(module, name).data = vgg16_judge[name].view(1, -1, 1, 1)
    return module


@pytest.mark.parametrize(
    ("size", "phase", "other", "step"),
    [
        ((64, 64), 0.0, 0.7, 1),
        ((64, 96), 0.0, 0.0, 32),
        ((37, 51), 1.0, 1.0, 64),
        ((290, 262), 0.0, 1.0, 1),
    ],
)
def test_distances_equal_those_of_the_authors_package(
    dists: DISTS,
    authors: Any,
    picture: Picture,
    size: tuple[int, int],
    phase: float,
    other: float,
    step: int,
) -> None:
    a, b = picture(*size, phase), picture(*size, other) // step * step
    prepared = [DISTS_pt.prepare_image(Image.fromarray(image), resize=True) for image in (a, b)]
    expected = authors(*prepared).item()
    assert dists.distances([a], b)[0] == pytest.approx(expected, abs=1e-6)


def test_only_a_long_shorter_side_is_reduced(picture: Picture) -> None:
    assert reduce(picture(SIDE, 300)).shape == (SIDE, 300, 3)
    assert reduce(picture(2 * SIDE, 1025)).shape == (SIDE, 512, 3)
    assert reduce(picture(600, 400)).shape == (384, SIDE, 3)


def test_equal_images_have_distance_zero_and_others_more(dists: DISTS, picture: Picture) -> None:
    hr = picture(40, 50)
    same, close, far = dists.distances([hr, hr // 2 * 2, 255 - hr], hr)
    assert same == 0 < close < far < 1


def test_flat_images_have_a_finite_distance(dists: DISTS) -> None:
    black, white = (np.full((32, 32, 3), level, np.uint8) for level in (0, 255))
    assert dists.distances([black], black) == [0]
    assert 0 < dists.distances([black], white)[0] <= 1
