from collections.abc import Callable

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from srcnn.images.image_io import RGB8
from srcnn.models.srcnn import SRCNN
from srcnn.models.tensors import to_tensor
from srcnn.models.tiled_inference import super_resolve

Picture = Callable[..., RGB8]


def network(scale: int) -> SRCNN:
    torch.manual_seed(scale)
    model = SRCNN(scale).eval()
    model.start_from_interpolation()
    return model.to(memory_format=torch.channels_last)


@torch.no_grad()
def whole(model: SRCNN, lr: RGB8) -> RGB8:
    """The image in one piece."""
    sr = model(to_tensor(lr[None], torch.device("cpu")))[0].clamp(0, 1) * 255
    return np.asarray(sr.round().byte().permute(1, 2, 0))


@given(
    scale=st.sampled_from([2, 3, 4]),
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    tile=st.integers(1, 90),
    seed=st.integers(0, 99),
)
def test_tiles_of_any_size_give_the_levels_of_the_whole_image(
    scale: int, height: int, width: int, tile: int, seed: int
) -> None:
    model = network(scale)
    lr = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    np.testing.assert_array_equal(super_resolve(model, lr, max(tile, 16)), whole(model, lr))


def test_a_result_is_rounded_to_the_nearest_level_and_clamped(picture: Picture) -> None:
    model, lr = SRCNN(2).eval(), picture(6, 8)
    with torch.no_grad():
        for value in model.parameters():
            value.zero_()
        assert model.reconstruction.bias is not None
        model.reconstruction.bias.copy_(torch.tensor([-0.3, 1.2, 100.6 / 255]))
    sr = super_resolve(model, lr)
    assert sr.shape == (12, 16, 3)
    assert sr.dtype == np.uint8
    np.testing.assert_array_equal(sr.reshape(-1, 3), np.tile([0, 255, 101], (12 * 16, 1)))
