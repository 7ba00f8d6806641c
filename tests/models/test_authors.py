import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from srcnn.errors import InputError
from srcnn.images.image_io import RGB8
from srcnn.models.authors import AuthorsSRCNN, Layout
from srcnn.models.model_files import load_authors_model, load_model, make_model, save_model
from srcnn.models.srcnn import SRCNN
from srcnn.models.tensors import to_tensor, write_tensors
from srcnn.models.tiled_inference import added_detail, super_resolve
from srcnn.utils.methods import AUTHORS_METHODS, ModelCode

OneLine = Callable[[Any], str]
Picture = Callable[..., RGB8]

CODES: tuple[ModelCode, ...] = ("authors_view", "authors_permute")
SIZES = st.integers(1, 40), st.integers(1, 40)


def network(code: ModelCode = "authors_view", scale: int = 4) -> AuthorsSRCNN:
    torch.manual_seed(0)
    return AuthorsSRCNN(scale, code).eval()


def tensor_of(*images: RGB8) -> Tensor:
    return to_tensor(np.stack(images), torch.device("cpu"))


def random_image(height: int, width: int, seed: int = 0) -> RGB8:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@given(*SIZES)
def test_the_published_layout_is_torch_s_view_of_opencv_s_image(height: int, width: int) -> None:
    rgb = random_image(height, width)
    bgr = np.ascontiguousarray(rgb[..., ::-1])
    expected = torch.from_numpy(bgr)[None].view(1, 3, height, width)
    found = Layout("authors_view").to_tensor(tensor_of(rgb))
    assert torch.equal(found, expected.float().div(255))


@given(*SIZES)
def test_the_mended_layout_is_plain_bgr(height: int, width: int) -> None:
    rgb = random_image(height, width)
    expected = torch.from_numpy(rgb[..., ::-1].copy())[None].permute(0, 3, 1, 2)
    found = Layout("authors_permute").to_tensor(tensor_of(rgb))
    assert torch.equal(found, expected.float().div(255))


@pytest.mark.parametrize("code", CODES)
@given(*SIZES)
def test_a_layout_is_undone_image_by_image(code: ModelCode, height: int, width: int) -> None:
    layout = Layout(code)
    batch = tensor_of(random_image(height, width), random_image(height, width, 1))
    laid_out = layout.to_tensor(batch)
    assert torch.equal(layout.to_rgb(laid_out), batch)
    assert torch.equal(laid_out, torch.cat([layout.to_tensor(image) for image in batch.split(1)]))


def test_the_interpolation_equals_opencv_s() -> None:
    """The checksum is of cv2 5.0.0's `cv2.resize(lr, (20, 28), interpolation=cv2.INTER_CUBIC)`."""
    up = network().upsample(tensor_of(random_image(7, 5)))
    levels = up[0].mul(255).round().byte().permute(1, 2, 0).contiguous().numpy()
    assert levels.shape == (28, 20, 3)
    expected = "0108d9381079081d3a42d61a5ba24a3831d1cdbda8e15677c5587c7f67c3c83e"
    assert hashlib.sha256(levels.tobytes()).hexdigest() == expected


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("scale", [2, 3, 4, 8])
@pytest.mark.parametrize("size", [(1, 1), (2, 9), (11, 7)])
@torch.no_grad()
def test_the_output_is_scale_times_as_high_and_wide(
    code: ModelCode, scale: int, size: tuple[int, int]
) -> None:
    sr = network(code, scale)(torch.rand(2, 3, *size))
    assert sr.shape == (2, 3, scale * size[0], scale * size[1])
    assert sr.dtype == torch.float32


@pytest.mark.parametrize("code", CODES)
def test_a_result_is_clipped_and_rounded_down(code: ModelCode, picture: Picture) -> None:
    model, lr = network(code, 2), picture(6, 8)
    with torch.no_grad():
        for value in model.parameters():
            value.zero_()
        assert model.reconstruction.bias is not None
        model.reconstruction.bias.copy_(torch.tensor([-0.3, 1.2, 100.9 / 255]))
    levels = {0: 0, 255: 1, 100: 2}  # and their channels
    laid_out = model.layout.to_tensor(tensor_of(super_resolve(model, lr))).mul(255).round()
    for level, channel in levels.items():
        assert (laid_out[:, channel] == level).all()


@pytest.mark.parametrize("code", CODES)
def test_an_image_is_not_cut_into_tiles(code: ModelCode, picture: Picture) -> None:
    model, lr = network(code), picture(23, 31)
    with torch.no_grad():
        whole = model(tensor_of(lr))[0].mul(255).floor().byte().permute(1, 2, 0).numpy()
    for tile in (16, 384):
        np.testing.assert_array_equal(super_resolve(model, lr, tile), whole)


@pytest.mark.parametrize("code", CODES)
@torch.no_grad()
def test_the_added_detail_is_the_result_minus_the_interpolation(
    code: ModelCode, picture: Picture
) -> None:
    model, lr = network(code), picture(23, 31)
    expected = (model(tensor_of(lr)) - model.upsample(tensor_of(lr)))[0].permute(1, 2, 0) * 255
    detail = added_detail(model, lr, tile=16)
    np.testing.assert_allclose(detail, expected.numpy(), atol=1e-4)
    assert np.abs(detail).max() > 1


@pytest.mark.parametrize("code", CODES)
def test_a_loaded_network_has_the_code_of_the_saved_one(
    code: ModelCode, tmp_path: Path, picture: Picture
) -> None:
    torch.manual_seed(0)
    model, path = make_model(4, "bicubic", code).eval(), tmp_path / "model.safetensors"
    save_model(model, path, {"loss": "mse"})
    loaded = load_model(path, 4)
    assert (loaded.code, loaded.is_local, loaded.training) == (code, False, False)
    lr = picture(9, 12)
    np.testing.assert_array_equal(super_resolve(loaded, lr), super_resolve(model, lr))


def test_the_two_layouts_give_different_results(picture: Picture) -> None:
    view, permute = (super_resolve(network(code), picture(9, 12)) for code in CODES)
    assert not np.array_equal(view, permute)


@pytest.mark.parametrize("method", AUTHORS_METHODS)
def test_a_published_network_that_is_not_stored_is_named(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_line: OneLine
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError) as caught:
        load_authors_model(method)
    loss, _ = AUTHORS_METHODS[method]
    assert one_line(caught) == (
        f"data/authors/{loss}.safetensors: no such file (the stage fetch_authors makes it)"
    )


def test_a_network_of_an_unknown_code_is_refused(tmp_path: Path, one_line: OneLine) -> None:
    path = tmp_path / "model.safetensors"
    write_tensors(SRCNN(4).state_dict(), path, {"scale": 4, "upsampling": "bicubic", "code": "x"})
    with pytest.raises(InputError) as caught:
        load_model(path)
    assert "no such code: x" in one_line(caught)
