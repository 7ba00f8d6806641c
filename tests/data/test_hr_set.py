import csv
import hashlib
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from srcnn.analysis.results import read_names
from srcnn.data import hr_set as datasets
from srcnn.data.hr_set import list_conversions, write_hr, write_validation
from srcnn.data.resume import resume
from srcnn.data.sources import Photo
from srcnn.errors import InputError
from srcnn.images import image_io as images
from srcnn.images.image_io import RGB8, read_rgb, write_png
from srcnn.utils.paths import lr_name

OneLine = Callable[[Any], str]
Picture = Callable[..., RGB8]


def rows(index: Path) -> list[dict[str, str]]:
    with index.open(newline="") as file:
        return list(csv.DictReader(file))


def test_numbers_continue_from_train_to_val(tmp_path: Path, photos: list[Photo]) -> None:
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
        hr = read_rgb(tmp_path / f"hr/{photo.split}/{number:04d}.png")
        original = read_rgb(photo.path)
        assert hr.shape == (original.shape[0] // 4 * 4, original.shape[1] // 4 * 4, 3)
        np.testing.assert_array_equal(hr, original[: hr.shape[0], : hr.shape[1]])


def test_the_index_lists_the_original_of_every_number(tmp_path: Path, photos: list[Photo]) -> None:
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
    assert read_names(index) == {
        f"{number:04d}": photo.name for number, photo in enumerate(photos, start=1)
    }


def test_names_with_commas_and_umlauts_are_read_back_from_the_index(
    tmp_path: Path, photos: list[Photo]
) -> None:
    odd = [Photo(photos[0].path, 'a, "bridge" über.png', "train")]
    write_hr(odd, tmp_path / "hr", 1)
    assert read_names(tmp_path / "hr/index.csv") == {"0001": 'a, "bridge" über.png'}


def test_each_kind_of_conversion_is_listed_once(tmp_path: Path) -> None:
    made = []
    for number, mode in enumerate(("L", "L", "RGB", "CMYK", "L", "L", "L")):
        path = tmp_path / f"photo{number}.jpg"
        Image.new(mode, (8, 8)).save(path)
        made.append(Photo(path, path.name, "train"))
    notices = list_conversions(write_hr(made, tmp_path / "hr", 1))
    assert len(notices) == 2
    grey, cmyk = notices
    assert grey.startswith("grey kept as 8-bit grey, whose values are scored as Y: ")
    assert "photo0.jpg, photo1.jpg, photo4.jpg and 2 more" in grey
    assert "photo2.jpg" not in grey
    assert cmyk.startswith("CMYK")
    assert "photo3.jpg" in cmyk


def test_an_original_that_is_stored_as_grey_stays_grey(tmp_path: Path) -> None:
    levels = np.arange(36, dtype=np.uint16).reshape(6, 6) * 1000
    Image.fromarray(levels).save(tmp_path / "deep.png")
    Image.fromarray(levels.astype(np.uint8)).convert("RGB").save(tmp_path / "rgb.png")
    made = [Photo(tmp_path / name, name, "train") for name in ("deep.png", "rgb.png")]
    notices = list_conversions(write_hr(made, tmp_path / "hr", 4))
    assert notices == [
        "16-bit grey converted to 8-bit grey, whose values are scored as Y: deep.png"
    ]
    with Image.open(tmp_path / "hr/train/0001.png") as grey:
        assert (grey.mode, grey.size) == ("L", (4, 4))
    with Image.open(tmp_path / "hr/train/0002.png") as rgb:
        assert rgb.mode == "RGB"
    pixels = read_rgb(tmp_path / "hr/train/0001.png")
    assert (pixels == np.rint(levels[:4, :4, None] / 257)).all()


def test_no_conversion_gives_no_line(tmp_path: Path, photos: list[Photo]) -> None:
    assert list_conversions(write_hr(photos, tmp_path / "hr", 1)) == []


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


def test_an_unreadable_photograph_is_named_and_no_folder_is_written(
    tmp_path: Path, photos: list[Photo]
) -> None:
    photos[2].path.write_bytes(photos[2].path.read_bytes()[:300])
    with pytest.raises(InputError, match=r"photo2\.png"):
        write_hr(photos, tmp_path / "hr", 1)
    assert not (tmp_path / "hr").exists()


def test_the_previous_folder_stays_until_the_new_one_is_complete(
    tmp_path: Path, photos: list[Photo]
) -> None:
    write_hr(photos[:4], tmp_path / "hr", 1)
    photos[2].path.write_bytes(photos[2].path.read_bytes()[:300])
    with pytest.raises(InputError):
        write_hr(photos, tmp_path / "hr", 1)
    assert len(read_names(tmp_path / "hr/index.csv")) == 4


def test_writing_fewer_photographs_removes_the_others(tmp_path: Path, photos: list[Photo]) -> None:
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


def test_images_finished_before_an_error_are_not_made_again(
    tmp_path: Path, photos: list[Photo], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = photos[4].path.read_bytes()
    photos[4].path.write_bytes(content[:300])
    with pytest.raises(InputError):
        write_hr(photos, tmp_path / "hr", 1)
    photos[4].path.write_bytes(content)
    read = reads(monkeypatch)
    write_hr(photos, tmp_path / "hr", 1)
    assert read == [str(photos[4].path)]


def test_an_empty_note_after_a_power_cut_is_written_again(
    tmp_path: Path, photos: list[Photo]
) -> None:
    write_hr(photos, tmp_path / "hr", 1)
    before = {path.name: path.read_bytes() for path in tmp_path.glob("hr/*/*.png")}
    for note in (tmp_path / ".finished/hr").glob("*.json"):
        note.write_text("")
    write_hr(photos, tmp_path / "hr", 1)
    assert {path.name: path.read_bytes() for path in tmp_path.glob("hr/*/*.png")} == before


def test_disk_space_is_checked_only_for_unfinished_images(
    tmp_path: Path, photos: list[Photo], one_line: OneLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    write_hr(photos, tmp_path / "hr", 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=0))
    write_hr(photos, tmp_path / "hr", 1)
    with pytest.raises(InputError) as caught:
        write_hr(photos, tmp_path / "another", 1)
    assert "the photographs" in one_line(caught)


def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The photographs that are decoded from now on."""
    read = []

    def read_photo(data: bytes, where: str) -> Any:
        read.append(where)
        return images.read_photo(data, where)

    monkeypatch.setattr(datasets, "read_photo", read_photo)
    return read


def test_the_image_of_a_changed_photograph_is_made_again(
    tmp_path: Path, photos: list[Photo], picture: Picture
) -> None:
    content = photos[4].path.read_bytes()
    photos[4].path.write_bytes(content[:300])
    with pytest.raises(InputError):
        write_hr(photos, tmp_path / "hr", 1)
    photos[4].path.write_bytes(content)
    write_png(photos[0].path, picture(25, 25))
    write_hr(photos, tmp_path / "hr", 1)
    hr = read_rgb(tmp_path / "hr/train/0001.png")
    np.testing.assert_array_equal(hr, picture(25, 25))


def test_two_processes_that_write_one_folder_take_turns(
    tmp_path: Path, photos: list[Photo], capsys: pytest.CaptureFixture[str]
) -> None:
    inside = threading.Event()

    def hold_the_folder() -> None:
        with resume(tmp_path / "hr"):
            inside.set()
            time.sleep(0.3)

    other = threading.Thread(target=hold_the_folder)
    other.start()
    inside.wait()
    write_hr(photos, tmp_path / "hr", 1)
    other.join()
    assert "waiting" in capsys.readouterr().out
    assert len(read_names(tmp_path / "hr/index.csv")) == 5


def test_the_store_keeps_only_the_images_of_the_folder(tmp_path: Path, photos: list[Photo]) -> None:
    write_hr(photos, tmp_path / "hr", 1)
    write_hr(photos[1:], tmp_path / "hr", 1)
    kept = list((tmp_path / ".finished/hr").iterdir())
    assert sorted(path.suffix for path in kept) == [".json"] * 4 + [".png"] * 4
    inodes = {path.stat().st_ino for path in (tmp_path / "hr").rglob("*.png")}
    assert {path.stat().st_ino for path in kept if path.suffix == ".png"} == inodes


def test_adding_a_photograph_makes_only_its_image(
    tmp_path: Path, photos: list[Photo], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_hr(photos[1:], tmp_path / "hr", 1)
    shutil.rmtree(tmp_path / "hr")  # as DVC does before a stage runs
    read = reads(monkeypatch)
    write_hr(photos, tmp_path / "hr", 1)
    assert read == [str(photos[0].path)]
    assert len(read_names(tmp_path / "hr/index.csv")) == 5


def test_a_changed_image_is_made_again(
    tmp_path: Path, photos: list[Photo], picture: Picture
) -> None:
    write_hr(photos, tmp_path / "hr", 1)
    png = tmp_path / "hr/train/0001.png"
    png.write_bytes(b"changed in place, and so is its other name")
    write_hr(photos, tmp_path / "hr", 1)
    np.testing.assert_array_equal(read_rgb(png), picture(20, 30))


def test_a_plain_png_is_copied_if_nothing_is_cropped(tmp_path: Path) -> None:
    path = tmp_path / "plain.png"
    Image.new("RGB", (8, 8), "red").save(path, compress_level=0)
    photos = [Photo(path, path.name, "train")]
    write_hr(photos, tmp_path / "hr", 4)
    assert (tmp_path / "hr/train/0001.png").read_bytes() == path.read_bytes()
    write_hr(photos, tmp_path / "hr", 3)
    assert (tmp_path / "hr/train/0001.png").read_bytes() != path.read_bytes()


def test_names_that_differ_only_in_case_are_two_images(tmp_path: Path) -> None:
    made = []
    for name, colour in (("a.png", "red"), ("A.png", "green"), ("x/a.png", "blue")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8), colour).save(tmp_path / name)
        made.append(Photo(tmp_path / name, name, "train"))
    write_hr(made, tmp_path / "hr", 1)
    assert list(read_names(tmp_path / "hr/index.csv").values()) == ["a.png", "A.png", "x/a.png"]
    assert len(list(tmp_path.glob("hr/train/*.png"))) == 3


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff"])
def test_an_image_in_train_and_val_is_refused_with_both_names(
    tmp_path: Path, picture: Picture, one_line: OneLine, suffix: str
) -> None:
    made = []
    for name, phase in (("train/a.png", 0), ("train/b.png", 1), (f"val/c.{suffix}", 1)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(picture(16, 16, phase)).save(tmp_path / name)
        made.append(Photo(tmp_path / name, name, name.split("/")[0]))
    with pytest.raises(InputError) as caught:
        write_hr(made, tmp_path / "hr", 1)
    message = one_line(caught)
    assert f"{tmp_path}/train/b.png (train) and {tmp_path}/val/c.{suffix} (val)" in message
    assert "a.png" not in message
    assert not (tmp_path / "hr").exists()


def test_validation_lists_size_mode_and_checksum_of_each_image(
    tmp_path: Path, photos: list[Photo]
) -> None:
    laid_out = write_hr(photos, tmp_path / "hr", 4)
    write_validation(laid_out, tmp_path / "validation.csv")
    fourth = rows(tmp_path / "validation.csv")[3]
    content = (tmp_path / "hr/val/0004.png").read_bytes()
    assert fourth == {
        "image": "0004",
        "split": "val",
        "name": "photo3.png",
        "width": "33",
        "height": "23",
        "mode": "RGB",
        "sha256": hashlib.sha256(content).hexdigest(),
        "suspicious": "tiny (33×23)",
    }


def test_only_suspicious_images_are_listed(tmp_path: Path, picture: Picture) -> None:
    made = []
    pictures = {
        "fine.png": picture(64, 100, 1),
        "again.png": picture(64, 100, 1),
        "grey.png": np.full((64, 64, 3), 128, np.uint8),
        "small.png": picture(63, 500),
    }
    for name, pixels in pictures.items():
        write_png(tmp_path / name, pixels)
        made.append(Photo(tmp_path / name, name, "train"))
    notices = write_validation(write_hr(made, tmp_path / "hr", 1), tmp_path / "validation.csv")
    assert notices == [
        "suspicious: 0002 (again.png): same picture as 0001",
        "suspicious: 0003 (grey.png): constant colour",
        "suspicious: 0004 (small.png): tiny (500×63)",
    ]
    found = [row["suspicious"] for row in rows(tmp_path / "validation.csv")]
    assert found == ["", "same picture as 0001", "constant colour", "tiny (500×63)"]


def test_without_images_validation_is_a_header(tmp_path: Path) -> None:
    assert write_validation([], tmp_path / "validation.csv") == []
    assert (tmp_path / "validation.csv").read_text().startswith("image,split,name,")


def test_low_resolution_images_are_named_as_in_div2k() -> None:
    assert lr_name("0001", 2) == "0001x2.png"
