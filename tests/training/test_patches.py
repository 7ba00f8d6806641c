import os
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from srcnn.errors import InputError
from srcnn.images.image_io import RGB8, write_png
from srcnn.images.pairs import Pair, read_pairs
from srcnn.images.resize import imresize
from srcnn.models.tensors import to_tensor
from srcnn.training.patches import Patches

MakePair = Callable[..., Pair]
OneLine = Callable[[Any], str]
Picture = Callable[..., RGB8]


def coordinates(name: str, height: int, width: int, scale: int) -> Pair:
    """A pair whose LR pixels hold their row, column and 200; HR pixels repeat their LR pixel."""
    y, x = np.mgrid[:height, :width].astype(np.uint8)
    lr = np.stack([y, x, np.full_like(y, 200)], axis=2)
    return Pair(name, lr.repeat(scale, 0).repeat(scale, 1), lr)


def patches(pairs: list[Pair], **changes: Any) -> Patches:
    """Patches of 8 HR pixels at ×2, halo 3, no augmentation, except for `changes`."""
    options: dict[str, Any] = {
        "scale": 2,
        "halo": 3,
        "patch_size": 8,
        "patches_per_image": 20,
        "batch_size": 4,
        "geometry": False,
        "colour": False,
        "seed": 0,
    }
    return Patches(pairs, **(options | changes))


def numbered(count: int) -> list[Pair]:
    """Pairs of one size; each value is the number of the pair."""
    return [
        Pair(str(i), np.full((16, 16, 3), i, np.uint8), np.full((8, 8, 3), i, np.uint8))
        for i in range(count)
    ]


def batches(source: Patches, epoch: int = 1) -> list[tuple[RGB8, RGB8]]:
    """The batches of an epoch."""
    return [source.batch(epoch, number) for number in range(len(source))]


def drawn(source: Patches, epoch: int = 1) -> list[tuple[RGB8, RGB8]]:
    """The patches of an epoch, one by one."""
    return [pair for lr, hr in batches(source, epoch) for pair in zip(lr, hr, strict=True)]


def images_of(source: Patches, epoch: int = 1) -> list[int]:
    """For each patch of an epoch, the number of its pair from `numbered`."""
    return [int(hr[0, 0, 0]) for _, hr in drawn(source, epoch)]


def bytes_of(source: Patches, epoch: int = 1) -> bytes:
    return b"".join(lr.tobytes() + hr.tobytes() for lr, hr in batches(source, epoch))


@pytest.mark.parametrize(("scale", "patch_size", "halo"), [(2, 8, 5), (3, 9, 4), (4, 16, 4)])
def test_batches_have_the_size_of_the_patch_and_its_halo(
    scale: int, patch_size: int, halo: int
) -> None:
    pair = coordinates("a", 20, 30, scale)
    source = patches(
        [pair], scale=scale, patch_size=patch_size, halo=halo, patches_per_image=10, batch_size=4
    )
    side = patch_size // scale + 2 * halo
    epoch = batches(source)
    assert [len(lr) for lr, _ in epoch] == [4, 4, 2]
    assert [source.size(number) for number in range(len(source))] == [4, 4, 2]
    for lr, hr in epoch:
        assert lr.shape[1:] == (side, side, 3)
        assert hr.shape[1:] == (patch_size, patch_size, 3)
        assert lr.dtype == hr.dtype == np.uint8


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("augment", [False, True])
def test_an_hr_patch_shows_what_the_middle_of_its_lr_patch_shows(scale: int, augment: bool) -> None:
    pairs = [coordinates("a", 9, 14, scale), coordinates("b", 12, 7, scale)]
    source = patches(
        pairs, scale=scale, patch_size=4 * scale, halo=2, geometry=augment, colour=augment
    )
    for lr, hr in drawn(source):
        middle = lr[2:-2, 2:-2]
        np.testing.assert_array_equal(hr, middle.repeat(scale, 0).repeat(scale, 1))


def test_an_lr_patch_is_the_shrunken_hr_patch(picture: Picture) -> None:
    hr = picture(60, 80)
    source = patches([Pair("a", hr, imresize(hr, 1 / 2))], patch_size=32, halo=1)
    for lr_patch, hr_patch in drawn(source):
        # Without the border: the cubic kernel reaches four HR pixels beyond it.
        inner = slice(2, -2)
        np.testing.assert_array_equal(
            lr_patch[1:-1, 1:-1][inner, inner], imresize(hr_patch, 1 / 2)[inner, inner]
        )


@pytest.mark.parametrize("halo", [1, 3, 9])
def test_the_halo_is_the_neighbourhood_mirrored_at_the_border(halo: int) -> None:
    pair = coordinates("a", 6, 8, 2)
    whole = np.pad(pair.lr, ((halo, halo), (halo, halo), (0, 0)), "symmetric")
    for lr, _ in drawn(patches([pair], halo=halo)):
        top, left = lr[halo, halo, :2]
        side = 4 + 2 * halo
        np.testing.assert_array_equal(lr, whole[top : top + side, left : left + side])


def test_every_position_is_drawn_up_to_the_borders() -> None:
    pair = coordinates("a", 6, 7, 2)
    seen = {(lr[3, 3, 0], lr[3, 3, 1]) for lr, _ in drawn(patches([pair], patches_per_image=400))}
    assert seen == {(y, x) for y in range(3) for x in range(4)}


def test_a_patch_can_be_the_whole_image() -> None:
    pair = coordinates("a", 4, 4, 2)
    for _, hr in drawn(patches([pair])):
        np.testing.assert_array_equal(hr, pair.hr)


@pytest.mark.parametrize("batch_size", [1, 4, 13])
def test_every_image_comes_once_before_any_comes_twice(batch_size: int) -> None:
    images = images_of(patches(numbered(5), patches_per_image=7, batch_size=batch_size))
    rounds = [images[start : start + 5] for start in range(0, len(images), 5)]
    assert [sorted(one) for one in rounds] == [[0, 1, 2, 3, 4]] * 7
    assert len({tuple(one) for one in rounds}) > 1


def test_each_epoch_shuffles_the_images() -> None:
    source = patches(numbered(4))
    first, second = (images_of(source, epoch) for epoch in (1, 2))
    assert first != sorted(first)
    assert first != second


def test_augmentation_gives_all_eight_turns_and_mirrors_and_no_other() -> None:
    pair = coordinates("a", 4, 4, 2)
    seen = {hr.tobytes() for _, hr in drawn(patches([pair], geometry=True, patches_per_image=200))}
    turned = [np.rot90(pair.hr, turns) for turns in range(4)]
    assert seen == {a.tobytes() for t in turned for a in (t, t[:, ::-1])}


def test_colour_augmentation_gives_all_six_orders_of_the_channels_and_no_other() -> None:
    pair = Pair(
        "a", np.full((8, 8, 3), (1, 2, 3), np.uint8), np.full((4, 4, 3), (1, 2, 3), np.uint8)
    )
    source = patches([pair], colour=True, patches_per_image=200)
    seen = set()
    for lr, hr in drawn(source):
        assert tuple(lr[0, 0]) == tuple(hr[0, 0])
        seen.add(tuple(int(value) for value in hr[0, 0]))
    assert seen == {(1, 2, 3), (1, 3, 2), (2, 1, 3), (2, 3, 1), (3, 1, 2), (3, 2, 1)}


def test_the_same_seed_draws_the_same_patches_and_another_draws_others(make_pair: MakePair) -> None:
    pairs = [make_pair("a", 40, 30), make_pair("b", 30, 44, phase=1)]

    def epoch(seed: int, number: int = 1) -> bytes:
        return bytes_of(patches(pairs, geometry=True, colour=True, seed=seed), number)

    assert epoch(1) == epoch(1)
    assert len({epoch(1, 1), epoch(1, 2), epoch(2, 1), epoch(2, 2)}) == 4


def test_each_epoch_draws_other_patches(make_pair: MakePair) -> None:
    source = patches([make_pair("a", 40, 30)])
    assert len({bytes_of(source, epoch) for epoch in range(1, 6)}) == 5


def test_reused_patches_return_in_another_order_and_then_change(make_pair: MakePair) -> None:
    pairs = [make_pair("a", 40, 30), make_pair("b", 30, 44, phase=1)]
    source = patches(pairs, geometry=True, colour=True, reuse=3)
    epochs = [[hr.tobytes() for _, hr in drawn(source, epoch)] for epoch in range(1, 8)]
    sets = [frozenset(epoch) for epoch in epochs]
    assert sets[0] == sets[1] == sets[2]
    assert sets[3] == sets[4] == sets[5]
    assert not sets[0] & sets[3]
    assert not sets[3] & sets[6]
    assert len({tuple(epoch) for epoch in epochs}) == 7
    assert [epoch for epoch in range(1, 8) if source.are_new(epoch)] == [1, 4, 7]


@pytest.mark.parametrize("reuse", [1, 2])
def test_an_equal_key_means_an_equal_patch(make_pair: MakePair, reuse: int) -> None:
    source = patches([make_pair("a", 40, 30), make_pair("b", 30, 44, phase=1)], reuse=reuse)
    seen: dict[int, bytes] = {}
    for epoch, number in product(range(1, 5), range(len(source))):
        for key, hr in zip(source.keys(epoch, number), source.batch(epoch, number)[1], strict=True):
            assert seen.setdefault(key, hr.tobytes()) == hr.tobytes()
    assert len(seen) == 4 * source.patch_count // reuse


def test_whole_images_without_augmentation_are_always_the_same(make_pair: MakePair) -> None:
    pairs = [make_pair("a", 40, 30), make_pair("b", 40, 30, phase=1)]
    source = patches(pairs, patch_size=None)
    assert source.repeats
    assert [sorted(source.keys(epoch, 0)) for epoch in range(1, 4)] == [[0, 1]] * 3
    assert not patches(pairs, patch_size=None, colour=True).repeats


def test_each_batch_of_an_epoch_draws_other_patches(make_pair: MakePair) -> None:
    source = patches([make_pair("a", 40, 30)])
    assert len({hr.tobytes() for _, hr in batches(source)}) == len(source)


def test_a_batch_is_the_same_whenever_it_is_drawn(make_pair: MakePair) -> None:
    pairs = [make_pair("a", 40, 30), make_pair("b", 30, 44, phase=1), make_pair("c", 20, 20)]
    options = {"geometry": True, "colour": True, "batch_size": 7}
    source = patches(pairs, **options)
    epochs = {epoch: batches(source, epoch) for epoch in (1, 2)}
    alone = patches(pairs, **options)
    for epoch, number in [(2, 8), (1, 3), (2, 0), (1, 3), (1, 0), (2, 4)]:
        for array, expected in zip(alone.batch(epoch, number), epochs[epoch][number], strict=True):
            np.testing.assert_array_equal(array, expected)


@pytest.mark.parametrize("processes", [1, 2, 3, 4])
def test_the_parts_of_a_batch_add_up_to_the_batch(processes: int, make_pair: MakePair) -> None:
    pairs = [make_pair("a", 40, 30), make_pair("b", 30, 44, phase=1)]
    source = patches(pairs, geometry=True, colour=True, patches_per_image=11, batch_size=9)
    for number, whole in enumerate(batches(source)):
        together = np.zeros_like(whole[0]), np.zeros_like(whole[1])
        for rank in range(processes):
            mine = slice(rank, None, processes)
            part = source.batch(1, number, mine)
            for array, drawn_part in zip(together, part, strict=True):
                array[mine] = drawn_part
        np.testing.assert_array_equal(together[0], whole[0])
        np.testing.assert_array_equal(together[1], whole[1])


def test_the_pixels_of_an_epoch_are_those_of_its_patches() -> None:
    pairs = [coordinates("a", 6, 8, 2), coordinates("b", 9, 5, 2)]
    for source in (patches(pairs), patches(pairs, patch_size=None, batch_size=1)):
        assert source.pixels == sum(hr.shape[0] * hr.shape[1] for _, hr in drawn(source))


def test_drawing_does_not_change_the_images(make_pair: MakePair) -> None:
    pair = make_pair("a", 40, 30)
    before = pair.hr.copy(), pair.lr.copy()
    for lr, hr in batches(patches([pair], geometry=True, colour=True)):
        lr[:], hr[:] = 0, 0
    np.testing.assert_array_equal(pair.hr, before[0])
    np.testing.assert_array_equal(pair.lr, before[1])


def test_whole_images_come_once_each_with_their_halo() -> None:
    pairs = [coordinates(name, 6, 8, 2) for name in "abc"]
    for number, pair in enumerate(pairs):
        pair.lr[..., 2] = pair.hr[..., 2] = number
    source = patches(pairs, patch_size=None, batch_size=2)
    epoch = batches(source)
    assert [hr.shape for _, hr in epoch] == [(2, 12, 16, 3), (1, 12, 16, 3)]
    found = [hr[0, 0, 2] for _, batch in epoch for hr in batch]
    assert sorted(found) == [0, 1, 2]
    whole = np.pad(pairs[found[0]].lr, ((3, 3), (3, 3), (0, 0)), "symmetric")
    np.testing.assert_array_equal(epoch[0][0][0], whole)


def test_whole_images_of_several_sizes_cannot_share_a_batch(one_line: OneLine) -> None:
    pairs = [coordinates("a", 6, 8, 2), coordinates("b", 8, 6, 2)]
    with pytest.raises(InputError) as caught:
        patches(pairs, patch_size=None)
    message = one_line(caught)
    assert "train.patch_size" in message
    assert "b (12×16)" in message
    assert "data.same_size: most_common" in message
    assert "train.batch_size" in message


def test_whole_images_of_several_sizes_can_come_one_by_one() -> None:
    pairs = [coordinates("a", 6, 8, 2), coordinates("b", 9, 5, 2)]
    source = patches(pairs, patch_size=None, batch_size=1, geometry=True, colour=True)
    sizes = [sorted(hr.shape[1:3]) for _, hr in batches(source)]
    assert sorted(sizes) == [[10, 18], [12, 16]]


def test_whole_images_that_are_not_square_cannot_be_turned_in_a_batch(one_line: OneLine) -> None:
    pairs = [coordinates("a", 6, 8, 2), coordinates("b", 6, 8, 2)]
    with pytest.raises(InputError) as caught:
        patches(pairs, patch_size=None, geometry=True)
    assert "train.augment.geometry" in one_line(caught)


def test_an_image_smaller_than_a_patch_is_named_with_both_sizes(one_line: OneLine) -> None:
    pairs = [coordinates("0001", 20, 20, 2), coordinates("0002", 20, 15, 2)]
    with pytest.raises(InputError) as caught:
        patches(pairs, patch_size=32)
    message = one_line(caught)
    assert "0002" in message
    assert "30×40" in message
    assert "train.patch_size: 32" in message


def write_pair(folder: Path, pair: Pair, scale: int) -> None:
    write_png(folder / f"hr/{pair.name}.png", pair.hr)
    write_png(folder / f"lr/{pair.name}x{scale}.png", pair.lr)


def test_pairs_are_read_in_order_with_their_names(tmp_path: Path, make_pair: MakePair) -> None:
    made = [make_pair("0001", 12, 16, 4), make_pair("0002", 20, 8, 4)]
    for pair in reversed(made):
        write_pair(tmp_path, pair, 4)
    read = list(read_pairs(tmp_path / "hr", tmp_path / "lr", 4))
    assert [pair.name for pair in read] == ["0001", "0002"]
    for pair, expected in zip(read, made, strict=True):
        np.testing.assert_array_equal(pair.hr, expected.hr)
        np.testing.assert_array_equal(pair.lr, expected.lr)


def test_pairs_are_read_one_by_one(tmp_path: Path, make_pair: MakePair, one_line: OneLine) -> None:
    for name in ("0001", "0002"):
        write_pair(tmp_path, make_pair(name, 12, 16), 2)
    damaged = tmp_path / "lr/0002x2.png"
    os.truncate(damaged, damaged.stat().st_size // 2)
    read = read_pairs(tmp_path / "hr", tmp_path / "lr", 2)
    assert next(read).name == "0001"
    with pytest.raises(InputError) as caught:
        next(read)
    assert str(damaged) in one_line(caught)


def test_a_missing_lr_image_is_named(
    tmp_path: Path, make_pair: MakePair, one_line: OneLine
) -> None:
    write_pair(tmp_path, make_pair("0001", 12, 16), 2)
    (tmp_path / "lr/0001x2.png").unlink()
    with pytest.raises(InputError) as caught:
        read_pairs(tmp_path / "hr", tmp_path / "lr", 2)
    assert str(tmp_path / "lr/0001x2.png") in one_line(caught)


def test_an_lr_image_of_the_wrong_size_is_named(
    tmp_path: Path, make_pair: MakePair, one_line: OneLine
) -> None:
    pair = make_pair("0001", 12, 16)
    write_pair(tmp_path, Pair(pair.name, pair.hr, pair.lr[:-1]), 2)
    with pytest.raises(InputError) as caught:
        read_pairs(tmp_path / "hr", tmp_path / "lr", 2)
    assert str(tmp_path / "lr/0001x2.png") in one_line(caught)


def test_images_become_tensors_in_zero_to_one_with_red_first() -> None:
    image = np.zeros((1, 2, 3, 3), np.uint8)
    image[0, 1, 2] = (255, 51, 0)
    tensor = to_tensor(image, torch.device("cpu"))
    assert tensor.shape == (1, 3, 2, 3)
    assert tensor.dtype == torch.float32
    torch.testing.assert_close(tensor[0, :, 1, 2], torch.tensor([1.0, 0.2, 0.0]))
    assert tensor[0, :, 0].sum() == 0
    assert image.max() == 255  # the array is unchanged


def test_a_read_only_image_becomes_a_tensor_of_its_own() -> None:
    image = np.full((1, 2, 3, 3), 51, np.uint8)
    image.flags.writeable = False
    tensor = to_tensor(image, torch.device("cpu"))
    torch.testing.assert_close(tensor, torch.full((1, 3, 2, 3), 0.2))
