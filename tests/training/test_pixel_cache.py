import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from srcnn.errors import InputError
from srcnn.images.image_io import RGB8, read_rgb, write_png
from srcnn.images.pairs import Pair, PairFiles, list_pairs, read_pairs
from srcnn.training import pixel_cache
from srcnn.training.patches import Patches
from srcnn.training.pixel_cache import CachedPairs, cache_pixels

MakePair = Callable[..., Pair]
OneLine = Callable[[Any], str]
Picture = Callable[..., RGB8]

SIZES = ((12, 16), (9, 5), (1, 1), (150, 160), (8, 8))


@pytest.fixture
def files(tmp_path: Path, picture: Picture) -> list[Path]:
    """Five images of five sizes, one of them larger than the alignment."""
    made = [tmp_path / f"images/{number:04d}.png" for number in range(len(SIZES))]
    for number, (file, size) in enumerate(zip(made, SIZES, strict=True)):
        write_png(file, picture(*size, phase=number))
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "decoded"


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files decoded so far."""
    seen = []

    def noted(file: Path) -> RGB8:
        seen.append(file)
        return read_rgb(file)

    monkeypatch.setattr(pixel_cache, "read_rgb", noted)
    return seen


def decode_elsewhere(
    files: list[Path], folder: Path, at_each_image: str
) -> "subprocess.Popen[bytes]":
    """Start a process that decodes and runs a statement before it reads each image."""
    code = f"""
import os, sys, time
from pathlib import Path
from srcnn.training import pixel_cache
read_rgb = pixel_cache.read_rgb
def noted(file):
    {at_each_image}
    return read_rgb(file)
pixel_cache.read_rgb = noted
pixel_cache.cache_pixels([Path(file) for file in sys.argv[2:]], Path(sys.argv[1]))
"""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.Popen([sys.executable, "-c", code, folder, *files], env=environment)


def assert_decoded(files: list[Path], folder: Path) -> None:
    """The cached images equal the files, and the folder holds nothing else."""
    images = cache_pixels(files, folder)
    for number, file in enumerate(files):
        np.testing.assert_array_equal(images[number], read_rgb(file))
    assert len(pixel_files(folder)) == 1


def pixel_files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name != ".lock"]


def test_the_pixels_equal_the_files(files: list[Path], folder: Path) -> None:
    assert_decoded(files, folder)
    assert_decoded(files[::-1], folder)
    assert_decoded([files[0], files[0]], folder)


def test_the_pixels_cannot_be_written_to(files: list[Path], folder: Path) -> None:
    image = cache_pixels(files, folder)[0]
    assert image.dtype == np.uint8
    with pytest.raises(ValueError, match="read-only"):
        image[:] = 0


def test_images_are_decoded_once(files: list[Path], folder: Path, read: list[Path]) -> None:
    cache_pixels(files, folder)
    assert sorted(read) == files
    assert_decoded(files, folder)
    assert len(read) == len(files)


def test_an_image_is_mapped_only_while_its_array_lives(files: list[Path], folder: Path) -> None:
    def mapped() -> int:
        return Path("/proc/self/maps").read_text().count(str(folder))

    images = cache_pixels(files, folder)
    assert mapped() == 0
    first, part = images[0], images[3][5:7, 5:7]
    assert mapped() == 2
    del first, part
    assert mapped() == 0


def test_other_images_replace_earlier_ones(files: list[Path], folder: Path) -> None:
    before = cache_pixels(files, folder)
    assert_decoded(files[:-1], folder)
    # A process that has mapped the older pixels keeps them.
    np.testing.assert_array_equal(before[4], read_rgb(files[4]))


def test_a_changed_image_is_decoded_again(
    files: list[Path], folder: Path, picture: Picture
) -> None:
    cache_pixels(files, folder)
    write_png(files[1], picture(*SIZES[1], phase=9))
    assert_decoded(files, folder)


@pytest.mark.parametrize("change", [-1, 1])
def test_pixels_of_the_wrong_length_are_made_again(
    files: list[Path], folder: Path, change: int
) -> None:
    cache_pixels(files, folder)
    (path,) = pixel_files(folder)
    os.truncate(path, path.stat().st_size + change)
    assert_decoded(files, folder)


def test_an_unfinished_file_of_a_killed_process_is_deleted(files: list[Path], folder: Path) -> None:
    kill = "if file.stem == '0003': time.sleep(0.1); os.kill(os.getpid(), 9)"
    assert decode_elsewhere(files, folder, kill).wait() == -signal.SIGKILL
    assert [path.suffix for path in pixel_files(folder)] == [".tmp"]
    assert_decoded(files, folder)


def test_a_process_waits_for_another_that_decodes(
    files: list[Path], folder: Path, tmp_path: Path, read: list[Path]
) -> None:
    log = tmp_path / "log"
    note = f"open({str(log)!r}, 'a').write(file.name + '\\n'); time.sleep(0.1)"
    with decode_elsewhere(files, folder, note) as other:
        while not log.exists() and other.poll() is None:
            time.sleep(0.01)
        cache_pixels(files, folder)
    assert sorted(log.read_text().split()) == [file.name for file in files]
    assert read == []
    assert_decoded(files, folder)


def test_too_little_room_is_reported_in_one_line(
    files: list[Path], folder: Path, monkeypatch: pytest.MonkeyPatch, one_line: OneLine
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=300_000))
    with pytest.raises(InputError) as caught:
        cache_pixels(files, folder)
    message = one_line(caught)
    assert str(folder) in message
    assert "5 images" in message
    assert "data.train_images" in message
    assert pixel_files(folder) == []


def test_a_damaged_image_is_named_and_leaves_nothing(
    files: list[Path], folder: Path, one_line: OneLine
) -> None:
    os.truncate(files[3], files[3].stat().st_size // 2)
    with pytest.raises(InputError) as caught:
        cache_pixels(files, folder)
    assert str(files[3]) in one_line(caught)
    assert pixel_files(folder) == []


def test_an_image_that_changes_size_during_the_run_is_named(
    files: list[Path], folder: Path, monkeypatch: pytest.MonkeyPatch, one_line: OneLine
) -> None:
    monkeypatch.setattr(pixel_cache, "read_rgb", lambda file: read_rgb(files[0]))
    with pytest.raises(InputError) as caught:
        cache_pixels(files[:2], folder)
    assert str(files[1]) in one_line(caught)
    assert pixel_files(folder) == []


@pytest.fixture
def pair_files(tmp_path: Path, make_pair: MakePair) -> Callable[[int], list[PairFiles]]:
    """Lists three pairs at a scale, with the same HR images at each scale."""

    def make(scale: int) -> list[PairFiles]:
        for number in range(3):
            pair = make_pair(f"{number:04d}", 32 + 4 * number, 40, scale, phase=number)
            write_png(tmp_path / f"hr/{pair.name}.png", pair.hr)
            write_png(tmp_path / f"x{scale}/{pair.name}x{scale}.png", pair.lr)
        return list_pairs(tmp_path / "hr", tmp_path / f"x{scale}", scale)

    return make


def test_pairs_equal_the_files(
    tmp_path: Path, folder: Path, pair_files: Callable[[int], list[PairFiles]]
) -> None:
    pairs = CachedPairs(pair_files(2), folder / "hr", folder / "x2")
    expected = list(read_pairs(tmp_path / "hr", tmp_path / "x2", 2))
    assert len(pairs) == len(expected)
    for pair, other in zip(pairs, expected, strict=True):
        assert pair.name == other.name
        np.testing.assert_array_equal(pair.hr, other.hr)
        np.testing.assert_array_equal(pair.lr, other.lr)


def test_the_scales_share_their_hr_images(
    folder: Path, pair_files: Callable[[int], list[PairFiles]], read: list[Path]
) -> None:
    CachedPairs(pair_files(2), folder / "hr", folder / "x2")
    read.clear()
    pairs = CachedPairs(pair_files(4), folder / "hr", folder / "x4")
    assert {file.parent.name for file in read} == {"x4"}
    assert [pair.hr.shape[0] // pair.lr.shape[0] for pair in pairs] == [4, 4, 4]


def test_a_batch_keeps_no_image_open(
    folder: Path, pair_files: Callable[[int], list[PairFiles]]
) -> None:
    pairs = CachedPairs(pair_files(2), folder / "hr", folder / "x2")
    options: dict[str, Any] = {"patches_per_image": 32, "batch_size": 96, "seed": 1}
    source = Patches(pairs, 2, 5, patch_size=16, geometry=True, colour=False, **options)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = len(list(Path("/proc/self/fd").iterdir())) + 20
    resource.setrlimit(resource.RLIMIT_NOFILE, (few, limits[1]))
    try:
        _, hr = source.batch(1, 0)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert len(hr) == 96


def test_patches_are_the_same_from_disk_as_from_memory(
    tmp_path: Path, folder: Path, pair_files: Callable[[int], list[PairFiles]]
) -> None:
    def epochs(pairs: Any) -> list[bytes]:
        source = Patches(
            pairs,
            2,
            5,
            patch_size=16,
            patches_per_image=20,
            batch_size=8,
            geometry=True,
            colour=True,
            seed=1,
        )
        drawn = (source.batch(epoch, n) for epoch in (1, 2) for n in range(len(source)))
        return [array.tobytes() for batch in drawn for array in batch]

    pairs = CachedPairs(pair_files(2), folder / "hr", folder / "x2")
    assert epochs(pairs) == epochs(list(read_pairs(tmp_path / "hr", tmp_path / "x2", 2)))
