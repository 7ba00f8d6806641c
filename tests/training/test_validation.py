from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
import torch
from lightning_fabric import Fabric

from srcnn.images.pairs import Pair
from srcnn.images.resize import imresize
from srcnn.models.srcnn import SRCNN
from srcnn.models.tensors import Weights
from srcnn.models.vgg import VGGFeatures
from srcnn.training.fabric import launch_fabric
from srcnn.training.objective import Objective, PerceptualTerm, PixelTerm
from srcnn.training.validation import CROP_PIXEL_SHARE, CROP_SIDE, Crops, validate

MakePair = Callable[..., Pair]
Array = npt.NDArray[np.float64]

LAYERS = {"block1_conv2": 0.5, "block2_conv2": 1.0}
MANY = 10**9  # pixels of an epoch long enough for crops of any size


def coordinates(name: str, height: int, width: int, scale: int) -> Pair:
    """A pair whose LR pixels hold their row, column and 200; HR pixels repeat their LR pixel."""
    y, x = np.mgrid[:height, :width].astype(np.uint8)
    lr = np.stack([y, x, np.full_like(y, 200)], axis=2)
    return Pair(name, lr.repeat(scale, 0).repeat(scale, 1), lr)


def numbered(count: int, side: int) -> list[Pair]:
    """Square pairs at ×2; all values but the first are the number of the pair."""
    pairs = []
    for i in range(count):
        hr, lr = (np.full((n, n, 3), i, np.uint8) for n in (side, side // 2))
        hr[:: max(1, side // 7)] = 255  # lines, because crops of one colour are left out
        pairs.append(Pair(str(i), hr, lr))
    return pairs


def test_crops_in_batches_score_like_single_crops(fabric: Fabric, make_pair: MakePair) -> None:
    model = SRCNN(2)
    sizes = [(70, 80), (70, 90), (66, 66), (70, 80), (70, 80)]
    pairs = [make_pair(str(i), *size, phase=i) for i, size in enumerate(sizes)]
    crops = Crops(pairs, 2, model.halo, MANY)
    assert [len(batch) for batch in crops.batches(2)] == [2, 1, 2]
    alone, together = (validate(fabric, model, Objective(), crops, count) for count in (1, 2))
    assert together == pytest.approx(alone, rel=1e-5)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_crop_is_as_large_as_its_own_image_allows(scale: int) -> None:
    sizes = [(140, 150), (33, 36), (45, 35)]
    pairs = [coordinates(str(size), *size, scale) for size in sizes]
    crops = Crops(pairs, scale, 4, MANY)
    sides = [min(CROP_SIDE // scale, *size) for size in sizes]
    assert [crop.hr.shape for crop in crops] == [(n * scale, n * scale, 3) for n in sides]
    assert [crop.lr.shape for crop in crops] == [(n + 8, n + 8, 3) for n in sides]
    assert all(crop.lr.dtype == crop.hr.dtype == np.uint8 for crop in crops)
    assert not crops.left_out


def test_one_small_image_is_left_out_and_changes_no_other_crop(make_pair: MakePair) -> None:
    large = [make_pair(name, 256, 256, phase=i) for i, name in enumerate("abc")]
    crops = Crops([*large, make_pair("d", 36, 36)], 2, 4, MANY)
    assert [crop.name for crop in crops] == ["a", "b", "c"]
    assert {crop.hr.shape for crop in crops} == {(CROP_SIDE, CROP_SIDE, 3)}
    assert crops.left_out == {"d": "smaller than 64 pixels"}


def test_images_that_are_all_small_are_all_used(make_pair: MakePair) -> None:
    crops = Crops([make_pair("a", 36, 40), make_pair("b", 62, 50)], 2, 4, MANY)
    assert [len(crop.hr) for crop in crops] == [36, 50]


def test_a_crop_of_one_colour_gives_way_to_one_with_content() -> None:
    pairs = numbered(3, 600)
    pairs[0].hr[:] = 7
    pairs[1].hr[100:500] = 7  # one colour in the middle
    crops = Crops(pairs, 2, 4, MANY)
    assert [crop.name for crop in crops] == ["1", "2"]
    assert crops[0].hr.max() == 255
    assert crops.left_out == {"0": "one colour in the middle and the corners"}
    assert list(crops.notes()) == [
        "left out of validation (one colour in the middle and the corners): 0"
    ]


def test_images_of_one_colour_are_replaced_by_others() -> None:
    pairs = numbered(20, 100)
    for i in (0, 4, 8, 12):  # four of the five that would be chosen
        pairs[i].hr[:] = 7
    crops = Crops(pairs, 2, 4, 10)
    assert [crop.name for crop in crops] == ["1", "2", "3", "5", "16"]


def test_one_large_image_does_not_decide_alone(make_pair: MakePair) -> None:
    crops = Crops([make_pair("a", 100, 100), make_pair("b", 40, 40)], 2, 4, MANY)
    assert [crop.name for crop in crops] == ["a", "b"]
    assert list(crops.notes()) == ["tiny or of one colour, so that val scores say little: b"]


def test_images_of_one_colour_are_used_if_there_are_no_others() -> None:
    pairs = numbered(2, 100)
    for pair in pairs:
        pair.hr[:] = 7
    assert len(Crops(pairs, 2, 4, MANY)) == 2


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_crop_is_the_centre_of_its_image_with_the_true_neighbourhood(scale: int) -> None:
    sizes, halo = [(160, 161), (133, 136), (145, 134)], 5
    pairs = [coordinates(str(size), *size, scale) for size in sizes]
    crops = Crops(pairs, scale, halo, MANY)
    for pair, (_, lr, hr) in zip(pairs, crops, strict=True):
        side = len(hr) // scale
        top, left = (int(place) for place in lr[halo, halo, :2])
        for before, length in zip((top, left), pair.lr.shape[:2], strict=True):
            after = length - side - before
            assert abs(before - after) <= 1
        # Mirrored only at the image's border, not at the crop's.
        whole = np.pad(pair.lr, ((halo, halo), (halo, halo), (0, 0)), "symmetric")
        seen = side + 2 * halo
        np.testing.assert_array_equal(lr, whole[top : top + seen, left : left + seen])
        middle = lr[halo:-halo, halo:-halo]
        np.testing.assert_array_equal(hr, middle.repeat(scale, 0).repeat(scale, 1))


@pytest.mark.parametrize(
    ("room", "count", "side"),
    [
        (20 * 100**2, 20, 100),
        (20 * 80**2, 20, 80),
        (20 * 64**2, 20, 64),
        (7 * 64**2, 7, 64),
        (64**2, 5, 64),
        (1, 5, 64),
    ],
)
def test_a_short_epoch_has_smaller_crops_and_then_fewer(room: int, count: int, side: int) -> None:
    crops = Crops(numbered(20, 100), 2, 5, round((room + 1) / CROP_PIXEL_SHARE))
    assert len(crops) == count
    assert {crop.hr.shape for crop in crops} == {(side, side, 3)}


@pytest.mark.parametrize("epoch", [3 * 10**5, 10**6, 3 * 10**6])
def test_crops_have_no_more_than_their_share_of_an_epochs_pixels(epoch: int) -> None:
    for count in (1, 3, 50):
        crops = Crops(numbered(count, 300), 2, 5, epoch)
        assert 0 < sum(crop.hr[..., 0].size for crop in crops) <= CROP_PIXEL_SHARE * epoch


def test_fewer_crops_are_from_images_all_over_the_list() -> None:
    crops = Crops(numbered(20, 100), 2, 5, round(5 * 64**2 / CROP_PIXEL_SHARE) + 10)
    chosen = [int(crop.name) for crop in crops]
    assert len(set(chosen)) == 5
    assert all(0 < gap <= 4 for gap in np.diff(chosen))
    assert min(chosen) < 4
    assert max(chosen) >= 16
    assert [int(crop.lr[0, 0, 0]) for crop in crops] == chosen


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 5), (7, 3)])
def test_images_can_be_small(height: int, width: int) -> None:
    (crop,) = Crops([coordinates("a", height, width, 2)], 2, 5, 10)
    side = min(height, width)
    assert crop.hr.shape == (2 * side, 2 * side, 3)
    assert crop.lr.shape == (side + 10, side + 10, 3)


@pytest.fixture
def fabric() -> Fabric:
    return launch_fabric("32")


@pytest.fixture
def val(make_pair: MakePair) -> list[Pair]:
    return [
        make_pair("0001", 48, 40),
        make_pair("0002", 36, 44, phase=2),
        make_pair("0003", 38, 36, phase=1),
    ]


@pytest.fixture
def model() -> SRCNN:
    """A network that is close to interpolation but not equal to it."""
    torch.manual_seed(0)
    model = SRCNN(2)
    model.start_from_interpolation()
    return model


@pytest.fixture
def vgg(vgg16: Weights) -> VGGFeatures:
    return VGGFeatures(vgg16, "vgg16", LAYERS)


def centre(image: Array) -> Array:
    """The middle square of [H, W, 3]; all borders are even, so that nothing needs rounding."""
    side = min(image.shape[:2])
    top, left = ((length - side) // 4 * 2 for length in image.shape[:2])
    return image[top : top + side, left : left + side]


@torch.no_grad()
def whole_output(model: SRCNN, pair: Pair) -> Array:
    """The network's output [H, W, 3] for a whole image, as it would be saved."""
    image = torch.from_numpy(pair.lr / 255).permute(2, 0, 1)[None].float()
    return model(image)[0].permute(1, 2, 0).double().numpy().clip(0, 1)


def outputs(model: SRCNN, val: list[Pair]) -> list[tuple[Array, Array]]:
    """The middle of the network's output and of the HR image, for each pair."""
    return [(centre(whole_output(model, pair)), centre(pair.hr / 255)) for pair in val]


def psnr(a: Array, b: Array) -> float:
    return float(-10 * np.log10(np.mean((a - b) ** 2)))


def test_the_means_equal_those_of_whole_outputs_cropped_to_the_centre(
    fabric: Fabric, model: SRCNN, val: list[Pair]
) -> None:
    row = validate(fabric, model, Objective(), Crops(val, 2, model.halo, MANY))
    assert list(row) == ["loss", "mse", "psnr_rgb", "psnr_interpolated"]
    pairs = outputs(model, val)
    mse = np.mean([np.mean((sr - hr) ** 2) for sr, hr in pairs])
    assert row["mse"] == row["loss"] == pytest.approx(mse, rel=1e-5)
    assert row["psnr_rgb"] == pytest.approx(np.mean([psnr(sr, hr) for sr, hr in pairs]), abs=1e-4)


@pytest.mark.parametrize("kernel", ["bicubic", "bilinear"])
def test_the_psnr_of_interpolation_equals_matlabs(
    fabric: Fabric, val: list[Pair], kernel: str
) -> None:
    model = SRCNN(2, "bicubic" if kernel == "bicubic" else "bilinear")
    # Edges of black and white, beyond which the bicubic overshoots.
    for number, pair in enumerate(val):
        hr = np.where(pair.hr > 127, np.uint8(255), np.uint8(0))
        val[number] = Pair(pair.name, hr, imresize(hr, 1 / 2))
    row = validate(fabric, model, Objective(), Crops(val, 2, model.halo, MANY))
    expected = []
    for pair in val:
        up = imresize(pair.lr / 255, 2, kernel=model.upsampling).clip(0, 1)
        expected.append(psnr(centre(up), centre(pair.hr / 255)))
    assert row["psnr_interpolated"] == pytest.approx(np.mean(expected), abs=1e-4)
    assert row["psnr_interpolated"] > row["psnr_rgb"]  # because the weights are not trained


def test_perceptual_terms_are_means_over_the_crops(
    fabric: Fabric, model: SRCNN, val: list[Pair], vgg: VGGFeatures
) -> None:
    ratios = {"block1_conv2": 30.0, "block2_conv2": 400.0}
    objective = Objective([PixelTerm(weight=0.1), PerceptualTerm(vgg, LAYERS, 0.9)], ratios)
    row = validate(fabric, model, objective, Crops(val, 2, model.halo, MANY))
    pairs = outputs(model, val)
    expected: dict[str, list[float]] = {layer: [] for layer in LAYERS}
    for images in pairs:
        both = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float()
        for layer, features in vgg(both).items():
            sr, hr = features.double().numpy()
            expected[layer].append(np.mean((sr - hr) ** 2))
    means = {layer: float(np.mean(values)) for layer, values in expected.items()}
    means["mse"] = float(np.mean([np.mean((sr - hr) ** 2) for sr, hr in pairs]))
    report = objective.report(means)
    assert list(row)[: len(report) + 2] == [*report, "psnr_rgb", "psnr_interpolated"]
    assert {name: row[name] for name in report} == pytest.approx(report, rel=1e-4)
    balanced = sum(LAYERS[layer] * means[layer] / ratios[layer] for layer in LAYERS)
    assert row["loss"] == pytest.approx(0.1 * means["mse"] + 0.9 * balanced, rel=1e-4)


def test_the_network_runs_in_float32_and_vgg_in_the_precision_of_training(
    fabric: Fabric, model: SRCNN, val: list[Pair], vgg: VGGFeatures
) -> None:
    objective = Objective([PixelTerm(weight=0.1), PerceptualTerm(vgg, LAYERS, 0.9)])
    crops = Crops(val, 2, model.halo, MANY)
    low = launch_fabric("bf16")
    exact, rough = (validate(either, model, objective, crops) for either in (fabric, low))
    for name in ("mse", "psnr_rgb", "psnr_interpolated"):
        assert rough[name] == exact[name]
    for layer in LAYERS:
        assert rough[layer] != exact[layer]
        assert rough[layer] == pytest.approx(exact[layer], rel=0.1)


def test_crops_are_clipped_to_zero_and_one_before_scoring(
    fabric: Fabric, model: SRCNN, val: list[Pair]
) -> None:
    with torch.no_grad():
        assert model.reconstruction.bias is not None
        model.reconstruction.bias.fill_(9)
    row = validate(fabric, model, Objective(), Crops(val, 2, model.halo, MANY))
    white = np.mean([np.mean((1 - centre(pair.hr / 255)) ** 2) for pair in val])
    assert row["mse"] == pytest.approx(white, rel=1e-5)


def test_a_crop_restored_without_error_is_left_out_of_the_mean_psnr(
    fabric: Fabric, model: SRCNN, make_pair: MakePair
) -> None:
    black = Pair("black", np.zeros((80, 80, 3), np.uint8), np.zeros((40, 40, 3), np.uint8))
    crops = Crops([make_pair("a", 80, 80)], 2, model.halo, MANY)
    alone = validate(fabric, model, Objective(), crops)
    crops += Crops([black], 2, model.halo, MANY)
    both = validate(fabric, model, Objective(), crops)
    assert both["psnr_interpolated"] == alone["psnr_interpolated"]


def test_validation_does_not_change_the_network_or_its_gradients(
    fabric: Fabric, model: SRCNN, val: list[Pair]
) -> None:
    before = {name: value.clone() for name, value in model.state_dict().items()}
    validate(fabric, model, Objective(), Crops(val, 2, model.halo, MANY))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(value.grad is None for value in model.parameters())


def test_a_network_that_is_not_local_is_validated_on_whole_images(make_pair: MakePair) -> None:
    pairs = [make_pair(str(i), 300, 270) for i in range(9)]
    few, many = (Crops(pairs, 2, 0, pixels, whole=True) for pixels in (1, MANY))
    assert [crop.name for crop in few] == ["0", "1", "3", "5", "7"]
    assert len(many) == 9
    for crop, pair in zip(many, pairs, strict=True):
        assert crop.lr is pair.lr
        assert crop.hr is pair.hr
