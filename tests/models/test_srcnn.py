import json
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from srcnn.errors import InputError
from srcnn.images.image_io import RGB8
from srcnn.images.resize import Kernel, imresize
from srcnn.models.model_files import load_model, save_model
from srcnn.models.receptive_field import MARGIN
from srcnn.models.srcnn import SRCNN, in_blocks, pad_symmetric
from srcnn.models.tensors import to_tensor

OneLine = Callable[[Any], str]
Picture = Callable[..., RGB8]

SCALES = (2, 3, 4, 8)
UPSAMPLINGS: tuple[Kernel, ...] = ("bicubic", "bilinear")
VARIANTS = list(product(SCALES, UPSAMPLINGS))


def network(scale: int, upsampling: Kernel = "bicubic", seed: int = 0) -> SRCNN:
    torch.manual_seed(seed)
    return SRCNN(scale, upsampling).eval()


def random_lr(height: int, width: int, batch: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(height * 100 + width)
    return torch.rand(batch, 3, height, width, generator=generator)


def interpolated(lr: Tensor, scale: int, upsampling: Kernel) -> Tensor:
    """`imresize` of every image of a batch, in float64."""
    images = lr.permute(0, 2, 3, 1).double().numpy()
    enlarged = np.stack([imresize(image, scale, kernel=upsampling) for image in images])
    return torch.from_numpy(enlarged).permute(0, 3, 1, 2)


@pytest.mark.parametrize(("scale", "upsampling"), VARIANTS)
@pytest.mark.parametrize("size", [(1, 1), (2, 9), (11, 7)])
@torch.no_grad()
def test_the_output_is_scale_times_as_high_and_wide(
    scale: int, upsampling: Kernel, size: tuple[int, int]
) -> None:
    sr = network(scale, upsampling)(random_lr(*size, batch=2))
    assert sr.shape == (2, 3, scale * size[0], scale * size[1])
    assert sr.dtype == torch.float32


def test_the_layers_are_9_1_5_with_64_and_32_channels() -> None:
    convs = [module for module in network(2).modules() if isinstance(module, nn.Conv2d)]
    assert [tuple(conv.weight.shape) for conv in convs] == [
        (64, 3, 9, 9),
        (32, 64, 1, 1),
        (3, 32, 5, 5),
    ]
    assert sum(value.numel() for value in network(2).parameters()) == 15_616 + 2_080 + 2_403
    assert all(value.requires_grad for value in network(2).parameters())


@torch.no_grad()
def test_the_network_is_two_relus_between_three_convolutions() -> None:
    model, up = network(2), random_lr(20, 21)
    first, second, third = (m for m in model.modules() if isinstance(m, nn.Conv2d))
    expected = third(second(first(up).clamp(min=0)).clamp(min=0))
    torch.testing.assert_close(model.refine(up), expected)
    assert expected.min() < 0  # the last layer has no ReLU


@pytest.mark.parametrize(("scale", "upsampling"), VARIANTS)
@pytest.mark.parametrize("size", [(1, 1), (1, 6), (3, 2), (12, 10)])
def test_upsampling_equals_imresize_in_float64_up_to_the_border(
    scale: int, upsampling: Kernel, size: tuple[int, int]
) -> None:
    model, lr = network(scale, upsampling), random_lr(*size)
    up = model.upsample(pad_symmetric(lr, model.halo))
    assert up.shape[2:] == (scale * size[0] + 2 * MARGIN, scale * size[1] + 2 * MARGIN)
    inner = up[:, :, MARGIN:-MARGIN, MARGIN:-MARGIN].double()
    torch.testing.assert_close(inner, interpolated(lr, scale, upsampling), atol=1e-6, rtol=0)


@pytest.mark.parametrize("scale", SCALES)
def test_the_margin_of_the_convolutions_is_the_mirrored_interpolation(scale: int) -> None:
    model, lr = network(scale), random_lr(7, 9)
    up = model.upsample(pad_symmetric(lr, model.halo))
    whole = interpolated(lr, scale, "bicubic")
    torch.testing.assert_close(up.double(), pad_symmetric(whole, MARGIN), atol=1e-6, rtol=0)


@given(height=st.integers(1, 6), width=st.integers(1, 6), pad=st.integers(0, 15))
def test_padding_mirrors_with_the_edge_repeated(height: int, width: int, pad: int) -> None:
    image = random_lr(height, width)
    widths = ((0, 0), (0, 0), (pad, pad), (pad, pad))
    expected = torch.from_numpy(np.pad(image.numpy(), widths, "symmetric"))
    assert torch.equal(pad_symmetric(image, pad), expected)


@pytest.mark.parametrize(("scale", "upsampling"), VARIANTS)
@torch.no_grad()
def test_a_crop_with_its_halo_gives_exactly_that_crop_of_the_whole_output(
    scale: int, upsampling: Kernel
) -> None:
    model, lr = network(scale, upsampling), random_lr(15, 18)
    whole = model(lr)
    padded = pad_symmetric(lr, model.halo)
    for top, left, height, width in ((0, 0, 5, 4), (3, 7, 6, 8), (10, 13, 5, 5), (4, 0, 1, 18)):
        crop = padded[:, :, top : top + height + 2 * model.halo, left:][
            :, :, :, : width + 2 * model.halo
        ]
        expected = whole[:, :, scale * top : scale * (top + height)]
        expected = expected[:, :, :, scale * left : scale * (left + width)]
        result = model.refine(model.upsample(crop))
        torch.testing.assert_close(result, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("scale", SCALES)
@torch.no_grad()
def test_nothing_beyond_the_halo_reaches_a_pixel(scale: int) -> None:
    model, lr = network(scale), random_lr(20, 20)
    changed = lr.clone()
    changed[:, :, 10 + model.halo + 1 :] = 0
    before, after = model(lr), model(changed)
    rows = slice(0, scale * 11)
    torch.testing.assert_close(before[:, :, rows], after[:, :, rows], atol=1e-6, rtol=0)
    assert not torch.allclose(before, after, atol=1e-3)


@pytest.mark.parametrize(("scale", "upsampling"), VARIANTS)
@torch.no_grad()
def test_a_network_started_from_interpolation_nearly_gives_the_interpolation(
    scale: int, upsampling: Kernel, picture: Picture
) -> None:
    model = network(scale, upsampling)
    lr = to_tensor(picture(20, 24)[None], torch.device("cpu"))
    expected = interpolated(lr, scale, upsampling).float()
    random_error = (model(lr) - expected).square().mean()
    model.start_from_interpolation()
    error = (model(lr) - expected).square().mean()
    assert error < 1e-3  # 30 dB
    assert error < random_error / 50
    assert error > 0  # the other channels are there to be trained


@torch.no_grad()
def test_colours_pass_through_a_network_started_from_interpolation() -> None:
    model = network(2)
    model.start_from_interpolation()
    for channel in range(3):
        lr = torch.zeros(1, 3, 8, 8)
        lr[:, channel] = 1
        sr = model(lr).mean((0, 2, 3))
        expected = torch.eye(3)[channel]
        torch.testing.assert_close(sr, expected, atol=0.06, rtol=0)


@torch.no_grad()
def test_every_weight_of_a_network_started_from_interpolation_can_train(picture: Picture) -> None:
    model = network(2)
    model.start_from_interpolation()
    lr = to_tensor(picture(12, 12)[None], torch.device("cpu"))
    with torch.enable_grad():
        model(lr).square().sum().backward()
    for name, value in model.named_parameters():
        assert value.grad is not None
        assert (value.grad != 0).float().mean() > 0.4, name


@torch.no_grad()
def test_images_in_a_batch_do_not_affect_each_other() -> None:
    model, lr = network(3), random_lr(6, 7, batch=3)
    alone = torch.cat([model(image[None]) for image in lr])
    torch.testing.assert_close(model(lr), alone, atol=1e-6, rtol=0)


@pytest.mark.parametrize(("scale", "upsampling"), list(product((2, 8), UPSAMPLINGS)))
@torch.no_grad()
def test_a_model_that_is_saved_loads_as_the_same_network(
    tmp_path: Path, scale: int, upsampling: Kernel
) -> None:
    model, path = network(scale, upsampling), tmp_path / "x/model.safetensors"
    save_model(model, path, {"loss": "mse"})
    loaded = load_model(path)
    assert loaded.scale == scale
    assert loaded.upsampling == upsampling
    assert not loaded.training
    assert torch.equal(loaded(random_lr(5, 5)), model(random_lr(5, 5)))


def test_a_saved_model_names_its_architecture_and_its_metadata(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_model(network(4), path, {"loss": "perceptual", "ratios": {"block2_conv2": 3.5}})
    with safe_open(path, "pt") as file:
        about = json.loads(file.metadata()["srcnn"])
        names = set(file.keys())
    assert about == {
        "scale": 4,
        "upsampling": "bicubic",
        "loss": "perceptual",
        "ratios": {"block2_conv2": 3.5},
    }
    assert len(names) == 6  # three weights and three biases, and nothing of VGG


def test_a_model_is_saved_as_the_same_bytes_in_any_memory_format(tmp_path: Path) -> None:
    save_model(network(2), tmp_path / "a", {})
    channels_last = network(2).to(memory_format=torch.channels_last)
    save_model(channels_last, tmp_path / "b", {})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("content", [b"", b"no model at all", b"\xff" * 64])
def test_a_damaged_model_is_named_in_one_line(
    tmp_path: Path, one_line: OneLine, content: bytes
) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        load_model(path)
    assert str(path) in one_line(caught)


@pytest.mark.parametrize("kept", [0.001, 0.5, 0.999])
def test_a_model_that_is_cut_short_is_named_in_one_line(
    tmp_path: Path, one_line: OneLine, kept: float
) -> None:
    path = tmp_path / "model.safetensors"
    save_model(network(2), path, {})
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(InputError) as caught:
        load_model(path)
    assert str(path) in one_line(caught)


MADE_HERE = {"scale": 2, "upsampling": "bicubic"}


@pytest.mark.parametrize(
    ("about", "changed"),
    [
        (None, {}),
        ("no json", {}),
        ("[1]", {}),
        ("{}", {}),
        (json.dumps({**MADE_HERE, "upsampling": "nearest"}), {}),
        (json.dumps({**MADE_HERE, "scale": 0}), {}),
        (json.dumps({**MADE_HERE, "scale": "2"}), {}),
        (json.dumps(MADE_HERE), {"features.weight": torch.zeros(64, 3, 5, 5)}),
        (json.dumps(MADE_HERE), {"surplus": torch.zeros(2)}),
        (json.dumps(MADE_HERE), {"features.weight": None}),
    ],
    ids=[
        "no metadata",
        "no json",
        "a list",
        "nothing told",
        "unknown upsampling",
        "scale 0",
        "scale of words",
        "another kernel",
        "surplus weights",
        "weights missing",
    ],
)
def test_a_file_of_other_weights_is_named_in_one_line(
    tmp_path: Path, one_line: OneLine, about: str | None, changed: dict[str, Tensor | None]
) -> None:
    path = tmp_path / "model.safetensors"
    weights = {**network(2).state_dict(), **changed}
    kept = {name: value for name, value in weights.items() if value is not None}
    save_file(kept, path, None if about is None else {"srcnn": about})
    with pytest.raises(InputError) as caught:
        load_model(path)
    assert str(path) in one_line(caught)


def test_a_missing_model_is_named(tmp_path: Path, one_line: OneLine) -> None:
    with pytest.raises(InputError) as caught:
        load_model(tmp_path / "none.safetensors")
    assert str(tmp_path / "none.safetensors") in one_line(caught)


@pytest.mark.parametrize("height", [20, 21])
@pytest.mark.parametrize("width", [24, 25])
def test_computing_in_blocks_equals_the_convolution(height: int, width: int) -> None:
    torch.manual_seed(0)
    conv, x = nn.Conv2d(8, 3, 5), torch.rand(2, 8, height, width)
    torch.testing.assert_close(in_blocks(conv, x), conv(x))


@pytest.mark.parametrize("upsampling", UPSAMPLINGS)
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("size", [(1, 1), (2, 9), (12, 7)])
def test_fast_layers_change_neither_the_function_nor_its_gradients(
    scale: int, upsampling: Kernel, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("srcnn.models.srcnn.MIN_FOLDED_SCALE", 2)  # fold at every scale
    lr, results = random_lr(*size, batch=2).double(), []
    for fast in (True, False):
        model = network(scale, upsampling)
        if fast:
            model.use_fast_layers()
        # In float64, where rounding hardly moves a feature across the step of a ReLU's gradient.
        sr = model.double()(lr)
        torch.manual_seed(1)
        (sr * torch.rand(sr.shape)).sum().backward()
        results.append([sr.detach(), *(weights.grad for weights in model.parameters())])
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-6 * float(theirs.abs().max()), rtol=0)


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("fast", [False, True])
def test_bfloat16_stays_near_float32(scale: int, fast: bool) -> None:
    model, lr = network(scale), random_lr(17, 20)
    expected = model(lr)
    if fast:
        model.use_fast_layers()
    with torch.autocast("cpu", torch.bfloat16):
        rounded = model(lr)
    assert rounded.shape == (1, 3, 17 * scale, 20 * scale)
    torch.testing.assert_close(rounded.float(), expected, atol=0.01, rtol=0)
