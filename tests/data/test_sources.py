import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

from srcnn.data.sources import Photo, folder_photos, other_files, sample_photos, select
from srcnn.errors import InputError
from srcnn.images.image_io import RGB8, read_photo, write_png
from srcnn.utils.files import packaged_file
from srcnn.utils.yaml_files import read_yaml

SPLITS_AND_SELECT = ("select", "train", "val")

OneLine = Callable[[Any], str]
Picture = Callable[..., RGB8]


def a_manifest(folder: Path, **changes: str) -> Path:
    entry = {"package": "skimage", "file": "data/chelsea.png", "split": "val", "sha256": "596aa1e7"}
    path = folder / "manifest.yaml"
    path.write_text(yaml.safe_dump({"images": [entry | changes]}))
    return path


def test_every_sample_photograph_is_installed_with_the_right_checksum(project: Path) -> None:
    photos = sample_photos(project / "datasets/sample.yaml")
    assert all(photo.path.is_file() for photo in photos)
    assert {photo.split for photo in photos} == {"train", "val"}


def test_the_sample_has_enough_val_photographs_for_a_sign_test_at_5_percent(project: Path) -> None:
    photos = sample_photos(project / "datasets/sample.yaml")
    val = [photo for photo in photos if photo.split == "val"]
    assert 2 / 2 ** len(val) < 0.05  # all images point the same way
    modes = {photo.name: read_photo(photo.path).mode for photo in val}
    assert [name for name, mode in modes.items() if mode == "L"] == ["camera.png"]


def test_the_sample_lists_full_checksums_and_no_photograph_twice(project: Path) -> None:
    entries = read_yaml(project / "datasets/sample.yaml")["images"]
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
        "from srcnn.utils.files import packaged_file\n"
        f"print(packaged_file('broken_package', 'data.txt', '{sum_of_data}'))"
    )
    found = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{Path(__file__).parents[2]}:{tmp_path}"},
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


def test_linked_folders_count_and_hidden_ones_do_not(tmp_path: Path, picture: Picture) -> None:
    for name in ("train/a.png", "train/.thumbnails/a.png", "val/b.png", "elsewhere/c.png"):
        write_png(tmp_path / name, picture(8, 8))
    (tmp_path / "train/linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/back").symlink_to(tmp_path / "elsewhere")
    names = [photo.name for photo in folder_photos(tmp_path)]
    assert names == ["a.png", "linked/c.png", "b.png"]


def test_a_broken_link_is_named(photos: list[Photo], one_line: OneLine, tmp_path: Path) -> None:
    root = photos[0].path.parents[1]
    (root / "train/gone.png").symlink_to(tmp_path / "nowhere.png")
    with pytest.raises(InputError) as caught:
        [photo.read() for photo in folder_photos(root)]
    assert f"{root / 'train/gone.png'}" in one_line(caught)


def test_files_that_are_not_photographs_are_listed(photos: list[Photo]) -> None:
    root = photos[0].path.parents[1]
    assert other_files(root) == []
    (root / "train/phone.heic").write_bytes(b"")
    (root / "val/.DS_Store").write_bytes(b"")
    assert other_files(root) == ["train/phone.heic"]


def test_a_name_that_is_not_utf_8_is_refused(
    photos: list[Photo], one_line: OneLine, picture: Picture
) -> None:
    root = photos[0].path.parents[1]
    photos[0].path.rename(root / "train/caf\udce9.png")
    with pytest.raises(InputError) as caught:
        folder_photos(root)
    assert "caf\\udce9.png" in one_line(caught)


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


@pytest.fixture
def sized(tmp_path: Path) -> list[Photo]:
    """Photographs of three sizes: two, three and one in train, one of each in val."""
    sizes = {
        "train": [(8, 6), (9, 6), (8, 6), (9, 6), (9, 6), (6, 9)],
        "val": [(6, 9), (8, 6), (9, 6)],
    }
    made = []
    for split, of_split in sizes.items():
        for number, size in enumerate(of_split):
            path = tmp_path / f"{split}{number}.png"
            Image.new("RGB", size, (number, 0, 0)).save(path)
            made.append(Photo(path, path.name, split))
    return made


def test_all_photographs_are_selected_by_default(sized: list[Photo]) -> None:
    assert select(sized) == sized


def test_the_first_photographs_of_each_split_are_kept(sized: list[Photo]) -> None:
    names = [photo.name for photo in select(sized, most={"train": 2, "val": 1})]
    assert names == ["train0.png", "train1.png", "val0.png"]
    names = [photo.name for photo in select(sized, most={"train": 99, "val": None})]
    assert names == [photo.name for photo in sized]


def test_training_photographs_are_set_aside_all_over_the_list(tmp_path: Path) -> None:
    photos = [Photo(tmp_path / str(i), str(i), "train") for i in range(20)]
    photos += [Photo(tmp_path / "v", "v", "val")]
    chosen = select(photos, most={"train": 6}, aside=4)
    by_split = {name: [p.name for p in chosen if p.split == name] for name in SPLITS_AND_SELECT}
    assert by_split == {
        "select": ["2", "7", "12", "17"],
        "train": ["0", "1", "3", "4", "5", "6"],
        "val": ["v"],
    }


@pytest.mark.parametrize("count", [3, 4])
def test_too_few_training_photographs_cannot_be_set_aside(
    tmp_path: Path, count: int, one_line: OneLine
) -> None:
    photos = [Photo(tmp_path / str(i), str(i), "train") for i in range(3)]
    with pytest.raises(InputError) as caught:
        select(photos, aside=count)
    assert f"data.select: cannot set aside {count} of 3 training images" in one_line(caught)


def test_photographs_of_one_size_are_kept(sized: list[Photo]) -> None:
    names = [photo.name for photo in select(sized, (8, 6))]
    assert names == ["train0.png", "train2.png", "val1.png"]


def test_the_most_common_size_is_that_of_most_train_images(sized: list[Photo]) -> None:
    chosen = select(sized, "most_common", {"train": 2})
    assert [photo.name for photo in chosen] == ["train1.png", "train3.png", "val2.png"]


def test_a_size_is_that_of_the_upright_photograph(tmp_path: Path, sized: list[Photo]) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    path = tmp_path / "turned.jpg"
    Image.new("RGB", (6, 8)).save(path, exif=turned)
    chosen = select([Photo(path, path.name, "train"), *sized], (8, 6))
    names = [photo.name for photo in chosen]
    assert names == ["turned.jpg", "train0.png", "train2.png", "val1.png"]


def test_a_size_that_no_image_of_a_split_has_is_refused_with_the_most_common_one(
    sized: list[Photo], one_line: OneLine
) -> None:
    without = [photo for photo in sized if photo.name != "val1.png"]
    with pytest.raises(InputError) as caught:
        select(without, (8, 6))
    assert "data.same_size: no val image has 8×6 pixels" in one_line(caught)
    with pytest.raises(InputError) as caught:
        select(sized, (100, 100))
    assert "the most common size is 9×6, 3 of 6" in one_line(caught)
