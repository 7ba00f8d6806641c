import csv
import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from ruamel.yaml import YAML

from srcnn.datasets import (
    Photo,
    folder_photos,
    lr_name,
    original_names,
    sample_photos,
    write_hr,
)
from srcnn.errors import InputError
from srcnn.files import packaged_file
from srcnn.images import RGB8, read_rgb, write_png

OneLine = Callable[[Any], str]
Picture = Callable[..., RGB8]


@pytest.fixture
def photos(tmp_path: Path, picture: Picture) -> list[Photo]:
    """Three training photographs and two of val, of five sizes."""
    made = []
    for number, split in enumerate(("train", "train", "train", "val", "val")):
        path = tmp_path / f"originals/{split}/photo{number}.png"
        write_png(path, picture(20 + number, 30 + number, phase=number))
        made.append(Photo(path, path.name, split))
    return made


def rows(index: Path) -> list[dict[str, str]]:
    with index.open(newline="") as file:
        return list(csv.DictReader(file))


def a_manifest(folder: Path, **changes: str) -> Path:
    entry = {"package": "skimage", "file": "data/chelsea.png", "split": "val", "sha256": "596aa1e7"}
    path = folder / "manifest.yaml"
    YAML().dump({"images": [entry | changes]}, path)
    return path


def test_every_sample_photograph_is_installed_with_the_right_checksum(project: Path) -> None:
    photos = sample_photos(project / "datasets/sample.yaml")
    assert all(photo.path.is_file() for photo in photos)
    splits = [photo.split for photo in photos]
    assert splits.count("val") >= 5
    assert splits.count("train") >= 5
    assert set(splits) == {"train", "val"}


def test_the_sample_lists_full_checksums_and_no_photograph_twice(project: Path) -> None:
    entries = YAML(typ="safe").load(project / "datasets/sample.yaml")["images"]
    assert all(len(entry["sha256"]) == 64 for entry in entries)
    assert len({entry["sha256"] for entry in entries}) == len(entries)


def test_the_cat_is_among_the_validation_images(project: Path) -> None:
    photos = sample_photos(project / "datasets/sample.yaml")
    assert [photo.split for photo in photos if photo.name == "chelsea.png"] == ["val"]


def test_a_wrong_checksum_is_reported_with_both_sums(tmp_path: Path, one_line: OneLine) -> None:
    manifest = a_manifest(tmp_path, sha256="0" * 64)
    with pytest.raises(InputError) as caught:
        sample_photos(manifest)
    message = one_line(caught)
    assert "chelsea.png" in message
    assert "0" * 64 in message
    assert "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb" in message


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"package": "nothing_of_this_name"}, "nothing_of_this_name"),
        ({"file": "data/nobody.png"}, "nobody.png"),
    ],
)
def test_a_missing_package_or_file_is_named(
    tmp_path: Path, one_line: OneLine, changes: dict[str, str], named: str
) -> None:
    with pytest.raises(InputError) as caught:
        sample_photos(a_manifest(tmp_path, **changes))
    assert named in one_line(caught)


def test_a_file_in_a_package_is_found_without_importing_the_package(tmp_path: Path) -> None:
    package = tmp_path / "broken_package"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('imported')")
    (package / "data.txt").write_text("data")
    sum_of_data = hashlib.sha256(b"data").hexdigest()
    program = (
        "from srcnn.files import packaged_file\n"
        f"print(packaged_file('broken_package', 'data.txt', '{sum_of_data}'))"
    )
    found = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{Path(__file__).parents[1]}:{tmp_path}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == str(package / "data.txt")


def test_a_checksum_may_be_given_by_its_first_digits() -> None:
    assert packaged_file("skimage", "data/chelsea.png", "596aa1e7").name == "chelsea.png"


def test_a_folder_gives_its_photographs_by_split_and_name(photos: list[Photo]) -> None:
    assert folder_photos(photos[0].path.parents[1]) == photos


def test_photographs_in_folders_of_a_split_keep_their_folder_in_their_name(
    tmp_path: Path, picture: Picture
) -> None:
    for name in ("train/a.png", "train/more/b.png", "val/c.png"):
        write_png(tmp_path / name, picture(8, 8))
    names = [(photo.split, photo.name) for photo in folder_photos(tmp_path)]
    assert names == [("train", "a.png"), ("train", "more/b.png"), ("val", "c.png")]


@pytest.mark.parametrize("missing", ["train", "val"])
def test_a_folder_without_a_split_is_named(
    photos: list[Photo], one_line: OneLine, missing: str
) -> None:
    root = photos[0].path.parents[1]
    (root / missing).rename(root / "elsewhere")
    with pytest.raises(InputError) as caught:
        folder_photos(root)
    assert str(root / missing) in one_line(caught)


def test_a_split_without_images_is_named(photos: list[Photo], one_line: OneLine) -> None:
    root = photos[0].path.parents[1]
    for photo in photos[3:]:
        photo.path.rename(photo.path.with_suffix(".txt"))
    with pytest.raises(InputError) as caught:
        folder_photos(root)
    assert str(root / "val") in one_line(caught)


def test_photographs_are_numbered_on_from_train_to_val(tmp_path: Path, photos: list[Photo]) -> None:
    write_hr(photos, tmp_path / "hr", 4)
    written = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.glob("hr/*/*"))
    assert written == [
        "hr/train/0001.png",
        "hr/train/0002.png",
        "hr/train/0003.png",
        "hr/val/0004.png",
        "hr/val/0005.png",
    ]


def test_photographs_are_cropped_at_the_bottom_and_right_and_else_unchanged(
    tmp_path: Path, photos: list[Photo]
) -> None:
    write_hr(photos, tmp_path / "hr", 4)
    for number, photo in enumerate(photos, start=1):
        hr, _ = read_rgb(tmp_path / f"hr/{photo.split}/{number:04d}.png")
        original, _ = read_rgb(photo.path)
        assert hr.shape == (original.shape[0] // 4 * 4, original.shape[1] // 4 * 4, 3)
        np.testing.assert_array_equal(hr, original[: hr.shape[0], : hr.shape[1]])


def test_the_index_tells_what_every_number_stands_for(tmp_path: Path, photos: list[Photo]) -> None:
    write_hr(photos, tmp_path / "hr", 4)
    index = tmp_path / "hr/index.csv"
    assert index.read_text().splitlines()[0] == "image,split,name,width,height"
    assert rows(index)[3] == {
        "image": "0004",
        "split": "val",
        "name": "photo3.png",
        "width": "32",
        "height": "20",
    }
    assert original_names(index) == {
        f"{number:04d}": photo.name for number, photo in enumerate(photos, start=1)
    }


def test_names_with_commas_and_umlauts_come_back_from_the_index(
    tmp_path: Path, photos: list[Photo]
) -> None:
    odd = [Photo(photos[0].path, 'a, "bridge" über.png', "train")]
    write_hr(odd, tmp_path / "hr", 1)
    assert original_names(tmp_path / "hr/index.csv") == {"0001": 'a, "bridge" über.png'}


def test_each_kind_of_conversion_is_told_once(tmp_path: Path) -> None:
    made = []
    for number, mode in enumerate(("L", "L", "RGB", "CMYK", "L", "L", "L")):
        path = tmp_path / f"photo{number}.jpg"
        Image.new(mode, (8, 8)).save(path)
        made.append(Photo(path, path.name, "train"))
    notices = write_hr(made, tmp_path / "hr", 1)
    assert len(notices) == 2
    grey, cmyk = notices
    assert grey.startswith("grey")
    assert "photo0.jpg, photo1.jpg, photo4.jpg and 2 more" in grey
    assert "photo2.jpg" not in grey
    assert cmyk.startswith("CMYK")
    assert "photo3.jpg" in cmyk


def test_nothing_is_told_where_nothing_was_converted(tmp_path: Path, photos: list[Photo]) -> None:
    assert write_hr(photos, tmp_path / "hr", 1) == []


def test_a_photograph_smaller_than_the_multiple_is_named_with_its_size(
    tmp_path: Path, picture: Picture, one_line: OneLine
) -> None:
    path = tmp_path / "small.png"
    write_png(path, picture(7, 20))
    with pytest.raises(InputError) as caught:
        write_hr([Photo(path, path.name, "train")], tmp_path / "hr", 8)
    message = one_line(caught)
    assert str(path) in message
    assert "20×7" in message
    assert "8×8" in message


def test_a_photograph_that_cannot_be_read_leaves_no_index_and_nothing_half_written(
    tmp_path: Path, photos: list[Photo]
) -> None:
    photos[2].path.write_bytes(photos[2].path.read_bytes()[:300])
    with pytest.raises(InputError, match=r"photo2\.png"):
        write_hr(photos, tmp_path / "hr", 1)
    assert not (tmp_path / "hr/index.csv").exists()
    for path in (tmp_path / "hr").rglob("*.*"):
        assert not path.name.startswith(".")
        read_rgb(path)


def test_writing_fewer_photographs_leaves_none_of_those_written_before(
    tmp_path: Path, photos: list[Photo]
) -> None:
    # A stage run by hand has no DVC that clears its folder; a stale val image would be scored.
    write_hr(photos, tmp_path / "hr", 1)
    write_hr([photos[0], photos[3]], tmp_path / "hr", 1)
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.glob("hr/*/*"))
    assert left == ["hr/train/0001.png", "hr/val/0002.png"]


def test_the_same_photographs_give_the_same_bytes(tmp_path: Path, photos: list[Photo]) -> None:
    for folder in ("a", "b"):
        write_hr(photos, tmp_path / folder, 2)
    for path in (tmp_path / "a").rglob("*.*"):
        twin = tmp_path / "b" / path.relative_to(tmp_path / "a")
        assert path.read_bytes() == twin.read_bytes()


def test_low_resolution_images_are_named_as_in_div2k() -> None:
    assert lr_name("0001", 2) == "0001x2.png"
