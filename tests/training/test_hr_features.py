from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from srcnn.images.image_io import RGB8
from srcnn.models.tensors import Weights, to_tensor
from srcnn.models.vgg import VGGFeatures
from srcnn.training.objective import HRFeatures

Picture = Callable[..., RGB8]

LAYERS = ("block1_conv2", "block2_conv2")
SIZE = (64 * 16 * 24 + 128 * 8 * 12) * 4  # bytes of the features of one image


@pytest.fixture
def vgg(vgg16: Weights) -> VGGFeatures:
    return VGGFeatures(vgg16, "vgg16", LAYERS)


@pytest.fixture
def images(picture: Picture) -> Tensor:
    return torch.cat(
        [to_tensor(picture(16, 24, phase)[None], torch.device("cpu")) for phase in range(3)]
    )


@pytest.mark.parametrize("room", [0, SIZE, 2 * SIZE, None])
def test_features_do_not_depend_on_the_room_for_the_cache(
    vgg: VGGFeatures, images: Tensor, room: int | None
) -> None:
    features = HRFeatures(vgg, room=room)
    expected = {name: torch.cat([vgg(image)[name] for image in images.split(1)]) for name in LAYERS}
    for order in ([0, 1, 2], [2, 0, 1], [1, 2]):
        found = features(order, images[order])
        assert list(found) == list(LAYERS)
        for name in LAYERS:
            assert torch.equal(found[name], expected[name][order])
            torch.testing.assert_close(found[name], vgg(images[order])[name])


@pytest.mark.parametrize(("room", "calls"), [(0, 6), (2 * SIZE, 4), (3 * SIZE, 3)])
def test_each_cached_image_passes_through_vgg_once(
    vgg: VGGFeatures, images: Tensor, monkeypatch: pytest.MonkeyPatch, room: int, calls: int
) -> None:
    count, forward = 0, VGGFeatures.forward

    def counted(self: VGGFeatures, image: Tensor) -> Any:
        nonlocal count
        count += 1
        return forward(self, image)

    monkeypatch.setattr(VGGFeatures, "forward", counted)
    features = HRFeatures(vgg, room=room)
    for _ in range(2):
        features("abc", images)
    assert count == calls


def test_features_of_hr_images_need_no_gradient(vgg: VGGFeatures, images: Tensor) -> None:
    found = HRFeatures(vgg)([0, 1, 2], images.requires_grad_())
    assert not any(feature.requires_grad for feature in found.values())


def test_processes_share_the_free_memory(vgg: VGGFeatures, images: Tensor) -> None:
    alone, shared = HRFeatures(vgg), HRFeatures(vgg, processes=4)
    for features in (alone, shared):
        features(["a"], images[:1])
    assert alone.room
    assert shared.room == pytest.approx(alone.room / 4, rel=0.3)


def test_cleared_features_leave_the_same_room_for_others(vgg: VGGFeatures, images: Tensor) -> None:
    features = HRFeatures(vgg, room=2 * SIZE)
    features("abc", images)
    assert (list(features.cache), features.room) == (["a", "b"], 0)
    features.clear()
    assert (list(features.cache), features.room) == ([], 2 * SIZE)
    torch.testing.assert_close(features("c", images[:1]), vgg(images[:1]))
