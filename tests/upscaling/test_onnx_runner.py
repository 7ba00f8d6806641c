from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch

from srcnn.images.image_io import RGB8
from srcnn.images.resize import imresize
from srcnn.models.srcnn import SRCNN
from srcnn.models.tiled_inference import super_resolve
from srcnn.upscaling import onnx_runner
from srcnn.upscaling.onnx_runner import Upscaler

Picture = Callable[..., RGB8]


@pytest.fixture(
    scope="module",
    params=[(2, "bicubic"), (4, "bicubic"), (3, "bicubic"), (8, "bicubic"), (4, "bilinear")],
    ids=lambda of: f"x{of[0]}-{of[1]}",
)
def model(request: pytest.FixtureRequest) -> SRCNN:
    torch.manual_seed(request.param[0])
    model = SRCNN(*request.param)
    model.start_from_interpolation()
    return model.eval()


@pytest.fixture(scope="module")
def network(model: SRCNN) -> Upscaler:
    weights = {name: value.numpy() for name, value in model.state_dict().items()}
    return Upscaler([weights], model.scale, model.upsampling, threads=1)


def apart(first: Any, second: Any) -> int:
    """The largest difference, in levels."""
    return int(np.abs(first.astype(np.int64) - second).max())


@pytest.mark.parametrize("size", [(1, 1), (3, 40), (61, 47)])
def test_colours_equal_those_of_torch_up_to_rounding(
    model: SRCNN, network: Upscaler, picture: Picture, size: tuple[int, int]
) -> None:
    lr = picture(*size)
    expected, result = super_resolve(model, lr), network(lr)
    assert result.shape == expected.shape
    assert result.dtype == np.uint8
    assert apart(result, expected) <= 1
    assert (result != expected).mean() < 0.001


def test_tiles_and_strips_leave_no_seam(
    network: Upscaler, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    alpha = picture(70, 90, phase=2)[..., :1]
    alpha[20:40, 30:70] = 0
    image = np.dstack([picture(70, 90), alpha])
    whole = network(image)
    monkeypatch.setattr(onnx_runner, "TILE", 64)
    strips = list(network.strips(image))
    assert len(strips) == -(-70 // (64 // network.scale))
    assert apart(np.concatenate(strips), whole) <= 1


def test_threads_and_images_at_the_same_time_change_no_value(
    network: Upscaler, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_runner, "TILE", 64)
    images = [np.dstack([picture(70, 90, phase=n), picture(70, 90)[..., 0]]) for n in range(4)]
    parallel = Upscaler(network.networks, network.scale, network.upsampling, threads=3)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(parallel, images))
    for image, result in zip(images, results, strict=True):
        np.testing.assert_array_equal(result, network(image))


def test_wide_images_have_lower_strips(
    network: Upscaler, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = picture(50, 200)
    whole = network(image)
    monkeypatch.setattr(onnx_runner, "MAX_TILE_ROW", 50 * network.scale)
    strips = list(network.strips(image))
    assert len(strips[0]) * 200 * network.scale <= onnx_runner.TILE * onnx_runner.MAX_TILE_ROW
    assert apart(np.concatenate(strips), whole) <= 1


def test_16_bits_are_finer_than_8(network: Upscaler, picture: Picture) -> None:
    lr = picture(20, 24)
    fine, coarse = network(lr.astype(np.uint16) * 257), network(lr)
    assert fine.dtype == np.uint16
    assert apart((fine.astype(np.int64) + 128) // 257, coarse) <= 1
    assert (fine % 257 != 0).mean() > 0.9


def test_grey_equals_the_luma_of_grey_colours(network: Upscaler, picture: Picture) -> None:
    grey = picture(20, 24)[..., :1]
    result = network(grey)
    assert result.shape == (20 * network.scale, 24 * network.scale, 1)
    colours = network(np.repeat(grey, 3, axis=2)).astype(float)
    assert np.abs(result[..., 0] - colours @ [0.299, 0.587, 0.114]).max() <= 0.51


def test_alpha_is_upscaled_by_the_bicubic_kernel(network: Upscaler, picture: Picture) -> None:
    alpha = picture(30, 25, phase=1)[..., 0]
    result = network(np.dstack([picture(30, 25), alpha]))
    assert apart(result[..., 3], imresize(alpha, network.scale)) <= 1


def test_colours_of_transparent_pixels_do_not_show_at_edges(network: Upscaler) -> None:
    y, x = np.mgrid[:40, :40]
    seen = (y - 20) ** 2 + (x - 20) ** 2 < 200
    image = np.zeros((40, 40, 4), np.uint8)
    image[seen] = 100, 150, 200, 255
    result = []
    for hidden in ((255, 0, 255, 0), (0, 0, 0, 0)):
        image[~seen] = hidden
        result.append(network(image))
    visible = result[0][..., 3] > 0
    np.testing.assert_array_equal(result[0][visible], result[1][visible])
    plain = network(np.full((40, 40, 3), (100, 150, 200), np.uint8))
    assert apart(result[0][visible][:, :3], plain[visible]) <= 2


def test_a_wholly_transparent_image_stays_transparent(network: Upscaler) -> None:
    image = np.full((12, 12, 2), (80, 0), np.uint8)  # wholly transparent
    assert not network(image)[..., 1].any()
